import { databaseFaults } from './config-database.ts'
import { securityContradictions } from './config-rules-security.ts'
import { describe, variableNames, type VariableName, type Variables } from './config-variables.ts'

type Faults = string[]
type Parsed = Partial<Variables>

/** Rules between variables. A rule whose variables are themselves faulty keeps quiet. */
export const contradictions = (v: Parsed, isGiven: (name: VariableName) => boolean): Faults => {
  const faults: Faults = []
  const refuse = (when: boolean, text: string) => when && faults.push(text)
  const above = (a: VariableName, b: VariableName) =>
    refuse(Number(v[a]) > Number(v[b]), `${a} (${String(v[a])}) must not be above ${b} (${String(v[b])})`)
  refuse(
    v.KAFKA_TOPIC !== undefined && v.KAFKA_TOPIC === v.KAFKA_DLQ_TOPIC,
    'KAFKA_DLQ_TOPIC must differ from KAFKA_TOPIC',
  )
  above('FLUSH_MIN_AGE_MS', 'FLUSH_MAX_AGE_MS')
  // Where it was not given, a batch is as large as the buffer at most.
  if (isGiven('FLUSH_MAX_RECORDS')) above('FLUSH_MAX_RECORDS', 'BUFFER_MAX_RECORDS')
  if (isGiven('FLUSH_MAX_BYTES')) above('FLUSH_MAX_BYTES', 'BUFFER_MAX_BYTES')
  // Beside the lanes: the gate's watch, the relay, where to begin, and what a member says of itself.
  const pool = (v.FLUSH_LANES ?? 0) + 4
  refuse(
    v.FLUSH_LANES !== undefined && (v.DATABASE_POOL_SIZE ?? pool) < pool,
    `DATABASE_POOL_SIZE (${v.DATABASE_POOL_SIZE}) must be at least FLUSH_LANES + 4 (${pool})`,
  )
  if (v.DATABASE_URL !== undefined) faults.push(...databaseFaults(v.DATABASE_URL, v.ALLOW_INSECURE === true))
  if (v.KAFKA_SECURITY_PROTOCOL) faults.push(...securityContradictions(v, v.KAFKA_SECURITY_PROTOCOL))
  return faults
}

const PREFIXES = /^(KAFKA|DATABASE|PRISMA|BUFFER|FLUSH|DLQ|SHUTDOWN|HTTP|ADMIN|LOG|ALLOW)_/

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
