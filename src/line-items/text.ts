import type { FaultCode } from './fault.ts'

/** Which texts are taken as they are. Nothing is ever repaired: a text passes unchanged or is refused with a code. */
export const IDENTIFIER_MAX = 255
export const DESCRIPTION_MAX = 500

/** User and invoice ids: printable ASCII without spaces. Bounded, because they are in index rows (2.7 KB at most). */
export const IDENTIFIER = /^[\x21-\x7e]{1,255}$/
/**
 * Skus may hold spaces inside: the retail file has `BANK CHARGES`. Spaces at the ends are trimmed, case counts. Two
 * alternatives, as with one optional middle part 100,000 spaces and an umlaut take seconds (` * *` tries all splits).
 */
export const SKU = /^ *$|^ *[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])? *$/

// With the u flag this class matches lone surrogates only, not the halves of a pair.
const UNSTORABLE = /[\0\uD800-\uDFFF]/u
const LONE_SURROGATE = /[\uD800-\uDFFF]/u

/** Length is counted in code points, as PostgreSQL counts it. */
const isLongerThan = (text: string, max: number): boolean => {
  if (text.length <= max) return false
  if (text.length > 2 * max) return true
  let points = 0
  for (const _ of text) points++
  return points > max
}

export const isDescription = (text: string): boolean => !isLongerThan(text, DESCRIPTION_MAX) && !UNSTORABLE.test(text)

export const textFault = (value: unknown, max: number): FaultCode => {
  if (typeof value !== 'string') return 'SCHEMA_INVALID'
  if (value.includes('\0')) return 'TEXT_NUL'
  if (LONE_SURROGATE.test(value)) return 'TEXT_SURROGATE'
  return isLongerThan(value.trim(), max) ? 'TEXT_TOO_LONG' : 'IDENTIFIER_INVALID'
}
