// A command of Kafka itself, from the jars of the embedded one.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findJava } from '../../src/local-stack/java.ts'
import { fetchJars, locateJars } from '../../src/local-stack/kafka-jars.ts'

/** What it prints. */
export const runKafkaTool = async (main: string, args: readonly string[]): Promise<Buffer> => {
  const { env } = process
  const jars = await locateJars(env)
  await fetchJars(jars, { env, log: (line) => console.log(line), signal: new AbortController().signal })
  const { stdout } = await promisify(execFile)(
    await findJava(env),
    [
      ...['-Xmx128m', '-XX:+UseSerialGC', '-XX:-UsePerfData', '-cp', join(jars.folder, '*')],
      ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', main, ...args],
    ],
    { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 },
  )
  return stdout
}
