// JSON.parse rounds a number to a double before anybody can look: 0.1000000000000000055 becomes 0.1, 1e-400 becomes 0.
// What was sent must be stored or refused, so a number that could have been rounded is looked up in the text again.

/** Fewer digits are exact in a double. Sixteen classes in a row let V8 skip ahead: a fifth of the time of `{16}`. */
const MANY_DIGITS = new RegExp('[.\\d]'.repeat(16))
/** What follows the exponent keeps event ids (`…3e-7bbb-…`) out. */
const NEGATIVE_EXPONENT = /[eE]-\d+[\s,}]/
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g
const LITERAL = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/
const MAX_SCALE = 6

type Numbers = { readonly quantity: unknown; readonly unitPrice: unknown }

/**
 * The path of a number with more than 6 decimals in the text of a valid event; null when there is none. (A valid number
 * is below 1e9, and a double holds that with 6 decimals.)
 */
export const roundedNumber = (text: string, { quantity, unitPrice }: Numbers): '/quantity' | '/unitPrice' | null => {
  if ((typeof quantity !== 'number' && typeof unitPrice !== 'number') || !mayBeRounded(text)) return null
  const sent = withLiterals(text)
  if (typeof quantity === 'number' && scaleOf(sent.quantity) > MAX_SCALE) return '/quantity'
  return typeof unitPrice === 'number' && scaleOf(sent.unitPrice) > MAX_SCALE ? '/unitPrice' : null
}

const mayBeRounded = (text: string) => MANY_DIGITS.test(text) || NEGATIVE_EXPONENT.test(text)

/** The same document with every number as a text, so that JSON.parse itself says which of several equal keys counts. */
const withLiterals = (text: string): Numbers =>
  JSON.parse(text.replaceAll(STRING_OR_NUMBER, (token) => (token.startsWith('"') ? token : `"${token}"`))) as Numbers

/** How many decimals the number has, trailing zeros apart. */
const scaleOf = (literal: unknown): number => {
  const [, integer = '', fraction = '', exponent = '0'] = LITERAL.exec(String(literal)) ?? []
  const significant = (integer + fraction).replace(/0+$/, '')
  if (significant === '' || significant.replace(/^0+/, '') === '') return 0
  return significant.length - integer.length - Number(exponent)
}
