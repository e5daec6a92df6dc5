import type { SourceRecord } from '../pipeline/source-record.ts'
import { validateEvent } from './event.ts'
import { type Claimed, claimsOf, NOTHING_CLAIMED } from './event-schema.ts'
import { type Fault, type FaultCode, faultOf } from './fault.ts'
import { hasMorePartsThan, isDeeperThan } from './json-shape.ts'
import type { LineItem } from './line-item.ts'
import { roundedNumber } from './number-literal.ts'
import { payloadHash } from './payload-hash.ts'

/**
 * A source record's bytes → a line item, a rejection (it becomes a dead letter) or an ignored record. Never throws,
 * for any bytes: an exception here would take the consumer down and stay there after every restart.
 * Of duplicate JSON keys the last wins, as in JSON.parse everywhere.
 */
export type Decoded =
  | { readonly kind: 'line-item'; readonly lineItem: LineItem; readonly unknownFields: number }
  | { readonly kind: 'rejected'; readonly fault: Fault; readonly claimed: Claimed }
  | { readonly kind: 'ignored'; readonly reason: 'tombstone' }

export type Decode = (record: Pick<SourceRecord, 'value'>) => Decoded

/** `now`: wall-clock milliseconds (events from more than a day ahead are refused). */
export type DecodeOptions = { readonly now: () => number; readonly maxBytes?: number }

const DEFAULT_MAX_BYTES = 1024 * 1024
const MAX_DEPTH = 64
const MAX_PARTS = 10_000

const TOMBSTONE: Decoded = Object.freeze({ kind: 'ignored', reason: 'tombstone' })

// Fatal: Buffer.toString would turn bad bytes into U+FFFD in silence. It strips one byte order mark.
const utf8 = new TextDecoder('utf-8', { fatal: true })

const reject = (code: FaultCode, path: string | null = null): Decoded => ({
  kind: 'rejected',
  fault: faultOf(code, path),
  claimed: NOTHING_CLAIMED,
})

const attempt = <T>(run: () => T): { value: T } | null => {
  try {
    return { value: run() }
  } catch {
    return null
  }
}

/** UTF-16 of ASCII is valid UTF-8 (with NULs), and a second byte order mark is text: both are faults of encoding. */
const looksMisencoded = (text: string): boolean => text.startsWith('\uFEFF') || text.slice(0, 2).includes('\0')

const decodeValue = (value: Buffer, now: number, maxBytes: number): Decoded => {
  if (value.length > maxBytes) return reject('RECORD_TOO_LARGE')
  const text = attempt(() => utf8.decode(value))
  if (!text) return reject('ENCODING_INVALID')
  if (isDeeperThan(MAX_DEPTH, text.value)) return reject('JSON_TOO_DEEP')
  if (hasMorePartsThan(MAX_PARTS, text.value)) return reject('JSON_TOO_LARGE')
  const json = attempt((): unknown => JSON.parse(text.value))
  if (!json) return reject(looksMisencoded(text.value) ? 'ENCODING_INVALID' : 'JSON_INVALID')
  const result = validateEvent(json.value, now)
  if (!result.ok) return { kind: 'rejected', fault: result.fault, claimed: result.claimed }
  const { lineItem, unknownFields } = result
  const rounded = roundedNumber(text.value, json.value as { quantity: unknown; unitPrice: unknown })
  if (rounded !== null)
    return { kind: 'rejected', fault: faultOf('NUMERIC_SCALE', rounded), claimed: claimsOf(json.value) }
  return { kind: 'line-item', lineItem: { ...lineItem, payloadHash: payloadHash(lineItem) }, unknownFields }
}

export const createDecode = ({ now, maxBytes = DEFAULT_MAX_BYTES }: DecodeOptions): Decode => {
  return ({ value }) => {
    if (value === null) return TOMBSTONE
    // The last resort: no input is known that gets here, and a dead letter is better than a consumer that cannot start.
    return attempt(() => decodeValue(value, now(), maxBytes))?.value ?? reject('SCHEMA_INVALID', '')
  }
}
