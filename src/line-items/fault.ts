/**
 * The closed set of reasons why a record cannot become a ledger entry. A code is a contract (dead letters, metrics,
 * alerts carry it): add codes, never rename one. A message is ours and never holds a value of the record.
 */
export type Stage = 'decode' | 'validate' | 'map' | 'write'

/** `path` is a JSON pointer into the value (`/vendorItem/sku`, `''` = the whole value); null where there is none. */
export type Fault = { readonly code: FaultCode; readonly stage: Stage; readonly path: string | null }

const FAULTS = {
  RECORD_TOO_LARGE: ['decode', 'The value is larger than the limit for one record.'],
  ENCODING_INVALID: ['decode', 'The value is not UTF-8 text.'],
  JSON_INVALID: ['decode', 'The value is not one JSON document.'],
  JSON_TOO_DEEP: ['decode', 'The JSON is nested deeper than 64 levels.'],
  JSON_TOO_LARGE: ['decode', 'The JSON has more than 10,000 parts (fields, elements, lists and objects).'],
  SCHEMA_INVALID: ['validate', 'A field is missing or has the wrong type.'],
  VERSION_UNSUPPORTED: ['validate', 'The schema version `v` is not one this release knows (1).'],
  EVENT_ID_INVALID: ['validate', 'The event id is missing or is not a UUID (the nil UUID is refused).'],
  IDENTIFIER_INVALID: ['validate', 'The identifier is empty or holds other characters than printable ASCII.'],
  TEXT_NUL: ['validate', 'The text holds a NUL character (U+0000).'],
  TEXT_SURROGATE: ['validate', 'The text holds half of a surrogate pair, which no encoding can keep.'],
  TEXT_TOO_LONG: ['validate', 'The text is longer than its limit (identifiers 255, descriptions 500 characters).'],
  NUMERIC_INVALID: ['validate', 'The text is not a plain decimal number such as -12.50.'],
  NUMERIC_SCALE: ['validate', 'The number has more than 6 decimals.'],
  NUMERIC_RANGE: ['validate', 'The number is out of range (text: 12 integer digits; JSON number: below 1e9).'],
  QUANTITY_ZERO: ['validate', 'The quantity is zero.'],
  CURRENCY_INVALID: ['validate', 'The currency is not three upper-case letters.'],
  TIMESTAMP_INVALID: ['validate', 'The time is not an ISO 8601 date and time with a zone, of a day that exists.'],
  TIMESTAMP_RANGE: ['validate', 'The time is before 2000-01-01 or more than one day ahead.'],
  VENDOR_ITEM_EMPTY: ['validate', 'The vendor item names nothing: no sku, and no letter in the description.'],
  MAPPING_AMBIGUOUS: ['map', 'The vendor item could stand for more than one internal item.'],
  EVENT_ID_CONFLICT: ['write', 'The event id is in the ledger already, with other content.'],
  ROW_REJECTED: ['write', 'The database refuses this row.'],
  AGGREGATE_OVERFLOW: ['write', 'The row is valid, but the quantity on hand would leave its range.'],
} as const satisfies Record<string, readonly [Stage, string]>

export type FaultCode = keyof typeof FAULTS

export const FAULT_CODES = Object.keys(FAULTS) as readonly FaultCode[]

export const isFaultCode = (text: string): text is FaultCode => Object.hasOwn(FAULTS, text)

export const messageOf = (code: FaultCode): string => FAULTS[code][1]

export const faultOf = (code: FaultCode, path: string | null = null): Fault => ({ code, stage: FAULTS[code][0], path })
