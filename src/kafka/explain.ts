import pRetry from 'p-retry'
import type { KafkaConfig } from '../config.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import {
  certificateFault,
  loginRefused,
  noCoordinator,
  notAuthorised,
  saslUnexpected,
  type Subject,
  unknownMechanism,
} from './explain-security.ts'

// kafkajs errors → what a person can mend. By name, code and type, along the chain of causes; null for the rest.

type KafkaFault = Error & { code?: unknown; type?: unknown; broker?: unknown; topic?: unknown; errors?: unknown }

const chain = (error: unknown): KafkaFault[] => {
  const found: KafkaFault[] = []
  for (let at = error; at instanceof Error && found.length < 10; at = at.cause) {
    found.push(at)
    // createTopics and alterConfigs fail with one error per topic.
    const { errors } = at as KafkaFault
    if (Array.isArray(errors)) found.push(...errors.filter((each) => each instanceof Error))
  }
  return found
}

const SOCKET: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name not found',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the host',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed',
}

const TLS_TALK = /ERR_SSL|EPROTO|secure TLS connection/

const REACH =
  'check KAFKA_BROKERS, and that the broker runs and is reachable from here; it must advertise that address too'

/** What every link of the chain says about the connection, most telling first. */
const connectionFault = (fault: KafkaFault, config: KafkaConfig): [string, string] | null => {
  const where = typeof fault.broker === 'string' ? fault.broker : config.brokers.join(', ')
  const code = typeof fault.code === 'string' ? fault.code : ''
  const { message, name } = fault
  const certificate = certificateFault(code, where, config)
  if (certificate) return certificate
  if (TLS_TALK.test(code) || TLS_TALK.test(message))
    return [
      `Kafka at ${where} does not speak TLS there, or refuses ours (KAFKA_SECURITY_PROTOCOL=${config.securityProtocol})`,
      'use the port of the TLS listener, or change KAFKA_SECURITY_PROTOCOL',
    ]
  if (name === 'KafkaJSConnectionClosedError' || /^Closed connection/.test(message))
    return [
      `Kafka at ${where} closed the connection (KAFKA_SECURITY_PROTOCOL=${config.securityProtocol})`,
      'a listener with TLS or SASL does this to a client without: check KAFKA_SECURITY_PROTOCOL and the port',
    ]
  if (SOCKET[code]) return [`cannot reach Kafka at ${where} (${SOCKET[code]})`, REACH]
  if (name === 'KafkaJSRequestTimeoutError' || message === 'Connection timeout')
    return [`cannot reach Kafka at ${where} (no answer)`, REACH]
  if (name === 'KafkaJSConnectionError') return [`cannot reach Kafka at ${where} (connection closed)`, REACH]
  return null
}

const topicOf = (fault: KafkaFault, { topic }: Subject) => {
  const name = typeof fault.topic === 'string' ? fault.topic : topic
  return name === undefined ? '' : ` "${name}"`
}

const refusalOf = (fault: KafkaFault, config: KafkaConfig, subject: Subject): [string, string] | null => {
  const type = typeof fault.type === 'string' ? fault.type : ''
  const login = fault.name === 'KafkaJSSASLAuthenticationError'
  if (login && /mechanism is not supported/.test(fault.message)) return unknownMechanism(config)
  if (login || type === 'SASL_AUTHENTICATION_FAILED') return loginRefused(config)
  if (type === 'UNSUPPORTED_SASL_MECHANISM') return unknownMechanism(config)
  if (type === 'ILLEGAL_SASL_STATE') return saslUnexpected
  if (type.endsWith('_AUTHORIZATION_FAILED')) {
    const { topic } = fault
    return notAuthorised(type, config, typeof topic === 'string' ? { ...subject, topic } : subject)
  }
  if (fault.name === 'KafkaJSGroupCoordinatorNotFound') return noCoordinator(subject)
  if (/^(GROUP_COORDINATOR_NOT_AVAILABLE|GROUP_LOAD_IN_PROGRESS|NOT_COORDINATOR_FOR_GROUP)$/.test(type))
    return [
      'Kafka has no coordinator ready for the group',
      'try again in a few seconds; a broker is starting or failing over',
    ]
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION')
    return [`the topic${topicOf(fault, subject)} does not exist`, 'create it: sluice topics create']
  if (type === 'INVALID_REPLICATION_FACTOR')
    return ['the replication factor is larger than the number of brokers', 'pass a smaller --replication-factor']
  if (type === 'POLICY_VIOLATION' || type === 'INVALID_CONFIG' || type === 'INVALID_PARTITIONS')
    return [
      `Kafka refuses the topic${topicOf(fault, subject)} (${type})`,
      'change the options, or create the topic by hand',
    ]
  return null
}

export const explainKafkaError = (error: unknown, config: KafkaConfig, subject: Subject = {}): OperatorError | null => {
  const faults = chain(error)
  const ours = faults.find((fault) => fault instanceof OperatorError)
  if (ours instanceof OperatorError) return ours
  const said =
    faults.map((fault) => refusalOf(fault, config, subject)).find((found) => found !== null) ??
    faults.map((fault) => connectionFault(fault, config)).find((found) => found !== null)
  return said ? new OperatorError(said[0], said[1], ExitCode.unavailable, { cause: error }) : null
}

/** Runs one call on Kafka; a fault that a person can mend comes out as an OperatorError. */
export const explained = async <T>(config: KafkaConfig, call: () => Promise<T>, subject: Subject = {}): Promise<T> => {
  try {
    return await call()
  } catch (error) {
    throw explainKafkaError(error, config, subject) ?? error
  }
}

/** kafkajs retries most admin calls, but not this kind: a coordinator that is still loading is an everyday answer. */
export const retried = <T>(call: () => Promise<T>): Promise<T> =>
  pRetry(call, {
    retries: 6,
    minTimeout: 200,
    factor: 1.5,
    shouldRetry: ({ error }) => (error as { retriable?: unknown }).retriable === true,
  })
