import type { FaultCode } from './fault.ts'

/**
 * Exact decimals as text. A canonical decimal has no exponent, no plus sign, no trailing zeros and no minus zero, so
 * two equal numbers are equal texts. Sums are taken in micro-units (× 10^6) as bigint; no float touches them.
 */
const DECIMAL = /^-?(?:0|[1-9]\d{0,11})(?:\.\d{1,6})?$/
const DECIMAL_OF_ANY_SIZE = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/
/** Twelve digits, yet 10^12 once rounded to 6 decimals: as much out of range for numeric(18,6) as 10^12 itself. */
const ROUNDS_OUT_OF_RANGE = /^-?9{12}\.9{6}[5-9]/
const MICROS = /^-?\d+(?:\.\d{1,6})?$/
const JSON_NUMBER_LIMIT = 1e9

export const isDecimal = (value: unknown): value is string | number =>
  typeof value === 'string'
    ? DECIMAL.test(value)
    : // Below 1e9 a double tells 6 decimals apart, so its shortest text is what the sender wrote.
      typeof value === 'number' && Math.abs(value) < JSON_NUMBER_LIMIT && DECIMAL.test(String(value))

/** Why `isDecimal` said no. */
export const decimalFault = (value: unknown): FaultCode => {
  if (typeof value === 'number') return Math.abs(value) < JSON_NUMBER_LIMIT ? 'NUMERIC_SCALE' : 'NUMERIC_RANGE'
  if (typeof value !== 'string') return 'SCHEMA_INVALID'
  if (!DECIMAL_OF_ANY_SIZE.test(value)) return 'NUMERIC_INVALID'
  const [integer = ''] = value.replace('-', '').split('.')
  return integer.length > 12 || ROUNDS_OUT_OF_RANGE.test(value) ? 'NUMERIC_RANGE' : 'NUMERIC_SCALE'
}

export const canonicalDecimal = (text: string): string => {
  let end = text.length
  if (text.includes('.')) {
    while (text.charCodeAt(end - 1) === 48) end--
    if (text.charCodeAt(end - 1) === 46) end--
  }
  const trimmed = text.slice(0, end)
  return trimmed === '-0' ? '0' : trimmed
}

/** Exact, for numbers of any size with at most 6 decimals (also PostgreSQL's `5.000000`). */
export const toMicros = (text: string): bigint => {
  if (!MICROS.test(text)) throw new RangeError('not a decimal with at most 6 decimals')
  const point = text.indexOf('.')
  if (point === -1) return BigInt(`${text}000000`)
  return BigInt(text.slice(0, point) + text.slice(point + 1).padEnd(6, '0'))
}

/** The canonical decimal of a number of micro-units. */
export const fromMicros = (micros: bigint): string => {
  const digits = (micros < 0n ? -micros : micros).toString().padStart(7, '0')
  return canonicalDecimal(`${micros < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`)
}
