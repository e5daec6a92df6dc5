import { canonicalDecimal } from './decimal.ts'
import { checkEvent, type Claimed, claimsOf, type EventV1 } from './event-schema.ts'
import { type Fault, type FaultCode, faultOf } from './fault.ts'
import type { LineItem } from './line-item.ts'
import { textKey } from './vendor-key.ts'

/** The hash is made by the consumer (decode.ts); a publisher has no use for it. */
export type UnhashedLineItem = Omit<LineItem, 'payloadHash'>

/** An event's JSON value → the canonical line item. The consumer and `sluice publish` judge by this same function. */
export type Validated =
  | { readonly ok: true; readonly lineItem: UnhashedLineItem; readonly unknownFields: number }
  | { readonly ok: false; readonly fault: Fault; readonly claimed: Claimed }

const EARLIEST = Date.UTC(2000, 0, 1)
const ONE_DAY_MS = 86_400_000
const POINT = 0x2e

const blankAsNull = (text: string | null | undefined): string | null =>
  text === undefined || text === null || text.trim() === '' ? null : text

/** Digits beyond the milliseconds are cut off, not rounded, and not by Date.parse: it reads `.0008000000` as 8 ms. */
const withoutMicros = (text: string): string =>
  text.length > 24 && text.charCodeAt(19) === POINT ? text.replace(/(\.\d{3})\d+/, '$1') : text

/** In UTC with milliseconds. */
const canonicalInstant = (text: string, instant: number): string => {
  // The two usual forms are their own canonical text or nearly so; a Date would cost 0.7 µs a record.
  if (text.endsWith('Z') && text.length === 20) return `${text.slice(0, 19)}.000Z`
  if (text.endsWith('Z') && text.length === 24) return text
  return new Date(instant).toISOString()
}

const canonical = (event: EventV1, instant: number): UnhashedLineItem => ({
  eventId: event.eventId.toLowerCase(),
  userId: event.userId,
  invoiceId: event.invoiceId,
  lineNumber: event.lineNumber,
  sku: blankAsNull(event.vendorItem.sku)?.trim() ?? null,
  description: blankAsNull(event.vendorItem.description),
  quantity: canonicalDecimal(String(event.quantity)),
  unitPrice: canonicalDecimal(String(event.unitPrice)),
  currency: event.currency,
  occurredAt: canonicalInstant(event.occurredAt, instant),
})

/** `now`: wall-clock milliseconds. Never throws for a value that came out of JSON.parse. */
export const validateEvent = (value: unknown, now: number): Validated => {
  const refuse = (code: FaultCode, path: string): Validated => ({
    ok: false,
    fault: faultOf(code, path),
    claimed: claimsOf(value),
  })
  const checked = checkEvent(value)
  if (!checked.ok) return refuse(checked.code, checked.path)
  const instant = Date.parse(withoutMicros(checked.event.occurredAt))
  if (!(instant >= EARLIEST && instant <= now + ONE_DAY_MS)) return refuse('TIMESTAMP_RANGE', '/occurredAt')
  const lineItem = canonical(checked.event, instant)
  // A line that nothing could ever be mapped by would get a new item on every delivery.
  if (lineItem.sku === null && (lineItem.description === null || textKey(lineItem.description) === null))
    return refuse('VENDOR_ITEM_EMPTY', '/vendorItem')
  return { ok: true, lineItem, unknownFields: checked.unknownFields }
}
