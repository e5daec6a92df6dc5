import { messageOf } from '../line-items/fault.ts'
import { hasMorePartsThan, MAX_PARTS } from '../line-items/json-shape.ts'
import { roundedNumber } from '../line-items/number-literal.ts'
import type { Check } from './check.ts'
import { eventId } from './event-id.ts'
import { explained } from './hints.ts'
import { invoiceRows, isInvoice, type Defaults } from './invoice.ts'
import { hasInexactNumber, isObject, readJson } from './json-text.ts'
import { linesOf, type Line } from './lines.ts'
import { checkedRow, faultRow, FileFault, MAX_VALUE_BYTES, type Row } from './row.ts'

export type NdjsonOptions = { readonly check: Check; readonly defaults: Defaults }

/** An invoice document may be long; a line above this is no document but a broken file. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024
/** A pretty-printed file is parsed whole. */
export const MAX_DOCUMENT_BYTES = 64 * 1024 * 1024

const INEXACT = 'NUMERIC_SCALE: a number has more digits than JSON carries exactly; write it as a string'
const EMPTY_LIST = 'SCHEMA_INVALID: the list is empty'
const isBlank = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0x20 || byte === 0x09)
const tooLong = (line: number, limit: number): Row =>
  faultRow(line, `RECORD_TOO_LARGE: the line is longer than ${limit} bytes`)

/**
 * The event's own text is published. Missing fields are written into it behind the first brace, so that no number is
 * ever read and written again.
 */
const eventRow = (
  options: NdjsonOptions,
  line: number,
  value: Readonly<Record<string, unknown>>,
  text: string,
  at = '',
): Row => {
  const added: Record<string, unknown> = {}
  if (value['userId'] === undefined && options.defaults.userId !== undefined) added['userId'] = options.defaults.userId
  if (value['currency'] === undefined && options.defaults.currency !== undefined)
    added['currency'] = options.defaults.currency
  const event: Readonly<Record<string, unknown>> = { ...value, ...added }
  const { userId, invoiceId, lineNumber } = event
  if (value['eventId'] === undefined && typeof userId === 'string' && typeof invoiceId === 'string')
    if (Number.isSafeInteger(lineNumber)) added['eventId'] = eventId(userId, invoiceId, lineNumber as number)
  const checked = (whole: string): Row => {
    if (hasMorePartsThan(MAX_PARTS, whole)) return faultRow(line, `JSON_TOO_LARGE: ${messageOf('JSON_TOO_LARGE')}`, at)
    const row = checkedRow(options.check, line, { ...event, ...added }, Buffer.from(whole), at)
    if ('fault' in row) return explained(row, event, 'json')
    const rounded = roundedNumber(whole, { quantity: event['quantity'], unitPrice: event['unitPrice'] })
    return rounded === null ? row : faultRow(line, INEXACT, at + rounded)
  }
  if (Object.keys(added).length === 0) return checked(text)
  const brace = text.indexOf('{') + 1
  return checked(`${text.slice(0, brace)}${JSON.stringify(added).slice(1, -1)},${text.slice(brace)}`)
}

const elementRows = (options: NdjsonOptions, line: number, value: unknown, text: string, at: string): Row[] => {
  if (Array.isArray(value)) {
    if (hasInexactNumber(text)) return [faultRow(line, INEXACT, at)]
    if (value.length === 0) return [faultRow(line, EMPTY_LIST, at)]
    return value.flatMap((element: unknown, index) => {
      const place = `${at}/${index}`
      if (Array.isArray(element)) return [faultRow(line, 'SCHEMA_INVALID: a list inside a list', place)]
      return elementRows(options, line, element, isObject(element) ? JSON.stringify(element) : '', place)
    })
  }
  if (isInvoice(value)) {
    if (hasInexactNumber(text)) return [faultRow(line, INEXACT, at)]
    return invoiceRows(options.check, line, value, options.defaults, at)
  }
  if (!isObject(value)) return [faultRow(line, 'SCHEMA_INVALID: neither an event nor an invoice document', at)]
  return [eventRow(options, line, value, text, at)]
}

const lineRows = (options: NdjsonOptions, { line, bytes }: Line): Row[] => {
  if (bytes === null) return [tooLong(line, MAX_LINE_BYTES)]
  if (isBlank(bytes)) return []
  const json = readJson(bytes)
  if (!json.ok) return [faultRow(line, json.fault)]
  return elementRows(options, line, json.value, json.text, '')
}

/** One event, invoice document, or list of them a line. */
export async function* ndjsonRows(chunks: AsyncIterable<Buffer>, options: NdjsonOptions): AsyncGenerator<Row[]> {
  for await (const lines of linesOf(chunks, MAX_LINE_BYTES)) yield lines.flatMap((line) => lineRows(options, line))
}

/** A whole JSON file, pretty-printed or not; rows are counted in documents. NDJSON under the name .json is taken too. */
export async function* jsonRows(chunks: AsyncIterable<Buffer>, options: NdjsonOptions): AsyncGenerator<Row[]> {
  const parts: Buffer[] = []
  let size = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    size += chunk.length
    if (size > MAX_DOCUMENT_BYTES)
      throw new FileFault(
        `a JSON document above ${MAX_DOCUMENT_BYTES} bytes; make it one document a line (jq -c '.[]') and give --format ndjson`,
        1,
      )
  }
  const bytes = Buffer.concat(parts)
  const json = readJson(bytes)
  if (!json.ok) {
    const end = bytes.indexOf(0x0a)
    if (end === -1 || !readJson(bytes.subarray(0, end)).ok) throw new FileFault(json.fault, 1)
    yield* ndjsonRows(once(bytes), options)
    return
  }
  const elements = Array.isArray(json.value) ? (json.value as unknown[]) : [json.value]
  if (hasInexactNumber(json.text)) throw new FileFault(INEXACT, 1)
  if (elements.length === 0) yield [faultRow(1, EMPTY_LIST)]
  for (const [index, element] of elements.entries())
    yield elementRows(options, index + 1, element, isObject(element) ? JSON.stringify(element) : '', '')
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

/** Each line as it is, unchecked: the way to put a bad record on the topic on purpose. An empty one is none. */
export async function* rawRows(chunks: AsyncIterable<Buffer>): AsyncGenerator<Row[]> {
  for await (const lines of linesOf(chunks, MAX_VALUE_BYTES))
    yield lines.flatMap(({ line, bytes }): Row[] => {
      if (bytes === null) return [tooLong(line, MAX_VALUE_BYTES)]
      if (bytes.length === 0) return []
      const json = readJson(bytes)
      const invoiceId = json.ok && isObject(json.value) ? json.value['invoiceId'] : undefined
      return [{ line, record: { key: typeof invoiceId === 'string' ? Buffer.from(invoiceId) : null, value: bytes } }]
    })
}
