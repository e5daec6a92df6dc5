import { isDeeperThan } from '../line-items/json-shape.ts'

/** JSON out of bytes, without quiet repairs: bad UTF-8 is a fault, not U+FFFD. */
export type JsonText = { ok: true; text: string; value: unknown } | { ok: false; fault: string }

/** The consumer's limit (line-items/decode.ts): what it would refuse is not published. */
const MAX_DEPTH = 64

const utf8 = new TextDecoder('utf-8', { fatal: true })

export const readJson = (bytes: Buffer): JsonText => {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return { ok: false, fault: 'ENCODING_INVALID: not valid UTF-8' }
  }
  if (isDeeperThan(MAX_DEPTH, text))
    return { ok: false, fault: `JSON_TOO_DEEP: nested deeper than ${MAX_DEPTH} levels` }
  try {
    return { ok: true, text, value: JSON.parse(text) as unknown }
  } catch {
    return { ok: false, fault: 'JSON_INVALID: not valid JSON' }
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * A double holds 15 digits. A longer number would change when it is written again, so documents that carry one are
 * refused. Only text with such a run of digits pays for the second look, which leaves strings out.
 */
export const hasInexactNumber = (text: string): boolean =>
  /[\d.]{17}/.test(text) && /[\d.]{17}/.test(text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""'))

/** A number as decimal text; what JSON does not carry exactly (1e-7, 1e21) stays a number, for the check to refuse. */
export const decimalText = (value: unknown): unknown =>
  typeof value === 'number' && /^-?\d+(\.\d+)?$/.test(String(value)) ? String(value) : value
