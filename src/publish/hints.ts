import type { Row } from './row.ts'

/** The fields an event id is made of. Without an id of its own, an event that lacks one has nothing wrong with its id. */
type Identity = { readonly [field in 'userId' | 'invoiceId' | 'lineNumber']?: unknown }

const missingOf = ({ userId, invoiceId, lineNumber }: Identity): readonly [field: string, fault: string] | null => {
  if (userId === undefined) return ['userId', 'SCHEMA_INVALID: no userId (--user gives one)']
  if (typeof userId !== 'string') return ['userId', 'SCHEMA_INVALID: userId is not text']
  if (invoiceId === undefined) return ['invoiceId', 'SCHEMA_INVALID: no invoiceId']
  if (typeof invoiceId !== 'string') return ['invoiceId', 'SCHEMA_INVALID: invoiceId is not text']
  if (lineNumber === undefined) return ['lineNumber', 'SCHEMA_INVALID: no lineNumber']
  if (!Number.isSafeInteger(lineNumber)) return ['lineNumber', 'SCHEMA_INVALID: lineNumber is not a whole number']
  return null
}

/** The consumer would blame the event id that we could not make: name the field it lacks. */
const blamingIdentity = (row: Row, event: Identity & { readonly eventId?: unknown }): Row => {
  if (!('fault' in row) || row.at?.endsWith('/eventId') !== true || event.eventId !== undefined) return row
  const missing = missingOf(event)
  if (missing === null) return row
  const [field, fault] = missing
  return { ...row, fault, at: row.at.replace(/eventId$/, field) }
}

export type TextFormat = 'csv' | 'json'

const hintOf = (at: string, value: unknown, format: TextFormat): string | null => {
  const field = at.slice(at.lastIndexOf('/') + 1)
  const isEmpty = value === undefined || value === ''
  if (field === 'currency' && isEmpty) return '--currency gives one'
  if (field === 'userId' && isEmpty) return '--user gives one'
  const isDecimalComma = typeof value === 'string' && /^[+-]?\d+,\d+$/.test(value)
  if (!isDecimalComma || (field !== 'quantity' && field !== 'unitPrice')) return null
  return format === 'csv' ? '--decimal-comma reads 2,55 as 2.55' : 'in JSON write "2.55" with a point'
}

type Fields = Readonly<Record<string, unknown>>

/** A fault that an option would mend says which. */
const withHint = (row: Row, fields: Fields, format: TextFormat): Row => {
  if (!('fault' in row) || row.at === undefined || row.fault.includes('--')) return row
  const hint = hintOf(row.at, fields[row.at.slice(row.at.lastIndexOf('/') + 1)], format)
  return hint === null ? row : { ...row, fault: `${row.fault} (${hint})` }
}

/** Only for rows that are faults: good ones are millions. */
export const explained = (row: Row, event: Fields, format: TextFormat): Row =>
  withHint(blamingIdentity(row, event), event, format)
