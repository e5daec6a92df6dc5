import { printable } from '../lib/printable.ts'

// What may be said of a fault, in a log or on stderr.

export type Fields = Record<string, unknown>

const MAX_TEXT = 2_000
export const clean = (text: string) => printable(text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text)

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

/** Behind the message: a line of it may look like one of them. */
const frames = ({ stack = '', message }: Error): string[] => {
  const at = stack.indexOf(message)
  return (at < 0 ? '' : stack.slice(at + message.length))
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 6)
    .map((line) => clean(line.trim()))
}

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
