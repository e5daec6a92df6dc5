import type { KafkaConfig } from '../config.ts'

// How a refusal is told: what is wrong, and what to do. Names of users and clients, never a secret.

type Explained = [message: string, remedy: string]

/** What the failed call was about: errors of kafkajs seldom say. */
export type Subject = { readonly topic?: string; readonly group?: string }

/** As a broker knows us. */
export const whoWeAre = ({ sasl, ssl }: KafkaConfig): string => {
  if (sasl?.mechanism === 'OAUTHBEARER') return `the client "${sasl.clientId}"`
  if (sasl) return `the user "${sasl.username}"`
  return ssl?.cert ? 'the holder of our certificate' : 'clients without a name'
}

export const GRANT = 'grant it with kafka-acls; docs/security.md lists what each command needs'

const named = (name: string | undefined) => (name === undefined ? '' : ` "${name}"`)

/** `type` is a code of the protocol such as TOPIC_AUTHORIZATION_FAILED. */
export const notAuthorised = (type: string, config: KafkaConfig, { topic, group }: Subject): Explained => {
  const what = type.replace('_AUTHORIZATION_FAILED', '').toLowerCase().replaceAll('_', ' ')
  const name = named(what === 'topic' ? topic : what === 'group' ? group : undefined)
  return [`Kafka does not authorise ${whoWeAre(config)}: ${what}${name}`, GRANT]
}

/** kafkajs says this too when a right on the group is missing. */
export const noCoordinator = ({ group }: Subject): Explained => [
  `no broker names a coordinator for the group${named(group)}`,
  'brokers may be starting: start it again; if that does not help, grant READ on the group (docs/security.md)',
]

export const loginRefused = ({ sasl }: KafkaConfig): Explained =>
  sasl?.mechanism === 'OAUTHBEARER'
    ? [
        `Kafka refuses the token of the client "${sasl.clientId}" (SASL authentication failed)`,
        'the log of the broker has its reason: expired, issuer, audience, scope or key; check the authorisation server, and the clocks',
      ]
    : [
        `Kafka refuses the user "${sasl?.username ?? ''}" (SASL authentication failed)`,
        'check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
      ]

export const unknownMechanism = ({ sasl }: KafkaConfig): Explained => [
  `Kafka does not accept the SASL mechanism ${sasl?.mechanism ?? ''}`,
  'set KAFKA_SASL_MECHANISM to one that the listener has enabled',
]

export const saslUnexpected: Explained = [
  'Kafka does not expect SASL on this listener, or not now',
  'check KAFKA_SECURITY_PROTOCOL and the port; connections.max.reauth.ms of the broker, and the life of tokens, must be well above 10 s',
]

const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|ALTNAME_INVALID|CERT_/
/** What the other side says of our certificate, in an alert of TLS. */
const OURS_REFUSED =
  /ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)/

const trust = (code: string): string => {
  if (code === 'CERT_HAS_EXPIRED') return 'the broker needs a new certificate (or the clock here is wrong)'
  if (code === 'CERT_NOT_YET_VALID') return 'check the clock here and the certificate of the broker'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'put into KAFKA_BROKERS, and into advertised.listeners, a name that the certificate was made for'
  return 'set KAFKA_SSL_CA_FILE to the authority that signed it'
}

/** `code` is Node's, or OpenSSL's. Null: not about certificates. */
export const certificateFault = (code: string, where: string, { ssl }: KafkaConfig): Explained | null => {
  if (ssl && OURS_REFUSED.test(code))
    return ssl.cert === null
      ? [
          `Kafka at ${where} wants a certificate of ours (${code})`,
          'set KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE, or use a listener that asks for none',
        ]
      : [
          `Kafka at ${where} refuses our certificate (${code})`,
          'set KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE to one that has not expired, of an authority that the brokers trust',
        ]
  return UNTRUSTED.test(code)
    ? [`the TLS certificate of Kafka at ${where} is not trusted (${code})`, trust(code)]
    : null
}
