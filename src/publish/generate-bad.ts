import type { FaultCode } from '../line-items/fault.ts'
import type { LineItemEvent } from './row.ts'

/** A way to spoil an event, and the code the consumer must give for it. */
export type Spoiled = { readonly code: FaultCode; readonly value: Buffer }

const json = (event: unknown): Buffer => Buffer.from(JSON.stringify(event))
const without = (event: LineItemEvent, field: keyof LineItemEvent): Partial<LineItemEvent> => {
  const { [field]: _, ...rest } = event
  return rest
}

/** The same length of text, cut inside a two-byte character: no decoder may take it. */
const badUtf8 = (event: LineItemEvent): Buffer =>
  Buffer.concat([Buffer.from('{"eventId":"'), Buffer.from([0xc3, 0x28]), json(event).subarray(12)])

const KINDS: readonly ((event: LineItemEvent) => Spoiled)[] = [
  (event) => ({ code: 'JSON_INVALID', value: json(event).subarray(0, -9) }),
  (event) => ({ code: 'ENCODING_INVALID', value: badUtf8(event) }),
  (event) => ({ code: 'SCHEMA_INVALID', value: json(without(event, 'invoiceId')) }),
  (event) => ({ code: 'TEXT_NUL', value: json({ ...event, vendorItem: { sku: '21212', description: 'TEA\0COSY' } }) }),
  (event) => ({ code: 'QUANTITY_ZERO', value: json({ ...event, quantity: '0.00' }) }),
  (event) => ({ code: 'NUMERIC_SCALE', value: json({ ...event, quantity: '1.0000001' }) }),
  (event) => ({ code: 'VERSION_UNSUPPORTED', value: json({ v: 99, ...event }) }),
  (event) => ({ code: 'TIMESTAMP_INVALID', value: json({ ...event, occurredAt: '2025-02-30T10:00:00Z' }) }),
  (event) => ({ code: 'VENDOR_ITEM_EMPTY', value: json({ ...event, vendorItem: {} }) }),
  (event) => ({ code: 'EVENT_ID_INVALID', value: json({ ...event, eventId: 'line-1' }) }),
]

/** Kinds follow each other, so a handful holds them all. */
export const spoil = (event: LineItemEvent, nth: number): Spoiled => {
  const kind = KINDS[nth % KINDS.length] as (event: LineItemEvent) => Spoiled
  return kind(event)
}
