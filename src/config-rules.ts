import { describe, variableNames, type VariableName, type Variables } from './config-variables.ts'

type Faults = string[]
type Parsed = Partial<Variables>

/** Rules between variables. A rule whose variables are themselves faulty keeps quiet. */
export const contradictions = (v: Parsed): Faults => {
  const faults: Faults = []
  const refuse = (when: boolean, text: string) => when && faults.push(text)
  const above = (a: VariableName, b: VariableName) =>
    refuse(Number(v[a]) > Number(v[b]), `${a} (${String(v[a])}) must not be above ${b} (${String(v[b])})`)
  refuse(
    v.KAFKA_TOPIC !== undefined && v.KAFKA_TOPIC === v.KAFKA_DLQ_TOPIC,
    'KAFKA_DLQ_TOPIC must differ from KAFKA_TOPIC',
  )
  above('FLUSH_MIN_AGE_MS', 'FLUSH_MAX_AGE_MS')
  above('FLUSH_MAX_RECORDS', 'BUFFER_MAX_RECORDS')
  above('FLUSH_MAX_BYTES', 'BUFFER_MAX_BYTES')
  const pool = (v.FLUSH_LANES ?? 0) + 3
  refuse(
    v.FLUSH_LANES !== undefined && (v.DATABASE_POOL_SIZE ?? pool) < pool,
    `DATABASE_POOL_SIZE (${v.DATABASE_POOL_SIZE}) must be at least FLUSH_LANES + 3 (${pool})`,
  )
  if (v.KAFKA_SECURITY_PROTOCOL) faults.push(...securityContradictions(v, v.KAFKA_SECURITY_PROTOCOL))
  return faults
}

const securityContradictions = (v: Parsed, protocol: Variables['KAFKA_SECURITY_PROTOCOL']): Faults => {
  const faults: Faults = []
  const sasl = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const
  const tls = ['KAFKA_SSL_CA_FILE', 'KAFKA_SSL_CERT_FILE', 'KAFKA_SSL_KEY_FILE', 'KAFKA_SSL_KEY_PASSPHRASE'] as const
  const usesSasl = protocol.startsWith('SASL_')
  const usesTls = protocol.endsWith('SSL')
  for (const name of sasl) {
    if (usesSasl && v[name] === undefined) faults.push(`${name} must be set with KAFKA_SECURITY_PROTOCOL=${protocol}`)
    if (!usesSasl && v[name] !== undefined)
      faults.push(`${name} is set, but KAFKA_SECURITY_PROTOCOL=${protocol} has no SASL: choose SASL_SSL or unset it`)
  }
  for (const name of tls)
    if (!usesTls && v[name] !== undefined)
      faults.push(
        `${name} is set, but KAFKA_SECURITY_PROTOCOL=${protocol} has no TLS: choose SSL or SASL_SSL, or unset it`,
      )
  if ((v.KAFKA_SSL_CERT_FILE === undefined) !== (v.KAFKA_SSL_KEY_FILE === undefined))
    faults.push('KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE must be set together')
  if (v.KAFKA_SSL_KEY_PASSPHRASE !== undefined && v.KAFKA_SSL_KEY_FILE === undefined)
    faults.push('KAFKA_SSL_KEY_PASSPHRASE is set without KAFKA_SSL_KEY_FILE')
  if (protocol === 'SASL_PLAINTEXT' && v.KAFKA_SASL_MECHANISM === 'PLAIN' && v.ALLOW_INSECURE === false)
    faults.push(
      'KAFKA_SASL_MECHANISM=PLAIN without TLS sends the password in the clear: use SASL_SSL, or set ALLOW_INSECURE=true',
    )
  return faults
}

const PREFIXES = /^(KAFKA|DATABASE|PRISMA|BUFFER|FLUSH|DLQ|SHUTDOWN|LOG|ALLOW)_/

const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length] ?? 0
}

/** A near miss would be ignored in silence. Only near ones: KAFKA_HOME or Kubernetes' KAFKA_SERVICE_HOST are none of ours. */
export const misspelt = (names: readonly string[]): Faults => {
  const known = variableNames.flatMap((name) => (describe(name).secret ? [name, `${name}_FILE`] : [name]))
  return names
    .filter((name) => PREFIXES.test(name) && !known.includes(name))
    .flatMap((name) => {
      const near = known.find((k) => k.startsWith(`${name}_`)) ?? known.find((k) => distance(k, name) <= 2)
      return near ? [`${name} is not a variable of sluice: did you mean ${near}?`] : []
    })
}
