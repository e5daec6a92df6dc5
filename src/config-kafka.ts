// The part of the configuration that says how to get into Kafka. Plain data: it is handed to a thread.
import type { VariableName, Variables } from './config-variables.ts'
import { tlsFaults, type TlsConfig } from './config-tls.ts'

/** A `…File` is where a secret came from: it is read again when we say again who we are. */
export type UserConfig = {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly username: string
  readonly password: string
  readonly passwordFile?: string
}
export type OauthConfig = {
  readonly mechanism: 'OAUTHBEARER'
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly clientSecretFile?: string
  readonly scope: string | null
}
export type SaslConfig = UserConfig | OauthConfig

export type KafkaConfig = {
  readonly brokers: string[]
  readonly clientId: string
  readonly securityProtocol: Variables['KAFKA_SECURITY_PROTOCOL']
  readonly sasl: SaslConfig | null
  readonly ssl: TlsConfig | null
}

/** The path in `<NAME>_FILE`, if the secret came from there. */
type FileOf = (name: VariableName) => string | undefined
type ReadText = (path: string, name: string) => string | null

const saslConfig = (v: Variables, fileOf: FileOf): SaslConfig | null => {
  if (!v.KAFKA_SECURITY_PROTOCOL.startsWith('SASL_') || v.KAFKA_SASL_MECHANISM === undefined) return null
  if (v.KAFKA_SASL_MECHANISM === 'OAUTHBEARER') {
    const file = fileOf('KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET')
    return {
      mechanism: v.KAFKA_SASL_MECHANISM,
      // Rules of config-rules.ts: with this mechanism all three are there.
      tokenUrl: v.KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL ?? '',
      clientId: v.KAFKA_SASL_OAUTHBEARER_CLIENT_ID ?? '',
      clientSecret: v.KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET ?? '',
      ...(file === undefined ? {} : { clientSecretFile: file }),
      scope: v.KAFKA_SASL_OAUTHBEARER_SCOPE ?? null,
    }
  }
  const file = fileOf('KAFKA_SASL_PASSWORD')
  return {
    mechanism: v.KAFKA_SASL_MECHANISM,
    username: v.KAFKA_SASL_USERNAME ?? '',
    password: v.KAFKA_SASL_PASSWORD ?? '',
    ...(file === undefined ? {} : { passwordFile: file }),
  }
}

const TLS_FILES = { ca: 'KAFKA_SSL_CA_FILE', cert: 'KAFKA_SSL_CERT_FILE', key: 'KAFKA_SSL_KEY_FILE' } as const

const readTls = (v: Partial<Variables>, fileOf: FileOf, readText: ReadText): TlsConfig => {
  const read = (name: (typeof TLS_FILES)[keyof typeof TLS_FILES]) =>
    v[name] === undefined ? null : readText(v[name], name)
  const files = {
    ca: v.KAFKA_SSL_CA_FILE,
    cert: v.KAFKA_SSL_CERT_FILE,
    key: v.KAFKA_SSL_KEY_FILE,
    keyPassphrase: fileOf('KAFKA_SSL_KEY_PASSPHRASE'),
  }
  const given = Object.entries(files).filter(([, path]) => path !== undefined)
  return {
    ca: read(TLS_FILES.ca),
    cert: read(TLS_FILES.cert),
    key: read(TLS_FILES.key),
    keyPassphrase: v.KAFKA_SSL_KEY_PASSPHRASE ?? null,
    files: Object.fromEntries(given),
  }
}

/** Reads the files of TLS; what is wrong with them goes to `faults`. The rest of `v` is checked. */
export const kafkaConfig = (v: Partial<Variables>, fileOf: FileOf, readText: ReadText, faults: string[]) => {
  const tls = readTls(v, fileOf, readText)
  if (faults.length === 0) faults.push(...tlsFaults(tls))
  return (checked: Variables): KafkaConfig => ({
    // Unset when the command did not need Kafka.
    brokers: checked.KAFKA_BROKERS ?? [],
    clientId: checked.KAFKA_CLIENT_ID,
    securityProtocol: checked.KAFKA_SECURITY_PROTOCOL,
    sasl: saslConfig(checked, fileOf),
    ssl: checked.KAFKA_SECURITY_PROTOCOL.endsWith('SSL') ? tls : null,
  })
}
