import pRetry from 'p-retry'
import type { KafkaConfig } from '../config.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'

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

const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|ALTNAME_INVALID|CERT_/
/** What the other side says of our certificate, in an alert of TLS. */
const OURS_REFUSED =
  /ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)/
const TLS_TALK = /ERR_SSL|EPROTO|secure TLS connection/

const REACH =
  'check KAFKA_BROKERS, and that the broker runs and is reachable from here; it must advertise that address too'

const trust = (code: string): string => {
  if (code === 'CERT_HAS_EXPIRED') return 'the broker needs a new certificate (or the clock here is wrong)'
  if (code === 'CERT_NOT_YET_VALID') return 'check the clock here and the certificate of the broker'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'put into KAFKA_BROKERS, and into advertised.listeners, a name that the certificate was made for'
  return 'set KAFKA_SSL_CA_FILE to the authority that signed it'
}

const oursRefused = (where: string, given: boolean, code: string): [string, string] =>
  given
    ? [
        `Kafka at ${where} refuses our certificate (${code})`,
        'set KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE to one that has not expired, of an authority that the brokers trust',
      ]
    : [
        `Kafka at ${where} wants a certificate of ours (${code})`,
        'set KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE, or use a listener that asks for none',
      ]

/** What every link of the chain says about the connection, most telling first. */
const connectionFault = (fault: KafkaFault, config: KafkaConfig): [string, string] | null => {
  const where = typeof fault.broker === 'string' ? fault.broker : config.brokers.join(', ')
  const code = typeof fault.code === 'string' ? fault.code : ''
  const { message, name } = fault
  if (OURS_REFUSED.test(code) && config.ssl !== null) return oursRefused(where, config.ssl.cert !== null, code)
  if (UNTRUSTED.test(code)) return [`the TLS certificate of Kafka at ${where} is not trusted (${code})`, trust(code)]
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

const topicOf = (fault: KafkaFault) => (typeof fault.topic === 'string' ? ` "${fault.topic}"` : '')

const unknownMechanism = ({ sasl }: KafkaConfig): [string, string] => [
  `Kafka does not accept the SASL mechanism ${sasl?.mechanism ?? ''}`,
  'set KAFKA_SASL_MECHANISM to one that the listener has enabled',
]

const loginRefused = ({ sasl }: KafkaConfig): [string, string] =>
  sasl?.mechanism === 'OAUTHBEARER'
    ? [
        `Kafka refuses the token of the client "${sasl.clientId}" (SASL authentication failed)`,
        'see the log of the broker for its reason: audience, issuer, scope or time; a token must not have expired',
      ]
    : [
        `Kafka refuses the user "${sasl?.username ?? ''}" (SASL authentication failed)`,
        'check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
      ]

const refusalOf = (fault: KafkaFault, config: KafkaConfig): [string, string] | null => {
  const type = typeof fault.type === 'string' ? fault.type : ''
  if (fault.name === 'KafkaJSSASLAuthenticationError' && /mechanism is not supported/.test(fault.message))
    return unknownMechanism(config)
  if (fault.name === 'KafkaJSSASLAuthenticationError' || type === 'SASL_AUTHENTICATION_FAILED')
    return loginRefused(config)
  if (type === 'UNSUPPORTED_SASL_MECHANISM') return unknownMechanism(config)
  if (type === 'ILLEGAL_SASL_STATE')
    return [
      'Kafka does not expect SASL on this listener, or not now',
      'check KAFKA_SECURITY_PROTOCOL and the port; connections.max.reauth.ms of the broker must be well above 10 s',
    ]
  if (type.endsWith('_AUTHORIZATION_FAILED')) {
    const what = type.replace('_AUTHORIZATION_FAILED', '').toLowerCase().replaceAll('_', ' ')
    return [
      `Kafka does not authorise us: ${what}${topicOf(fault)}`,
      'ask for the ACLs that the README lists (Security)',
    ]
  }
  if (/^(GROUP_COORDINATOR_NOT_AVAILABLE|GROUP_LOAD_IN_PROGRESS|NOT_COORDINATOR_FOR_GROUP)$/.test(type))
    return [
      'Kafka has no coordinator ready for the group',
      'try again in a few seconds; a broker is starting or failing over',
    ]
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION')
    return [`the topic${topicOf(fault)} does not exist`, 'create it: sluice topics create']
  if (type === 'INVALID_REPLICATION_FACTOR')
    return ['the replication factor is larger than the number of brokers', 'pass a smaller --replication-factor']
  if (type === 'POLICY_VIOLATION' || type === 'INVALID_CONFIG' || type === 'INVALID_PARTITIONS')
    return [`Kafka refuses the topic${topicOf(fault)} (${type})`, 'change the options, or create the topic by hand']
  return null
}

export const explainKafkaError = (error: unknown, config: KafkaConfig): OperatorError | null => {
  const faults = chain(error)
  const ours = faults.find((fault) => fault instanceof OperatorError)
  if (ours instanceof OperatorError) return ours
  const said =
    faults.map((fault) => refusalOf(fault, config)).find((found) => found !== null) ??
    faults.map((fault) => connectionFault(fault, config)).find((found) => found !== null)
  return said ? new OperatorError(said[0], said[1], ExitCode.unavailable, { cause: error }) : null
}

/** Runs one call on Kafka; a fault that a person can mend comes out as an OperatorError. */
export const explained = async <T>(config: KafkaConfig, call: () => Promise<T>): Promise<T> => {
  try {
    return await call()
  } catch (error) {
    throw explainKafkaError(error, config) ?? error
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
