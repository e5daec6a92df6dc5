// Kafka Connect standalone with one Debezium JDBC sink, in a JVM of its own.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findJava } from '../../src/local-stack/java.ts'
import { freePorts } from '../../src/local-stack/free-ports.ts'
import { watchMemory } from '../../test/support/memory.ts'
import { until } from '../../test/support/until.ts'
import type { Base, Ground } from '../support/ground.ts'
import { peerJars } from './jars.ts'
import { EVENT_SCHEMA, type Mode, SCHEMA, TABLE } from './modes.ts'

export type Peer = Awaited<ReturnType<typeof startPeer>>

const JVM = ['-Xms4G', '-Xmx4G', '-XX:+UseParallelGC', '-XX:-UsePerfData']
const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter'
const properties = (values: Readonly<Record<string, string>>) =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('')

const workerOf = (brokers: readonly string[], folder: string, jars: string, port: number) => ({
  'bootstrap.servers': brokers.join(','),
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': JSON_CONVERTER,
  'value.converter.schemas.enable': 'true',
  'value.converter.schema.content': EVENT_SCHEMA,
  'offset.storage.file.filename': join(folder, 'offsets'),
  'plugin.path': join(jars, 'plugins'),
  'plugin.discovery': 'service_load',
  'connector.client.config.override.policy': 'All',
  listeners: `http://127.0.0.1:${port}`,
})

const connectorOf = (name: string, topic: string, url: URL, { settings, tasks }: Mode) => ({
  name,
  'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
  'tasks.max': String(tasks),
  topics: topic,
  'connection.url': `jdbc:postgresql://${url.host}${url.pathname}?stringtype=unspecified`,
  'connection.username': url.username,
  'connection.password': url.password,
  'collection.name.format': TABLE,
  'schema.evolution': 'none',
  ...settings,
})

export async function startPeer(ground: Ground, base: Base, topic: string, mode: Mode) {
  await base.query(SCHEMA)
  const jars = await peerJars()
  const folder = await mkdtemp(join(tmpdir(), 'sluice-peer-'))
  const [port = 0] = await freePorts(1)
  const name = `peer-${randomUUID().slice(0, 8)}`
  await writeFile(join(folder, 'worker.properties'), properties(workerOf(ground.brokers, folder, jars, port)))
  await writeFile(join(folder, 'sink.properties'), properties(connectorOf(name, topic, new URL(base.url), mode)), { mode: 0o600 }) // prettier-ignore
  const simple = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', `-Djava.io.tmpdir=${folder}`]
  const main = 'org.apache.kafka.connect.cli.ConnectStandalone'
  const child = spawn(
    await findJava(process.env),
    [...JVM, ...simple, '-cp', join(jars, 'connect', '*'), main, 'worker.properties', 'sink.properties'],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const tail: string[] = []
  const keep = (text: Buffer) => void tail.splice(0, Math.max(0, tail.push(text.toString()) - 30))
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  let running = true
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve())).then(() => void (running = false))
  const memory = watchMemory(child.pid!)

  const states = async (): Promise<string[]> => {
    const answer = await fetch(`http://127.0.0.1:${port}/connectors/${name}/status`).catch(() => null)
    if (!answer?.ok) return []
    const { tasks } = (await answer.json()) as { tasks: { state: string; trace?: string }[] }
    const failed = tasks.find(({ state }) => state === 'FAILED')
    if (failed) throw new Error(`a task failed:\n${failed.trace?.slice(0, 3_000)}`)
    return tasks.map(({ state }) => state)
  }
  const check = async () => {
    if (!running) throw new Error(`Kafka Connect ended:\n${tail.join('')}`)
    await states()
  }
  const peer = {
    ...{ pid: child.pid!, memory, check },
    ready: () =>
      until('all tasks run', async () => (await check(), (await states()).filter((each) => each === 'RUNNING').length) === mode.tasks, { timeoutMs: 120_000, describe: () => tail.join('') }), // prettier-ignore
    async stop() {
      memory.stop()
      kill()
      await ended
      process.off('exit', kill)
      await rm(folder, { recursive: true, force: true })
    },
  }
  return peer
}
