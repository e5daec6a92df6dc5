import './patches.ts'
import { Kafka, logLevel, type KafkaConfig as KafkaOptions, type logCreator, type RetryOptions } from 'kafkajs'
import type { KafkaConfig } from '../config.ts'
import type { Log } from '../telemetry/log.ts'

export { headerPairs } from './patches.ts'

/** Patient: outages of brokers are ridden out. maxRetryTime stays far below the session timeout (no heartbeat in between). */
const PATIENT: RetryOptions = { initialRetryTime: 300, maxRetryTime: 5_000, retries: 10 }

/** For what a person waits for: tries every broker, and gives up within ten seconds. */
const bounded = (brokers: number): KafkaOptions['retry'] & { connectionTimeout: number } => {
  const tries = Math.min(Math.max(brokers, 2), 4)
  return { initialRetryTime: 100, maxRetryTime: 300, retries: tries - 1, connectionTimeout: Math.floor(7_000 / tries) }
}

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
const routed =
  (log: Log): logCreator =>
  () =>
  ({ namespace, log: entry }) => {
    const shown = Object.fromEntries(
      SHOWN.filter((key) => entry[key] !== undefined).map((key) => [key, entry[key] as unknown]),
    )
    log.warn({ kafkajs: namespace, ...shown }, entry.message)
  }

const tlsOptions = (ssl: NonNullable<KafkaConfig['ssl']>): NonNullable<KafkaOptions['ssl']> => ({
  ...(ssl.ca === null ? {} : { ca: ssl.ca }),
  ...(ssl.cert === null ? {} : { cert: ssl.cert }),
  ...(ssl.key === null ? {} : { key: ssl.key }),
  ...(ssl.keyPassphrase === null ? {} : { passphrase: ssl.keyPassphrase }),
})

const saslOptions = ({ mechanism, ...user }: NonNullable<KafkaConfig['sasl']>): NonNullable<KafkaOptions['sasl']> => {
  if (mechanism === 'PLAIN') return { mechanism: 'plain', ...user }
  return mechanism === 'SCRAM-SHA-256'
    ? { mechanism: 'scram-sha-256', ...user }
    : { mechanism: 'scram-sha-512', ...user }
}

/**
 * One per consumer: two consumers of one instance and group share kafkajs' map of committed offsets.
 * `patience: 'bounded'` is for commands and start-up checks, which must fail within ten seconds.
 */
export const createKafka = (config: KafkaConfig, log: Log, patience: 'patient' | 'bounded' = 'patient'): Kafka => {
  const { connectionTimeout, ...retry } =
    patience === 'bounded' ? bounded(config.brokers.length) : { connectionTimeout: 5_000, ...PATIENT }
  return new Kafka({
    brokers: config.brokers,
    clientId: config.clientId,
    connectionTimeout,
    requestTimeout: 30_000,
    retry,
    logLevel: logLevel.WARN,
    logCreator: routed(log),
    ...(config.ssl ? { ssl: tlsOptions(config.ssl) } : {}),
    ...(config.sasl ? { sasl: saslOptions(config.sasl) } : {}),
  })
}
