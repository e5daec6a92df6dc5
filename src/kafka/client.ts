import './patches.ts'
import { Kafka, logLevel, type KafkaConfig as KafkaOptions, type logCreator, type RetryOptions } from 'kafkajs'
import type { KafkaConfig } from '../config.ts'
import type { Log } from '../telemetry/log.ts'
import { saslOptions } from './sasl.ts'
import { trackSockets } from './sockets.ts'
import { tlsOptions } from './tls.ts'

export { headerPairs } from './patches.ts'

/** kafkajs waits requestTimeout (30 s) for the first answer of a listener that took the connection and says nothing. */
export const CONNECT_DEADLINE_MS = 8_000

/** Patient: outages of brokers are ridden out. maxRetryTime stays far below the session timeout (no heartbeat in between). */
const PATIENT: RetryOptions = { initialRetryTime: 300, maxRetryTime: 5_000, retries: 10 }

/** For commands and start-up checks: a person waits. Enough tries to meet each of three brokers. */
const IMPATIENT: RetryOptions = { initialRetryTime: 100, maxRetryTime: 300, retries: 3 }

// Record content never; the rest of what kafkajs tells beside its text.
const SHOWN = [
  'broker',
  'clientId',
  'error',
  'groupId',
  'memberId',
  'topic',
  'partition',
  'retryCount',
  'retryTime',
] as const

/** kafkajs calls "error" what it goes on to retry; what ends a client reaches us as a rejection or a CRASH event. */
const lastSaid = new WeakMap<Log, string>()
const routed =
  (log: Log): logCreator =>
  () =>
  ({ namespace, log: entry }) => {
    // One fault is told by each connection and each retry of it: the same words in a row are said once.
    const said = JSON.stringify([entry.message, entry['broker'], entry['error']])
    if (lastSaid.get(log) === said) return
    lastSaid.set(log, said)
    const shown = Object.fromEntries(
      SHOWN.filter((key) => entry[key] !== undefined).map((key) => [key, entry[key] as unknown]),
    )
    log.warn({ kafkajs: namespace, ...shown }, entry.message)
  }

const options = (config: KafkaConfig, log: Log): KafkaOptions => ({
  brokers: config.brokers,
  clientId: config.clientId,
  connectionTimeout: 5_000,
  requestTimeout: 30_000,
  retry: PATIENT,
  logLevel: logLevel.WARN,
  logCreator: routed(log),
  ...(config.ssl ? { ssl: tlsOptions(config.ssl) } : {}),
  ...(config.sasl ? { sasl: saslOptions(config.sasl, () => performance.now()) } : {}),
})

/** One per consumer: two consumers of one instance and group share kafkajs' map of committed offsets. */
export const createKafka = (config: KafkaConfig, log: Log): Kafka => new Kafka(options(config, log))

export type BoundedKafka = {
  readonly kafka: Kafka
  /** Connects, or fails within ten seconds, whatever the other side does; nothing stays behind that keeps the process alive. */
  readonly connect: (client: { connect(): Promise<void> }) => Promise<void>
}

/** For commands, start-up checks and the producer: fails fast instead of waiting for brokers to come back. */
export const createBoundedKafka = (config: KafkaConfig, log: Log, deadlineMs = CONNECT_DEADLINE_MS): BoundedKafka => {
  const sockets = trackSockets()
  const kafka = new Kafka({
    ...options(config, log),
    connectionTimeout: 3_000,
    retry: IMPATIENT,
    socketFactory: sockets.factory,
  })
  return {
    kafka,
    async connect(client) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(sockets.abandon(config.brokers)), deadlineMs)
      })
      await Promise.race([client.connect(), late]).finally(() => clearTimeout(timer))
    },
  }
}
