// What to do about each code, for the person who has the dead letter before them. docs/dead-letter-codes.md is made of it.
import type { FaultCode } from '../line-items/fault.ts'

/** `sluice dlq …` in it are commands to copy; ID stands for the letter's id. */
export const ADVICE: Readonly<Record<FaultCode, string>> = {
  RECORD_TOO_LARGE:
    'One line item needs a few hundred bytes: the producer put something else into the record, such as a whole file. Mend the producer; send the line with `sluice dlq replay ID --edit FILE`, or discard it.',
  ENCODING_INVALID:
    'The producer does not write UTF-8 (often Latin-1 or UTF-16). Mend the producer; read the bytes with `sluice dlq show ID --raw` and send the converted event with `sluice dlq replay ID --edit FILE`.',
  JSON_INVALID:
    'The value was cut off, or is no JSON at all: look at it with `sluice dlq show ID`. Mend the producer, then send the right event with `sluice dlq replay ID --edit FILE`, or discard it.',
  JSON_TOO_DEEP:
    'No line item is nested like this: it is a fault or an attack. Look for where it came from (origin topic, headers), and discard it.',
  JSON_TOO_LARGE:
    'One line item has a dozen fields: the producer put a whole list or file into one record. Send its lines as events of their own, then discard it.',
  SCHEMA_INVALID:
    'The JSON path says which field is missing or has the wrong type. Mend the producer, then send the completed event with `sluice dlq replay ID --edit FILE`.',
  VERSION_UNSUPPORTED:
    'The producer is newer than this consumer. Upgrade sluice, then `sluice dlq replay --code VERSION_UNSUPPORTED`.',
  EVENT_ID_INVALID:
    'Every line needs a UUID of its own, the same one each time it is sent; producers with other keys derive a UUIDv5 of them. Send the event with one: `sluice dlq replay ID --edit FILE`.',
  IDENTIFIER_INVALID:
    'Ids are 1 to 255 printable ASCII characters without spaces; often there is a stray space, or a look-alike letter. Send the corrected event with `sluice dlq replay ID --edit FILE`.',
  TEXT_NUL:
    'PostgreSQL stores no NUL character. The producer should strip it, as from a fixed-width field; send the corrected event with `sluice dlq replay ID --edit FILE`.',
  TEXT_SURROGATE:
    'The producer cut a text in the middle of a character. Mend it to cut by characters; send the corrected event with `sluice dlq replay ID --edit FILE`.',
  TEXT_TOO_LONG:
    'Shorten the text of the field that the JSON path names, and send the event with `sluice dlq replay ID --edit FILE`. Nothing is ever cut in silence.',
  NUMERIC_INVALID:
    'Write numbers as plain decimal text: no exponent, no thousands separator, a point, no spaces. Send the corrected event with `sluice dlq replay ID --edit FILE`.',
  NUMERIC_SCALE:
    'The producer must round to at most 6 decimals, by its own rule; sluice never rounds. Send the rounded event with `sluice dlq replay ID --edit FILE`.',
  NUMERIC_RANGE:
    'Most such numbers are a wrong field or a wrong unit. Very large JSON numbers lose digits: send them as text. Send the corrected event with `sluice dlq replay ID --edit FILE`.',
  QUANTITY_ZERO:
    'A line that moves nothing has no place in the ledger. Most of these may be discarded: `sluice dlq discard --code QUANTITY_ZERO --reason TEXT`.',
  CURRENCY_INVALID:
    'Use the three upper-case letters of ISO 4217, such as GBP. Mend the producer; send the corrected event with `sluice dlq replay ID --edit FILE`.',
  TIMESTAMP_INVALID:
    'Use ISO 8601 with a zone, such as 2026-01-31T08:26:00Z, of a day that exists. Send the corrected event with `sluice dlq replay ID --edit FILE`.',
  TIMESTAMP_RANGE:
    'A clock of the producer is wrong, or seconds and milliseconds were mixed up. If the time was only ahead and has passed by now: `sluice dlq replay --code TIMESTAMP_RANGE`; else correct it with --edit.',
  VENDOR_ITEM_EMPTY:
    'Without a sku and without a letter in the description no item can be found. Ask who sent it what was meant, and send that with `sluice dlq replay ID --edit FILE`, or discard it.',
  MAPPING_AMBIGUOUS:
    'A person has to say which item is meant: give the event the sku of the right item with `sluice dlq replay ID --edit FILE`.',
  EVENT_ID_CONFLICT:
    'An event with this id and other content is in the ledger, and stays. If this one is a further line, give it an event id of its own with `sluice dlq replay ID --edit FILE`; if it is a correction that the ledger has already, or a mistake, discard it.',
  ROW_REJECTED:
    'A constraint or trigger of your database refuses the row; the SQLSTATE says which kind (23514 CHECK, 23502 NOT NULL, 23505 unique, P0001 trigger). Mend the constraint or the data, then `sluice dlq replay --code ROW_REJECTED`.',
  AGGREGATE_OVERFLOW:
    "The item's quantity on hand would exceed 24 digits: look for a wrong quantity in the ledger of that item. Correct it by a return (a negative line), then `sluice dlq replay --code AGGREGATE_OVERFLOW`.",
}
