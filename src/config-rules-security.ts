import type { VariableName, Variables } from './config-variables.ts'

// Rules between the variables of Kafka's security. None quotes a value.

type Parsed = Partial<Variables>
type Protocol = Variables['KAFKA_SECURITY_PROTOCOL']
type Faults = string[]

const USER = ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const satisfies VariableName[]
const OAUTH = [
  'KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL',
  'KAFKA_SASL_OAUTHBEARER_CLIENT_ID',
  'KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET',
] as const satisfies VariableName[]
const SASL = ['KAFKA_SASL_MECHANISM', ...USER, ...OAUTH, 'KAFKA_SASL_OAUTHBEARER_SCOPE'] as const
const TLS = [
  'KAFKA_SSL_CA_FILE',
  'KAFKA_SSL_CERT_FILE',
  'KAFKA_SSL_KEY_FILE',
  'KAFKA_SSL_KEY_PASSPHRASE',
] as const satisfies VariableName[]

const saslFaults = (v: Parsed, protocol: Protocol): Faults => {
  if (!protocol.startsWith('SASL_'))
    return SASL.filter((name) => v[name] !== undefined).map(
      (name) => `${name} is set, but KAFKA_SECURITY_PROTOCOL=${protocol} has no SASL: choose SASL_SSL or unset it`,
    )
  const mechanism = v.KAFKA_SASL_MECHANISM
  if (mechanism === undefined) return [`KAFKA_SASL_MECHANISM must be set with KAFKA_SECURITY_PROTOCOL=${protocol}`]
  const [needed, foreign] = mechanism === 'OAUTHBEARER' ? [OAUTH, USER] : [USER, SASL.slice(3)]
  return [
    ...needed
      .filter((name) => v[name] === undefined)
      .map((name) => `${name} must be set with KAFKA_SASL_MECHANISM=${mechanism}`),
    ...foreign
      .filter((name) => v[name] !== undefined)
      .map((name) => `${name} is set, but KAFKA_SASL_MECHANISM=${mechanism} does not use it: unset it`),
  ]
}

const tlsFaults = (v: Parsed, protocol: Protocol): Faults => {
  const faults: Faults = []
  for (const name of TLS)
    if (!protocol.endsWith('SSL') && v[name] !== undefined)
      faults.push(
        `${name} is set, but KAFKA_SECURITY_PROTOCOL=${protocol} has no TLS: choose SSL or SASL_SSL, or unset it`,
      )
  if ((v.KAFKA_SSL_CERT_FILE === undefined) !== (v.KAFKA_SSL_KEY_FILE === undefined))
    faults.push('KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE must be set together')
  if (v.KAFKA_SSL_KEY_PASSPHRASE !== undefined && v.KAFKA_SSL_KEY_FILE === undefined)
    faults.push('KAFKA_SSL_KEY_PASSPHRASE is set without KAFKA_SSL_KEY_FILE')
  return faults
}

/** SCRAM proves the password without sending it; the others hand it, or the token, to whoever listens. */
const clearFaults = (v: Parsed, protocol: Protocol): Faults => {
  if (v.ALLOW_INSECURE !== false) return []
  const faults: Faults = []
  if (protocol === 'SASL_PLAINTEXT' && v.KAFKA_SASL_MECHANISM === 'PLAIN')
    faults.push(
      'KAFKA_SASL_MECHANISM=PLAIN without TLS sends the password in the clear: use SASL_SSL, or set ALLOW_INSECURE=true',
    )
  if (protocol === 'SASL_PLAINTEXT' && v.KAFKA_SASL_MECHANISM === 'OAUTHBEARER')
    faults.push(
      'KAFKA_SASL_MECHANISM=OAUTHBEARER without TLS sends the token in the clear: use SASL_SSL, or set ALLOW_INSECURE=true',
    )
  if (/^http:/i.test(v.KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL ?? ''))
    faults.push(
      'KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL without TLS sends the client secret in the clear: use https, or set ALLOW_INSECURE=true',
    )
  return faults
}

export const securityContradictions = (v: Parsed, protocol: Protocol): Faults => [
  ...saslFaults(v, protocol),
  ...tlsFaults(v, protocol),
  ...clearFaults(v, protocol),
]
