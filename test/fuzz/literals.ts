// JSON literals (texts, not values) for the fields of an event: what a sender may write, and what nobody should.
import fc from 'fast-check'

export type Literal = fc.Arbitrary<string>

/** A text as a JSON literal: plain, or with some or all of it escaped. */
const quoted = (text: fc.Arbitrary<string>): Literal =>
  fc.tuple(text, fc.constantFrom('plain', 'plain', 'escaped', 'mixed')).map(([value, style]) => {
    if (style === 'plain') return JSON.stringify(value)
    const escape = (unit: string, at: number) =>
      style === 'escaped' || at % 3 === 0 ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}` : null
    const units = value.split('').map((unit, at) => escape(unit, at) ?? JSON.stringify(unit).slice(1, -1))
    return `"${units.join('')}"`
  })

const NIL = '00000000-0000-0000-0000-000000000000'
export const eventId = fc
  .tuple(fc.uuid(), fc.boolean())
  .map(([id, upper]) => JSON.stringify(upper ? id.toUpperCase() : id))
  .filter((literal) => !literal.includes(NIL))

const printable = (max: number) => fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: max })
const word = (max: number) => printable(max).map((text) => text.replaceAll(/[^\x21-\x7e]/g, '~'))
export const identifier = fc.oneof(
  { weight: 4, arbitrary: quoted(fc.constantFrom('u-1', 'u-2', '536365', 'C536379', "';DROP/**/TABLE/**/item;--", '{"NULL"}')) }, // prettier-ignore
  { weight: 3, arbitrary: quoted(word(40)) },
  { weight: 1, arbitrary: quoted(word(255)) },
)
export const lineNumber = fc.oneof(
  fc.integer({ min: 1, max: 2 ** 31 - 1 }).map(String),
  fc.constantFrom('1', '2147483647', '1e3', '1.0', '10000e-2'),
)

const sku = fc.oneof(
  quoted(word(20)),
  quoted(fc.tuple(word(20), word(20), fc.nat(3)).map(([a, b, n]) => `${' '.repeat(n)}${a} ${b}${' '.repeat(n)}`)),
  fc.constantFrom('null', '"  "', '"85123A"', '"85123a"', '"BANK CHARGES"'),
)
/** Text that PostgreSQL can store: any code point but NUL. */
const storable = (unit: 'binary' | 'grapheme', maxLength: number) =>
  fc.string({ unit, maxLength }).map((text) => [...text.replaceAll('\0', '')].slice(0, 499).join(''))
const description = fc.oneof(
  quoted(storable('binary', 60).map((text) => `L${text}`)),
  quoted(storable('grapheme', 200).map((text) => `${text}L`)),
  quoted(fc.string({ unit: fc.constantFrom(...'aZ \t\r\n\u001b\u0001\u007f\u0085"\\{}%\u00a0\u0301\u202e\u200d\ufeff\ufffd\uffff'), maxLength: 40 })), // prettier-ignore
  fc.constantFrom('"A 1"', '"WHITE HANGING HEART T-LIGHT HOLDER"', `"${'🪔'.repeat(499)}l"`, '"?"'),
)
export const vendorItem = fc
  .tuple(sku, description, fc.constantFrom('', '"ean":[1],', '"__proto__":{"sku":"X"},', '"sku":7,'))
  .map(([s, d, extra]) => `{${extra}"sku":${s},"description":${d}}`)

/** Twelve digits and six decimals at most, as a text or (below 1e9) as a number, in any spelling JSON has for it. */
const asNumber = fc
  .tuple(fc.bigInt(-(10n ** 15n) + 1n, 10n ** 15n - 1n), fc.constantFrom('plain', 'zeros', 'exponent', 'shifted'))
  .map(([micros, style]) => {
    const text = decimalText(micros)
    if (style === 'plain') return text
    if (style === 'zeros') return `${text}000000000`
    if (micros === 0n) return '0'
    return style === 'exponent' ? `${micros}e-6` : `${micros}00000000000000e-20`
  })
const asText = fc.tuple(fc.bigInt(-(10n ** 18n) + 1n, 10n ** 18n - 1n), fc.nat(6)).map(([micros, cut]) =>
  JSON.stringify(
    decimalText(micros)
      .slice(0, -cut || undefined)
      .replace(/\.$/, ''),
  ),
)
const decimalText = (micros: bigint): string => {
  const digits = (micros < 0n ? -micros : micros).toString().padStart(7, '0')
  return `${micros < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`
}
const usual = fc.constantFrom('"6"', '"2.55"', '-1', '0.5', '"-0.000001"', '"999999999999.999999"', '999999999.999999')
export const quantity = fc.oneof(usual, asNumber, asText)
export const price = fc.oneof(quantity, fc.constantFrom('0', '-0', '"-0.000"', '0e9', '0.00e-30'))

export const currency = fc.stringMatching(/^[A-Z]{3}$/).map((text) => JSON.stringify(text))

const MINUTES = (Date.UTC(2026, 10, 22) - Date.UTC(2000, 0, 2)) / 60_000
export const occurredAt = fc
  .tuple(
    fc.nat(MINUTES),
    fc.nat(59),
    fc.stringMatching(/^(\.\d{1,25})?$/),
    fc.constantFrom('Z', '+00:00', '-00:00', '+14:00', '-12:00', '+05:30', '+23:59', '-23:59'),
  ) // prettier-ignore
  .map(([minutes, seconds, fraction, zone]) => {
    const instant = new Date(Date.UTC(2000, 0, 2) + minutes * 60_000 + seconds * 1_000).toISOString().slice(0, 19)
    return JSON.stringify(`${instant}${fraction}${zone}`)
  })

/** What is put in the place of a field, or of its text. */
const ODD_TEXTS = [
  ...['', ' ', ' 12 ', '+5', '.5', '5.', '00', '-0.000000', '1e5', '0x10', '1_000', '١٢', '１２', 'NaN', 'Infinity', '-Infinity', '12\n'],
  ...['999999999999.9999996', '1000000000000', '-1000000000000', '0.0000005', '0.00000049', '1.0000000', '9'.repeat(400)],
  ...['2026-02-30T00:00:00Z', '2016-12-31T23:59:60Z', '2026-01-01T24:00:00Z', '2010-12-01T08:26:00+25:00', '10000-01-01T00:00:00Z'],
  ...['0000-01-01T00:00:00Z', '+275760-09-13T00:00:00Z', '2010-12-01t08:26:00z', '1999-12-31T23:59:59.999Z', 'now', 'infinity'],
  ...[NIL, '{01900000-aaaa-7bbb-8ddd-000000000001}', 'urn:uuid:01900000-aaaa-7bbb-8ddd-000000000001'],
  ...['a\0b', '\ud800', 'x\udc00', '\ufeff', '\ufffe\uffff', '\u202e', 'e\u0301', '👨‍👩‍👧', 'x'.repeat(256), 'é'.repeat(501), 'GBPX', 'gbp', '\u00a0'],
  ...["'; DROP TABLE ledger_entry; --", '$1', '\\N', '{}', 'NULL', '\\x00', '__proto__', 'constructor', `${' '.repeat(300)}é`],
] // prettier-ignore
const ODD_NUMBERS = [
  ...['0', '-0', '-1', '1.5', '2147483648', '1e9', '1e400', '-1e400', '1e-400', '5e-324', '1e-7', '0.1000000000000000055'],
  ...['123456789012345678901234567890', '0.99999999999999999999', '25000000000000000001e-19', '9007199254740993', '1E+2', '1e99999999999999999999'],
] // prettier-ignore
const ODD_VALUES = [
  'null',
  'true',
  '[]',
  '{}',
  '[["6"]]',
  '{"sku":"A"}',
  '{"toString":1}',
  'NaN',
  "'6'",
  '06',
  '6.',
  '',
]

export const odd: Literal = fc.oneof(
  fc.constantFrom(...ODD_TEXTS).map((text) => JSON.stringify(text)),
  fc.constantFrom(...ODD_NUMBERS, ...ODD_VALUES),
  quoted(fc.string({ unit: 'binary', maxLength: 30 })),
  fc.double().map(String),
  fc.tuple(fc.integer({ min: -400, max: 400 }), fc.bigInt(0n, 10n ** 25n)).map(([e, n]) => `${n}e${e}`),
  fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.stringify(value)),
  fc.nat(70).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
)
