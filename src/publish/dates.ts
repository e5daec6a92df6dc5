import { LRUCache } from 'lru-cache'
import { DateTime, IANAZone } from 'luxon'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'

export type DateOptions = { readonly format?: string; readonly timeZone: string }

/** Text of a date → the same instant in UTC as ISO 8601, or null. */
export type ReadDate = (text: string) => string | null

/**
 * Luxon takes 20 µs a date and the lines of an invoice share theirs: the last 10,000 texts are remembered. Text without an
 * offset is local time of `timeZone`; an hour that a clock change skips moves forward, one that it repeats is the first.
 */
export const createReadDate = ({ format, timeZone }: DateOptions): ReadDate => {
  if (!IANAZone.isValidZone(timeZone))
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
