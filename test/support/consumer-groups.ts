// Kafka's own kafka-consumer-groups: what an outsider sees of a group.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findJava } from '../../src/local-stack/java.ts'
import { fetchJars, locateJars } from '../../src/local-stack/kafka-jars.ts'

/** The rows of `--describe`, by the names in its first line; empty for a group that it does not know. */
export async function consumerGroups(brokers: readonly string[], group: string, ...extra: string[]) {
  const { env } = process
  const jars = await locateJars(env)
  await fetchJars(jars, { env, log: (line) => console.log(line), signal: new AbortController().signal })
  const { stdout } = await promisify(execFile)(await findJava(env), [
    ...['-Xmx128m', '-XX:+UseSerialGC', '-XX:-UsePerfData', '-cp', join(jars.folder, '*')],
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
    'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
    ...['--bootstrap-server', brokers.join(','), '--describe', '--group', group, ...extra],
  ])
  const [head = [], ...rows] = stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([first]) => first === 'GROUP' || first === group)
  return rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i] ?? ''])))
}
