import { pino, type DestinationStream, type Logger } from 'pino'
import { clean, type Fields, serializeError } from './serialize-error.ts'

/** JSON lines. No record content ever reaches them: errors pass an allow-list, strings lose what could forge a line. */
export type Log = Logger

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

/** Of lines that stdout does not take. */
const MAX_KEPT_BYTES = 1_048_576

/** A full disk throws at nobody: lines wait until there is room, as many as fit, and how many did not is said then. */
export function createLog(level: string): Log {
  const stdout = pino.destination({ dest: 1, sync: true, maxLength: MAX_KEPT_BYTES })
  const log = logTo(stdout, level)
  let lost = 0
  stdout.on('error', () => {})
  stdout.on('drop', () => (lost += 1))
  stdout.on('drain', () => {
    if (lost > 0) log.warn({ lost }, 'stdout took no lines for a while; so many are lost')
    lost = 0
  })
  return log
}

export const logTo = (destination: DestinationStream, level: string): Log =>
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
          const fields = (first instanceof Error ? { err: first } : first) as { err?: unknown } | string | undefined
          const error = typeof fields === 'object' && fields.err instanceof Error ? fields.err : null
          const message = error !== null && rest.length === 0 ? [clean(error.name)] : rest
          const cleaned = [fields, ...message].map((part) => (typeof part === 'string' ? clean(part) : part))
          method.apply(this, cleaned as unknown as Parameters<typeof method>)
        },
      },
    },
    destination,
  )
