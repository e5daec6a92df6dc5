import type { Check } from './check.ts'
import { eventId } from './event-id.ts'
import { explained } from './hints.ts'
import { decimalText, isObject } from './json-text.ts'
import { checkedRow, faultRow, type Row } from './row.ts'

export type Defaults = { readonly userId?: string; readonly currency?: string }

type Fields = Readonly<Record<string, unknown>>

/** Fields a line item takes from its invoice when it has none of its own. */
const inherited = ['userId', 'invoiceId', 'currency', 'occurredAt'] as const

export const isInvoice = (value: unknown): value is Fields => isObject(value) && 'lineItems' in value

const vendorItemOf = (item: Fields): unknown =>
  item['vendorItem'] ?? { sku: item['sku'], description: item['description'] }

const eventOf = (invoice: Fields, item: Fields, lineNumber: unknown): Fields => {
  const { userId, invoiceId, currency, occurredAt } = { ...invoice, ...item }
  const identified = typeof userId === 'string' && typeof invoiceId === 'string' && Number.isSafeInteger(lineNumber)
  return {
    eventId: item['eventId'] ?? (identified ? eventId(userId, invoiceId, lineNumber as number) : undefined),
    userId,
    invoiceId,
    lineNumber,
    vendorItem: vendorItemOf(item),
    quantity: decimalText(item['quantity']),
    unitPrice: decimalText(item['unitPrice']),
    currency,
    occurredAt,
  }
}

/** Splits an invoice document into events. A line item without `lineNumber` has its place in the list, from 1. */
export const invoiceRows = (check: Check, line: number, document: Fields, defaults: Defaults, at = ''): Row[] => {
  const items = document['lineItems']
  if (!Array.isArray(items)) return [faultRow(line, 'SCHEMA_INVALID: lineItems is not a list', at)]
  if (items.length === 0)
    return [faultRow(line, 'SCHEMA_INVALID: an invoice without line items (the list is empty)', `${at}/lineItems`)]
  const shared: Record<string, unknown> = { ...defaults }
  for (const field of inherited) if (document[field] !== undefined) shared[field] = document[field]
  if (shared['invoiceId'] === undefined) return [faultRow(line, 'SCHEMA_INVALID: no invoiceId', at)]
  if (shared['userId'] === undefined) return [faultRow(line, 'SCHEMA_INVALID: no userId (--user gives one)', at)]
  const seen = new Set<unknown>()
  return items.map((item: unknown, index) => {
    const place = `${at}/lineItems/${index}`
    if (!isObject(item)) return faultRow(line, 'SCHEMA_INVALID: not an object', place)
    const lineNumber = item['lineNumber'] ?? index + 1
    // Two lines with one number would get one event id: the second would be lost as a conflict.
    if (seen.has(lineNumber))
      return faultRow(line, `SCHEMA_INVALID: lineNumber ${JSON.stringify(lineNumber)} is used twice`, place)
    seen.add(lineNumber)
    const event = eventOf(shared, item, lineNumber)
    const row = checkedRow(check, line, event, Buffer.from(JSON.stringify(event)), place)
    return 'fault' in row ? explained(row, event, 'json') : row
  })
}
