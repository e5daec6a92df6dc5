import { readFileSync } from 'node:fs'
import { kafkaConfig, type KafkaConfig } from './config-kafka.ts'
import { describe, variableNames, variables, type VariableName, type Variables } from './config-variables.ts'
import { contradictions, misspelt } from './config-rules.ts'
import { withoutNewline } from './lib/file-again.ts'
import { ExitCode, OperatorError } from './lib/operator-error.ts'

// Environment → frozen Config, and every fault at once. The only reader of the environment; never prints a secret.

export type { KafkaConfig, OauthConfig, SaslConfig } from './config-kafka.ts'

export type Config = {
  readonly kafka: KafkaConfig
  readonly groupId: string
  readonly topic: string
  readonly dlqTopic: string
  readonly databaseUrl: string
  readonly databasePoolSize: number
  readonly prismaWriter: 'fast' | 'stock'
  readonly bufferMaxRecords: number
  readonly bufferMaxBytes: number
  readonly flushMaxRecords: number
  readonly flushMaxBytes: number
  readonly flushMinAgeMs: number
  readonly flushMaxAgeMs: number
  readonly flushTargetMs: number
  readonly flushLanes: number
  readonly sessionTimeoutMs: number
  readonly dlqMaxConsecutive: number
  readonly dlqMaxRatio: number
  readonly mappingAmbiguous: 'create' | 'dead-letter'
  readonly dlqHeaderCompat: 'none' | 'connect'
  readonly shutdownTimeoutMs: number
  readonly http: { readonly host: string; readonly port: number } | null
  readonly adminToken: string | null
  readonly logLevel: Variables['LOG_LEVEL']
  readonly allowInsecure: boolean
}

/** Connections of a member beside DATABASE_POOL_SIZE, for whoever asks over HTTP: nobody who looks holds up the work. */
export const HTTP_POOL_SIZE = 2

export type Need = 'kafka' | 'database'
type Faults = string[]

/** An empty variable counts as unset: compose files and CI write `NAME=` for "not given". */
const given = (env: NodeJS.ProcessEnv, name: string): string | undefined => env[name] || undefined

const readText = (path: string, name: string, faults: Faults): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    faults.push(
      `${name}: cannot read the file ${JSON.stringify(path)} (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
    )
    return null
  }
}

const rawValue = (env: NodeJS.ProcessEnv, name: VariableName, faults: Faults): string | undefined => {
  const file = describe(name).secret ? given(env, `${name}_FILE`) : undefined
  if (file === undefined) return given(env, name)
  if (given(env, name) !== undefined) {
    faults.push(`${name} and ${name}_FILE are both set: set one of them`)
    return undefined
  }
  const text = readText(file, `${name}_FILE`, faults)
  if (text === '' || text?.trim() === '') faults.push(`${name}_FILE: the file ${JSON.stringify(file)} is empty`)
  return text === null ? undefined : withoutNewline(text)
}

const needOf: Partial<Record<VariableName, Need>> = { KAFKA_BROKERS: 'kafka', DATABASE_URL: 'database' }

const parseEach = (env: NodeJS.ProcessEnv, needs: readonly Need[], faults: Faults): Partial<Variables> => {
  const parsed: Record<string, unknown> = {}
  for (const name of variableNames) {
    const before = faults.length
    const raw = rawValue(env, name, faults)
    const result = variables.shape[name].safeParse(raw)
    const { doc, secret, shown } = describe(name)
    const need = needOf[name]
    if (result.success) parsed[name] = result.data
    else if (faults.length > before) continue
    else if (raw !== undefined) {
      const quoted = secret ? '' : ` (it is ${JSON.stringify(raw.slice(0, 80))})`
      faults.push(`${name} ${result.error.issues[0]?.message ?? 'is malformed'}${quoted}`)
    } else if (need && needs.includes(need))
      faults.push(`${name} is not set: ${doc}${shown ? ` Example: ${shown}` : ''}`)
  }
  return parsed
}

/** Throws one OperatorError that names every fault. `needs` says what the command talks to; the rest may be unset. */
export const loadConfig = (env: NodeJS.ProcessEnv, needs: readonly Need[] = ['kafka', 'database']): Config => {
  const faults: Faults = []
  const parsed = parseEach(env, needs, faults)
  faults.push(...contradictions(parsed, (name) => given(env, name) !== undefined), ...misspelt(Object.keys(env)))
  const fileOf = (name: VariableName) => (describe(name).secret ? given(env, `${name}_FILE`) : undefined)
  const kafka = kafkaConfig(parsed, fileOf, (path, name) => readText(path, name, faults), faults)
  if (faults.length > 0) throw refusal(faults)
  const v = parsed as Variables
  return Object.freeze<Config>({
    kafka: Object.freeze(kafka(v)),
    groupId: v.KAFKA_GROUP_ID,
    topic: v.KAFKA_TOPIC,
    dlqTopic: v.KAFKA_DLQ_TOPIC ?? `${v.KAFKA_TOPIC}.dlq`,
    databaseUrl: v.DATABASE_URL ?? '',
    databasePoolSize: v.DATABASE_POOL_SIZE,
    prismaWriter: v.PRISMA_WRITER,
    bufferMaxRecords: v.BUFFER_MAX_RECORDS,
    bufferMaxBytes: v.BUFFER_MAX_BYTES,
    flushMaxRecords: Math.min(v.FLUSH_MAX_RECORDS, v.BUFFER_MAX_RECORDS),
    flushMaxBytes: Math.min(v.FLUSH_MAX_BYTES, v.BUFFER_MAX_BYTES),
    flushMinAgeMs: v.FLUSH_MIN_AGE_MS,
    flushMaxAgeMs: v.FLUSH_MAX_AGE_MS,
    flushTargetMs: v.FLUSH_TARGET_MS,
    flushLanes: v.FLUSH_LANES,
    sessionTimeoutMs: v.KAFKA_SESSION_TIMEOUT_MS,
    dlqMaxConsecutive: v.DLQ_MAX_CONSECUTIVE,
    dlqMaxRatio: v.DLQ_MAX_RATIO,
    mappingAmbiguous: v.MAPPING_AMBIGUOUS,
    dlqHeaderCompat: v.DLQ_HEADER_COMPAT,
    shutdownTimeoutMs: v.SHUTDOWN_TIMEOUT_MS,
    http: v.HTTP_PORT === undefined ? null : { host: v.HTTP_HOST, port: v.HTTP_PORT },
    adminToken: v.ADMIN_TOKEN ?? null,
    logLevel: v.LOG_LEVEL,
    allowInsecure: v.ALLOW_INSECURE,
  })
}

const refusal = (faults: Faults): OperatorError => {
  const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`
  const lines = faults.map((fault) => `  - ${fault}`).join('\n')
  return new OperatorError(
    `the configuration has ${count}:\n${lines}`,
    'every variable is described in docs/configuration.md',
    ExitCode.usage,
  )
}
