import type { Check } from './check.ts'
import type { Columns } from './csv-columns.ts'
import type { DateOptions, ReadDate } from './dates.ts'
import { eventId } from './event-id.ts'
import { explained } from './hints.ts'
import type { Defaults } from './invoice.ts'
import { checkedRow, faultRow, type LineItemEvent, type Row } from './row.ts'

export type CsvRowOptions = {
  readonly check: Check
  readonly columns: Columns
  readonly width: number
  readonly defaults: Defaults
  readonly decimalComma: boolean
  readonly readDate: ReadDate
  readonly date: DateOptions
}

const NOT_UTF8 = 'ENCODING_INVALID: not valid UTF-8 (--encoding latin1 reads older files)'
const noDate = (format: string | undefined): string =>
  format === undefined
    ? "TIMESTAMP_INVALID: no date as ISO 8601 or yyyy-MM-dd HH:mm:ss (give its form, such as --date-format 'd/M/yyyy H:mm')"
    : `TIMESTAMP_INVALID: no date of the form ${format} (--date-format)`

/**
 * Lines without a number are counted per user and invoice, in file order. Every line counts, also one that is refused:
 * mending it later must not give the lines after it other ids.
 */
const createLineCounter = (): ((userId: string, invoiceId: string) => number) => {
  const counts = new Map<string, number>()
  return (userId, invoiceId) => {
    const key = `${userId}\n${invoiceId}`
    const next = (counts.get(key) ?? 0) + 1
    counts.set(key, next)
    return next
  }
}

const cell = (cells: readonly string[], column: number | undefined): string =>
  column === undefined ? '' : (cells[column] ?? '')

const trimmed = (cells: readonly string[], column: number | undefined): string => cell(cells, column).trim()

const vendorItemOf = (cells: readonly string[], columns: Columns): LineItemEvent['vendorItem'] => {
  const sku = trimmed(cells, columns.sku)
  const description = cell(cells, columns.description)
  if (description.trim() === '') return sku === '' ? {} : { sku }
  return sku === '' ? { description } : { sku, description }
}

/**
 * One CSV record → a row. Ids, numbers and dates are trimmed; the description is the vendor's, byte for byte.
 * No closures inside: this runs for each of millions of rows.
 */
export const createCsvRow = (options: CsvRowOptions): ((line: number, cells: readonly string[]) => Row) => {
  const { check, columns, width, defaults, decimalComma, readDate } = options
  const countLine = createLineCounter()
  const decimal = (text: string): string => (decimalComma && !text.includes('.') ? text.replace(',', '.') : text)

  return (line, cells) => {
    const userId = trimmed(cells, columns.userId) || (defaults.userId ?? '')
    const invoiceId = trimmed(cells, columns.invoiceId)
    const numbered = columns.lineNumber !== undefined
    const lineNumber = numbered ? Number(trimmed(cells, columns.lineNumber) || NaN) : countLine(userId, invoiceId)
    if (cells.length !== width)
      return faultRow(line, `SCHEMA_INVALID: ${cells.length} columns, the header has ${width}`)
    const date = trimmed(cells, columns.occurredAt)
    const occurredAt = readDate(date)
    if (occurredAt === null) return faultRow(line, noDate(options.date.format), '/occurredAt')
    const event: LineItemEvent = {
      eventId: trimmed(cells, columns.eventId) || eventId(userId, invoiceId, lineNumber),
      userId,
      invoiceId,
      lineNumber,
      vendorItem: vendorItemOf(cells, columns),
      quantity: decimal(trimmed(cells, columns.quantity)),
      unitPrice: decimal(trimmed(cells, columns.unitPrice)),
      currency: trimmed(cells, columns.currency) || (defaults.currency ?? ''),
      occurredAt,
    }
    const text = JSON.stringify(event)
    // The CSV reader turns bad bytes into U+FFFD.
    if (text.includes('\ufffd')) return faultRow(line, NOT_UTF8)
    const row = checkedRow(check, line, event, Buffer.from(text))
    return 'fault' in row ? explained(row, event, 'csv') : row
  }
}
