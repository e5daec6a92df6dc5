import type { Check } from './check.ts'

/** The event as it is written to the topic (design §2); decimals stay text. */
export type LineItemEvent = {
  eventId: string
  userId: string
  invoiceId: string
  lineNumber: number
  vendorItem: { sku?: string; description?: string }
  quantity: string
  unitPrice: string
  currency: string
  occurredAt: string
}

export type OutgoingRecord = { readonly key: Buffer | null; readonly value: Buffer | null }

/** One row of a file: a record to publish, or why there is none. `line` counts from 1; `at` is a JSON pointer into it. */
export type Row =
  | { readonly line: number; readonly record: OutgoingRecord }
  | { readonly line: number; readonly fault: string; readonly at?: string }

/** Rows arrive as the input is read: some per read, in file order. */
export type Rows = AsyncIterable<readonly Row[]>

/** The input ends here, although it should not: what came before it is published, what follows is not. */
export class FileFault extends Error {
  /** Where it broke, if the reader knows better than "after the last row". */
  readonly line: number | null
  constructor(message: string, line: number | null = null, options?: ErrorOptions) {
    super(message, options)
    this.name = 'FileFault'
    this.line = line
  }
}

/** One record must fit one Kafka batch of 1 MiB (`max.message.bytes`) with room for the key and framing. */
export const MAX_VALUE_BYTES = 900_000

export const faultRow = (line: number, fault: string, at?: string): Row =>
  at === undefined || at === '' ? { line, fault } : { line, fault, at }

/** Checks what the consumer would check, then gives the record. `value` is the original text where there is one. */
export const checkedRow = (check: Check, line: number, event: unknown, value: Buffer, at = ''): Row => {
  if (value.length > MAX_VALUE_BYTES)
    return faultRow(line, `RECORD_TOO_LARGE: ${value.length} bytes, at most ${MAX_VALUE_BYTES}`, at)
  const outcome = check(event)
  if (!outcome.ok) return faultRow(line, outcome.fault, at + outcome.path)
  return { line, record: { key: Buffer.from(outcome.invoiceId), value } }
}
