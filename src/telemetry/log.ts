import { pino, type DestinationStream, type Logger } from 'pino'
import { printable } from '../lib/printable.ts'

/** JSON lines. No record content ever reaches them: errors pass an allow-list, strings lose what could forge a line. */
export type Log = Logger

type Fields = Record<string, unknown>

const MAX_TEXT = 2_000
const clean = (text: string) => printable(text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text)

/**
 * Whose `message` is ours to show: our own, kafkajs', a system call's, a programming error's. PostgreSQL, Prisma, zod and
 * JSON.parse quote the row, so theirs stay unsaid; name, code and SQLSTATE say enough.
 */
const speaksFreely = (error: Error): boolean =>
  error.name === 'OperatorError' ||
  /^KafkaJS/.test(error.name) ||
  'syscall' in error ||
  ['TypeError', 'RangeError', 'ReferenceError', 'AssertionError'].includes(error.name)

const scalar = (value: unknown): value is string | number => typeof value === 'string' || typeof value === 'number'

const sqlstateOf = (error: object): string | undefined => {
  const meta =
    'meta' in error ? (error.meta as { driverAdapterError?: { cause?: { originalCode?: unknown } } }) : undefined
  const code = meta?.driverAdapterError?.cause?.originalCode
  return typeof code === 'string' ? code : undefined
}

const frames = (error: Error): string[] =>
  (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 6)
    .map((line) => clean(line.trim()))

export const serializeError = (error: unknown, depth = 0): Fields => {
  if (!(error instanceof Error)) return { name: typeof error }
  const out: Fields = { name: clean(error.name) }
  for (const key of ['code', 'type', 'sqlstate', 'remedy', 'broker'] as const) {
    const value = (error as unknown as Fields)[key]
    if (scalar(value)) out[key] = typeof value === 'string' ? clean(value) : value
  }
  const sqlstate = sqlstateOf(error)
  if (sqlstate !== undefined) out['sqlstate'] = clean(sqlstate)
  if (speaksFreely(error)) out['message'] = clean(error.message)
  if (error.name !== 'OperatorError' && depth === 0) out['at'] = frames(error)
  if (error.cause !== undefined && depth < 3) out['cause'] = serializeError(error.cause, depth + 1)
  return out
}

const cleanValue = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return clean(value)
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Error) return serializeError(value)
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (depth === 0) return '[deep]'
  if (value instanceof Map) return cleanValue(Object.fromEntries(value), depth)
  if (Array.isArray(value)) return value.slice(0, 100).map((each) => cleanValue(each, depth - 1))
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [clean(key), cleanValue(each, depth - 1)]))
}

export const createLog = (level: string, destination?: DestinationStream): Log =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => cleanValue(fields, 4) as Fields,
      },
      // Errors are serialised above; pino's own serializer would add their words back.
      serializers: { err: (value: unknown) => value },
      hooks: {
        logMethod(args, method) {
          // pino would take the error's own message as the line: see speaksFreely.
          const [first, ...rest] = args as unknown[]
          const fields = first instanceof Error ? { err: first } : first
          const message = first instanceof Error && rest.length === 0 ? [clean(first.name)] : rest
          const cleaned = [fields, ...message].map((part) => (typeof part === 'string' ? clean(part) : part))
          method.apply(this, cleaned as unknown as Parameters<typeof method>)
        },
      },
    },
    destination ?? pino.destination({ dest: 1, sync: true }),
  )
