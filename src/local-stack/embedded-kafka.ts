// A real Apache Kafka in KRaft mode: one JVM per broker, each of them a controller too, data in a temporary folder.
import { randomBytes, randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brokerProperties } from './broker-properties.ts'
import { freePorts } from './free-ports.ts'
import { findJava, REMEDY } from './java.ts'
import { fetchJars, locateJars } from './kafka-jars.ts'
import { startService, withFreshPorts, type Plan, type Running } from './start-service.ts'

export type EmbeddedOptions = { env: NodeJS.ProcessEnv; log: (line: string) => void; signal: AbortSignal }

/** Checks what it needs before anything is started; `start` does the rest. */
export const prepareEmbeddedKafka = async (options: EmbeddedOptions & { brokers: number }) => {
  const java = await findJava(options.env)
  const jars = await locateJars(options.env)
  const start = async (): Promise<{ brokers: string[]; stop(): Promise<void> }> => {
    await fetchJars(jars, options)
    return withFreshPorts(() => startCluster({ ...options, java, jars: jars.folder }), REMEDY, options.log)
  }
  return { version: jars.version, start }
}

type ClusterOptions = EmbeddedOptions & { brokers: number; java: string; jars: string }

/** Kafka's form of a UUID. Never with a leading `-`, which its command line takes for an option. */
export const newClusterId = (bytes = randomBytes(16)): string =>
  Buffer.concat([Buffer.of((bytes[0] ?? 0) & 0x7f), bytes.subarray(1)]).toString('base64url')

const startCluster = async (options: ClusterOptions) => {
  const clusterId = newClusterId()
  const ports = await freePorts(options.brokers * 3)
  const nodes = Array.from({ length: options.brokers }, (_, index) => {
    const [client = 0, broker = 0, controller = 0] = ports.slice(index * 3, index * 3 + 3)
    return { id: index + 1, client, broker, controller }
  })
  const voters = votersOf(nodes)
  // One broker that fails takes the others with it: a cluster that is half there is of no use.
  const failed = new AbortController()
  const signal = AbortSignal.any([options.signal, failed.signal])
  const settled = await Promise.allSettled(
    nodes.map(async (node) => {
      try {
        return await startService(planBroker(options, node, { clusterId, voters }), signal)
      } catch (error) {
        failed.abort(error)
        throw error
      }
    }),
  )
  const running = settled.flatMap((result): Running[] => (result.status === 'fulfilled' ? [result.value] : []))
  const stop = async () => void (await Promise.all(running.map((node) => node.stop())))
  if (running.length < nodes.length) {
    await stop()
    throw failed.signal.reason
  }
  return { brokers: nodes.map((node) => `127.0.0.1:${node.client}`), stop }
}

export type BrokerNode = { id: number; client: number; broker: number; controller: number }

export const votersOf = (nodes: readonly BrokerNode[]): string =>
  nodes.map((node) => `${node.id}@127.0.0.1:${node.controller}`).join(',')

/** `more` goes before what every broker is told. */
export const planBroker = (
  options: Pick<ClusterOptions, 'env' | 'brokers' | 'java' | 'jars'>,
  node: BrokerNode,
  { clusterId, voters, more = {} }: { clusterId: string; voters: string; more?: Record<string, string> },
): Plan => {
  const listeners = `CLIENT://127.0.0.1:${node.client},BROKER://127.0.0.1:${node.broker}`
  const properties = Object.entries({
    ...brokerProperties(options.brokers),
    'node.id': String(node.id),
    'controller.quorum.voters': voters,
    listeners: `${listeners},CONTROLLER://127.0.0.1:${node.controller}`,
    'advertised.listeners': listeners,
    'log.dirs': 'data',
    ...more,
  })
  const text = properties.map(([name, value]) => `${name}=${value}\n`).join('')
  const folder = join(options.env['TMPDIR'] || tmpdir(), `sluice-kafka-${randomUUID()}`)
  const java = [options.java, ...jvmFlags(folder, options.brokers), '-cp', join(options.jars, '*')] as const
  const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', 'server.properties']
  return {
    name: 'Kafka',
    folder,
    env: options.env,
    prepare: ['/bin/sh', '-c', 'printf %s "$1" >server.properties; shift; exec "$@"', 'sh', text, ...java, ...format],
    serve: [...java, 'kafka.Kafka', 'server.properties'],
    stopSignal: 'KILL', // its data go with it; an orderly end would only take seconds
    readyLine: 'Kafka Server started',
    port: node.client,
  }
}

/**
 * Without `-UsePerfData` and an own tmpdir, a killed JVM leaves files in the system's. Serial: two cores are few. And no C2: it
 * compiles for minutes, which a broker that lives for minutes does not earn back (4.7 s of CPU to start instead of 6.4, and
 * 5.7 s instead of 9.9 for the first 600,000 records).
 */
export const jvmFlags = (folder: string, brokers: number): string[] => [
  brokers > 1 ? '-Xmx256m' : '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:-UsePerfData',
  '-XX:+ExitOnOutOfMemoryError',
  `-Djava.io.tmpdir=${folder}`,
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
]
