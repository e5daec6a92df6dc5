import { LRUCache } from 'lru-cache'
import { DateTime, IANAZone } from 'luxon'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'

export type DateOptions = { readonly format?: string; readonly timeZone: string }

/** What a date of a file can be made of; luxon has more, but D, f and t depend on a language and T on nothing we need. */
const TOKENS = /^(y|yy|yyyy|L{1,4}|M{1,4}|d|dd|o|ooo|H|HH|h|hh|m|mm|s|ss|S|SSS|u|a|Z|ZZ|ZZZ|z|c{1,4}|E{1,4})$/
const EXAMPLE = "such as 'd/M/yyyy H:mm' (y year, M month, d day, H hour, m minute; text in quotes: yyyy-MM-dd'T'HH:mm)"

/** Why luxon cannot read dates of this format, or null. A date that is written and read again must be the same day. */
export const dateFormatFault = (format: string): string | null => {
  const tokens = format.replaceAll(/'[^']*'/g, ' ').match(/([A-Za-z])\1*/g) ?? []
  const unknown = tokens.filter((token) => !TOKENS.test(token))
  if (unknown.length > 0)
    return `${unknown.join(', ')} ${unknown.length === 1 ? 'stands' : 'stand'} for nothing here; ${EXAMPLE}`
  const date = DateTime.utc(2021, 11, 23, 14, 5)
  const again = DateTime.fromFormat(date.toFormat(format, { locale: 'en' }), format, { zone: 'UTC', locale: 'en' })
  return again.isValid && again.hasSame(date, 'day') ? null : `it does not tell year, month and day; ${EXAMPLE}`
}

export const isTimeZone = (name: string): boolean => IANAZone.isValidZone(name)

/** Text of a date → the same instant in UTC as ISO 8601, or null. */
export type ReadDate = (text: string) => string | null

/**
 * Luxon takes 20 µs a date and the lines of an invoice share theirs: the last 10,000 texts are remembered. Text without an
 * offset is local time of `timeZone`; an hour that a clock change skips moves forward, one that it repeats is the first.
 */
export const createReadDate = ({ format, timeZone }: DateOptions): ReadDate => {
  if (!isTimeZone(timeZone))
    throw new OperatorError(
      `there is no time zone ${timeZone}`,
      'give an IANA name: --time-zone Europe/London',
      ExitCode.usage,
    )
  const known = new LRUCache<string, { iso: string | null }>({ max: 10_000 })
  const parse = (text: string): DateTime => {
    if (format !== undefined) return DateTime.fromFormat(text, format, { zone: timeZone, locale: 'en' })
    const iso = DateTime.fromISO(text, { zone: timeZone })
    return iso.isValid ? iso : DateTime.fromSQL(text, { zone: timeZone })
  }
  return (text) => {
    const hit = known.get(text)
    if (hit !== undefined) return hit.iso
    const date = parse(text)
    const iso = date.isValid ? date.toUTC().toISO({ suppressMilliseconds: true }) : null
    known.set(text, { iso })
    return iso
  }
}
