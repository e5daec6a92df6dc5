// The hostile input catalogue of the project (reference/reliability.md §B) as records, each under the name of its row there:
// what is sent, and what must become of it. Rows that need a damaged batch are tests of their own (hostile-batches.test.ts,
// test/unit/kafka/patches.test.ts).
import { randomBytes, randomUUID } from 'node:crypto'
import type { HeaderOut } from '../../src/kafka/headers.ts'
import type { OutRecord } from '../../src/kafka/producer.ts'
import type { FaultCode } from '../../src/line-items/fault.ts'
import { event } from './events.ts'

/** What the ledger must hold; what is not named is not looked at. */
export type Entry = Partial<{
  event_id: string
  user_id: string
  invoice_id: string
  line_number: number
  quantity: string
  unit_price: string
  currency: string
  occurred_at: string
  sku: string | null
  name: string
  /** The description as it came, kept with the item's vendor key. */
  source_text: string
}>
export type Outcome =
  | { readonly becomes: 'dead letter'; readonly code: FaultCode; readonly path: string | null }
  | { readonly becomes: 'ledger entry'; readonly entry: Entry }
  | { readonly becomes: 'duplicate' }
  | { readonly becomes: 'ignored' }
export type Hostile = OutRecord & {
  readonly row: string
  readonly name: string
  readonly outcome: Outcome
  /** Sent in a gzip batch of its own. */
  readonly gzip?: true
}

type Sent = Partial<Omit<OutRecord, 'value'>> & { readonly gzip?: true }
type Case = readonly [name: string, value: Buffer | string | null, outcome: Outcome, sent?: Sent]

const dead = (code: FaultCode, path: string | null = null): Outcome => ({ becomes: 'dead letter', code, path })
const kept = (entry: Entry = {}): Outcome => ({ becomes: 'ledger entry', entry })

/** A valid event of its own with some fields replaced (undefined drops one). */
const json = (over: Record<string, unknown> = {}): string => JSON.stringify(event(over))
/** The same, with a literal put in by hand for what JSON.stringify cannot write. */
const raw = (field: string, literal: string): string => json({ [field]: '@@' }).replace('"@@"', () => literal)
const item = (vendorItem: object): string => json({ userId: `u-${randomUUID()}`, vendorItem })
const described = (description: string, entry: Entry = {}): Case => [
  JSON.stringify(description).slice(0, 60),
  item({ description }),
  kept({ source_text: description, name: description.trim(), sku: null, ...entry }),
]
const quantities = (code: FaultCode, values: readonly string[]): Case[] =>
  values.flatMap((value): Case[] => [
    [`quantity ${value.slice(0, 40)}`, json({ quantity: value }), dead(code, '/quantity')],
    [`price ${value.slice(0, 40)}`, json({ unitPrice: value }), dead(code, '/unitPrice')],
  ])
const times = (code: FaultCode, values: readonly string[]): Case[] =>
  values.map((occurredAt) => [occurredAt, json({ occurredAt }), dead(code, '/occurredAt')])

const id = randomUUID()
const twice = { eventId: randomUUID(), invoiceId: 'twice' }
const mebibytes = (count: number) => count * 1_048_576
const header = (name: string, value: Buffer | string | null = 'x'): HeaderOut => [name, value]
const many = (count: number, name: (i: number) => string): HeaderOut[] =>
  Array.from({ length: count }, (_, i) => header(name(i), String(i)))

export const OVERFLOWING = { userId: 'u-full', vendorItem: { sku: 'FULL' } }

const CATALOGUE: Readonly<Record<string, readonly Case[]>> = {
  'U+0000 in text': [
    ['in a description', item({ description: 'lamp\0' }), dead('TEXT_NUL', '/vendorItem/description')],
    ['in a sku', item({ sku: 'a\0' }), dead('TEXT_NUL', '/vendorItem/sku')],
    ['in a user id', json({ userId: 'u\0' }), dead('TEXT_NUL', '/userId')],
    ['in an invoice id', json({ invoiceId: '\0' }), dead('TEXT_NUL', '/invoiceId')],
    ['as it is', raw('userId', '"u\0"'), dead('JSON_INVALID')],
  ],
  'lone surrogate': [
    ['high', raw('invoiceId', '"\\ud800"'), dead('TEXT_SURROGATE', '/invoiceId')],
    ['low', item({ description: 'lamp \udc00' }), dead('TEXT_SURROGATE', '/vendorItem/description')],
    ['a pair the wrong way round', raw('vendorItem', '{"description":"a\\udc00\\ud800"}'), dead('TEXT_SURROGATE', '/vendorItem/description')],
    ['in the name of an unknown field', json().replace('{', '{"\\ud800":1,'), kept()],
  ],
  'invalid UTF-8, overlong, CESU': [
    ['a byte 0xff', Buffer.from(json().replace('GBP', '\xff'), 'latin1'), dead('ENCODING_INVALID')],
    ['a cut sequence', Buffer.concat([Buffer.from(json()), Buffer.from([0xe2, 0x82])]), dead('ENCODING_INVALID')],
    ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), dead('ENCODING_INVALID')],
    ['CESU-8', Buffer.from([0x22, 0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80, 0x22]), dead('ENCODING_INVALID')],
    ['above U+10FFFF', Buffer.from([0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]), dead('ENCODING_INVALID')],
  ],
  'BOM, UTF-16': [
    ['one mark', `\uFEFF${json()}`, kept()],
    ['two marks', `\uFEFF\uFEFF${json()}`, dead('ENCODING_INVALID')],
    ['a mark inside of a text', item({ description: 'a\uFEFFb' }), kept({ source_text: 'a\uFEFFb' })],
    ['a mark between fields', json().replace(',', ',\uFEFF'), dead('JSON_INVALID')],
    ['UTF-16 with a mark', Buffer.from(`\uFEFF${json()}`, 'utf16le'), dead('ENCODING_INVALID')],
    ['UTF-16 without', Buffer.from(json(), 'utf16le'), dead('ENCODING_INVALID')],
    ['UTF-16, big endian', Buffer.from(json(), 'utf16le').swap16(), dead('ENCODING_INVALID')],
    ['UTF-32', Buffer.from([...json()].map((char) => `\0\0\0${char}`).join(''), 'latin1'), dead('ENCODING_INVALID')],
  ],
  'truncated JSON, trailing data, comments, NaN, single quotes, empty value': [
    ['cut', json().slice(0, -1), dead('JSON_INVALID')],
    ['two documents', `${json()}${json()}`, dead('JSON_INVALID')],
    ['a comment', `/* */${json()}`, dead('JSON_INVALID')],
    ['NaN', raw('quantity', 'NaN'), dead('JSON_INVALID')],
    ['single quotes', json().replaceAll('"', "'"), dead('JSON_INVALID')],
    ['a trailing comma', json().replace('}', ',}'), dead('JSON_INVALID')],
    ['a leading zero', raw('quantity', '06'), dead('JSON_INVALID')],
    ['a line feed in a text', item({ description: '@@' }).replace('@@', 'a\nb'), dead('JSON_INVALID')],
    ['empty', '', dead('JSON_INVALID')],
    ['only white space', ' \n', dead('JSON_INVALID')],
    ['random bytes', Buffer.concat([Buffer.from([0xff]), randomBytes(300)]), dead('ENCODING_INVALID')],
  ],
  tombstone: [
    ['with a key', null, { becomes: 'ignored' }],
    ['without a key', null, { becomes: 'ignored' }, { key: null }],
    ['with headers', null, { becomes: 'ignored' }, { headers: [header('dlq.replay.id', '0'.repeat(64))] }],
  ],
  'number 1e400, huge int': [
    ['1e400', raw('quantity', '1e400'), dead('NUMERIC_RANGE', '/quantity')],
    ['-1e400', raw('unitPrice', '-1e400'), dead('NUMERIC_RANGE', '/unitPrice')],
    ['2^53 + 1', raw('quantity', '9007199254740993'), dead('NUMERIC_RANGE', '/quantity')],
    ['30 digits', raw('quantity', '123456789012345678901234567890'), dead('NUMERIC_RANGE', '/quantity')],
    ['1e9', raw('quantity', '1e9'), dead('NUMERIC_RANGE', '/quantity')],
    ['1e-400, which a double takes for 0', raw('unitPrice', '1e-400'), dead('NUMERIC_SCALE', '/unitPrice')],
    ['what a double takes for 0.1', raw('quantity', '0.1000000000000000055'), dead('NUMERIC_SCALE', '/quantity')],
    ['1.50e1', raw('quantity', '1.50e1'), kept({ quantity: '15.000000' })],
    ['the largest number', raw('quantity', '-999999999.999999'), kept({ quantity: '-999999999.999999' })],
    ['999999999999.999999', json({ quantity: '999999999999.999999', unitPrice: '-0.000001' }), kept({ quantity: '999999999999.999999', unit_price: '-0.000001' })],
  ],
  '7 and more decimals': [
    ...quantities('NUMERIC_SCALE', ['0.0000005', '0.00000049', '1.0000000', '999999999999.9999994']),
    ['as a number', raw('quantity', '0.1234567'), dead('NUMERIC_SCALE', '/quantity')],
    ['1e-7', raw('unitPrice', '1e-7'), dead('NUMERIC_SCALE', '/unitPrice')],
  ],
  '±10^12, 999999999999.9999996': quantities('NUMERIC_RANGE', ['1000000000000', '-1000000000000', '999999999999.9999996', '9'.repeat(5_000)]),
  'NaN, Infinity, spaces, hexadecimal, underscores, other digits': quantities('NUMERIC_INVALID', [
    ...['NaN', 'Infinity', '-Infinity', ' 12 ', '0x10', '1_000', '١٢', '１２', '1e5', '+5', '.5', '5.', '00', '007', '-', '', '1,5', '12\n', '−1'],
  ]),
  '-0, 0 quantity': [
    ...['0', '-0', '0.000', '-0.000000'].map((zero): Case => [`quantity "${zero}"`, json({ quantity: zero }), dead('QUANTITY_ZERO', '/quantity')]),
    ['quantity -0', raw('quantity', '-0'), dead('QUANTITY_ZERO', '/quantity')],
    ['price "-0.000000"', json({ unitPrice: '-0.000000' }), kept({ unit_price: '0.000000' })],
    ['price -0.0', raw('unitPrice', '-0.0'), kept({ unit_price: '0.000000' })],
  ],
  'inventory total overflow': [
    ['a valid row of an item that is full', json({ ...OVERFLOWING, quantity: '1' }), dead('AGGREGATE_OVERFLOW')],
  ],
  'int overflow, line number -1, 2^31': [
    ...[0, -1, 2 ** 31, 2 ** 53, 1e21].map((lineNumber): Case => [String(lineNumber), json({ lineNumber }), dead(Number.isSafeInteger(lineNumber) ? 'NUMERIC_RANGE' : 'SCHEMA_INVALID', '/lineNumber')]),
    ['1.5', json({ lineNumber: 1.5 }), dead('SCHEMA_INVALID', '/lineNumber')],
    ['"1"', json({ lineNumber: '1' }), dead('SCHEMA_INVALID', '/lineNumber')],
    ['2^31 - 1', json({ lineNumber: 2 ** 31 - 1 }), kept({ line_number: 2 ** 31 - 1 })],
  ],
  dates: [
    ...times('TIMESTAMP_INVALID', ['2026-02-30T00:00:00Z', '2025-02-29T00:00:00Z', '2016-12-31T23:59:60Z', '2026-01-01T24:00:00Z']),
    ...times('TIMESTAMP_INVALID', ['2010-12-01T08:26:00+25:00', '10000-01-01T00:00:00Z', '294277-01-01T00:00:00Z', '+275760-09-13T00:00:00Z']),
    ...times('TIMESTAMP_INVALID', ['2010-12-01t08:26:00Z', '2010-12-01T08:26:00z', '2010-12-01T08:26:00', '2010-12-01', 'now', 'infinity', '']),
    ...times('TIMESTAMP_RANGE', ['0000-01-01T00:00:00Z', '1999-12-31T23:59:59.999Z', '9999-12-31T23:59:59Z']),
    ['+14:00', json({ occurredAt: '2010-12-01T08:26:00+14:00' }), kept({ occurred_at: '2010-11-30T18:26:00.000Z' })],
    ['-12:00', json({ occurredAt: '2010-12-01T08:26:00.5-12:00' }), kept({ occurred_at: '2010-12-01T20:26:00.500Z' })],
    ['20 digits', json({ occurredAt: '2010-12-01T08:26:00.00812345678901234567Z' }), kept({ occurred_at: '2010-12-01T08:26:00.008Z' })],
    ['ten digits with zeros first', json({ occurredAt: '2010-12-01T08:26:00.0008000000Z' }), kept({ occurred_at: '2010-12-01T08:26:00.000Z' })],
    ['29 February', json({ occurredAt: '2012-02-29T23:30:00-01:00' }), kept({ occurred_at: '2012-03-01T00:30:00.000Z' })],
  ],
  'missing, extra and wrong-type fields, array at top level': [
    ['an array', `[${json()}]`, dead('SCHEMA_INVALID', '')],
    ['null', 'null', dead('SCHEMA_INVALID', '')],
    ['a text', JSON.stringify(json()), dead('SCHEMA_INVALID', '')],
    ...['userId', 'invoiceId', 'lineNumber', 'vendorItem', 'quantity', 'unitPrice', 'currency', 'occurredAt'].map((field): Case => [
      `no ${field}`, json({ [field]: undefined }), dead('SCHEMA_INVALID', `/${field}`),
    ]),
    ['a list as vendor item', json({ vendorItem: [] }), dead('SCHEMA_INVALID', '/vendorItem')],
    ['true as quantity', json({ quantity: true }), dead('SCHEMA_INVALID', '/quantity')],
    ['an object as sku', json({ vendorItem: { sku: {} } }), dead('SCHEMA_INVALID', '/vendorItem/sku')],
    ['currency gbp', json({ currency: 'gbp' }), dead('CURRENCY_INVALID', '/currency')],
    ['version 2', json({ v: 2 }), dead('VERSION_UNSUPPORTED', '/v')],
    ['nothing named', json({ vendorItem: { sku: ' ', description: '?' } }), dead('VENDOR_ITEM_EMPTY', '/vendorItem')],
    ['unknown fields', json({ note: { deep: [1, { a: null }] }, vendorItem: { sku: 'X', ean: [] }, v: 1 }), kept()],
  ],
  'missing or malformed event id': [
    ['none', json({ eventId: undefined }), dead('EVENT_ID_INVALID', '/eventId')],
    ['in braces', json({ eventId: `{${id}}` }), dead('EVENT_ID_INVALID', '/eventId')],
    ['urn:uuid', json({ eventId: `urn:uuid:${id}` }), dead('EVENT_ID_INVALID', '/eventId')],
    ['without dashes', json({ eventId: id.replaceAll('-', '') }), dead('EVENT_ID_INVALID', '/eventId')],
    ['nil', json({ eventId: '00000000-0000-0000-0000-000000000000' }), dead('EVENT_ID_INVALID', '/eventId')],
    ['a number', json({ eventId: 7 }), dead('EVENT_ID_INVALID', '/eventId')],
    ['upper case', json({ eventId: id.toUpperCase(), invoiceId: 'case' }), kept({ event_id: id })],
    ['the same, lower case', json({ eventId: id, invoiceId: 'case' }), { becomes: 'duplicate' }],
    ['no RFC variant', json({ eventId: 'ffffffff-ffff-ffff-ffff-ffffffffffff' }), kept({ event_id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' })],
    ['the same id with other content', json({ eventId: id, invoiceId: 'case', quantity: '9' }), dead('EVENT_ID_CONFLICT')],
  ],
  'null key': [
    ['of a valid record', json(), kept(), { key: null }],
    ['of a bad record', '{', dead('JSON_INVALID'), { key: null }],
    ['an empty key', '{', dead('JSON_INVALID'), { key: Buffer.alloc(0) }],
    ['a key that is not UTF-8', '{', dead('JSON_INVALID'), { key: Buffer.from([0xff, 0, 0xfe]) }],
  ],
  'duplicate JSON keys': [
    ['of a quantity', json().replace('{', '{"quantity":"1",').replace(/}$/, ',"quantity":"7"}'), kept({ quantity: '7.000000' })],
    ['of an event id, a bad one last', json().replace(/}$/, ',"eventId":"x"}'), dead('EVENT_ID_INVALID', '/eventId')],
    ['of an event id, a good one last', json(twice).replace('{', `{"eventId":"${randomUUID()}",`), kept({ event_id: twice.eventId })],
    ['written in escapes', json().replace(/}$/, ',"\\u0071uantity":"8"}'), kept({ quantity: '8.000000' })],
  ],
  '__proto__, constructor keys': [
    ['at the top', json().replace('{', '{"__proto__":{"quantity":"1"},"constructor":{"prototype":{"v":2}},'), kept({ quantity: '2.500000' })],
    ['in the vendor item', raw('vendorItem', '{"__proto__":{"sku":"PROTO"},"sku":"OWN-1"}'), kept({ sku: 'OWN-1' })],
    ['instead of the fields', `{"__proto__":${json()}}`, dead('EVENT_ID_INVALID', '/eventId')],
    ['__proto__ as user', json({ userId: '__proto__', invoiceId: 'constructor', vendorItem: { sku: 'toString' } }), kept({ user_id: '__proto__', sku: 'toString' })],
  ],
  'emoji, RTL override, combining, zero-width': [
    described('👨‍👩‍👧 lamp'),
    described('e\u0301 and é'),
    described('\u202Eright to left\u202C'),
    described('zero\u200bwidth'),
    described('L\uFFFE\uFFFF\u{1FFFE}\u{10FFFF}\uE000'),
    described(`a${'\u0301'.repeat(499)}`),
    described(`x${'🪔'.repeat(499)}`),
    described('a\u0001\u001b[31m\t\r\n\u007f\u0085z'),
    ['501 emoji', item({ description: '🪔'.repeat(501) }), dead('TEXT_TOO_LONG', '/vendorItem/description')],
    ['an umlaut in a sku', item({ sku: 'Ü1' }), dead('IDENTIFIER_INVALID', '/vendorItem/sku')],
    ['a zero-width space in a user id', json({ userId: 'u\u200b' }), dead('IDENTIFIER_INVALID', '/userId')],
  ],
  'trailing spaces': [
    described(`lamp${' '.repeat(400)}`),
    ['behind a sku: cut off', item({ sku: `  A 1${' '.repeat(1_000)}` }), kept({ sku: 'A 1', name: 'A 1' })],
    ['behind a user id', json({ userId: 'u-1 ' }), dead('IDENTIFIER_INVALID', '/userId')],
    ['half a million, and an umlaut', item({ sku: `${' '.repeat(500_000)}ü` }), dead('IDENTIFIER_INVALID', '/vendorItem/sku')],
  ],
  'SQL metacharacters': [
    ...["'; DROP TABLE ledger_entry; --", 'a $1 ${x} %s', '{"NULL",\\N}', 'a \\x00 \\\\ "', '{}NULL'].map((text) => described(text)),
    ['in ids', json({ userId: `';--"\\{},NULL`, invoiceId: '$1' }), kept({ user_id: `';--"\\{},NULL`, invoice_id: '$1' })],
    ['NULL', json({ userId: 'NULL', invoiceId: '\\N' }), kept({ user_id: 'NULL', invoice_id: '\\N' })],
  ],
  '10 MB string, 5 M nesting, 1 M lines': [
    ['10 MB text', JSON.stringify('x'.repeat(mebibytes(10))), dead('RECORD_TOO_LARGE')],
    ['30 MB of zeros in 30 KB of gzip', Buffer.alloc(mebibytes(30)), dead('RECORD_TOO_LARGE'), { gzip: true }],
    ['5 M levels', '['.repeat(5_000_000), dead('RECORD_TOO_LARGE')],
    ['500,000 levels', '['.repeat(500_000), dead('JSON_TOO_DEEP')],
    ['65 levels', raw('x', '['.repeat(64) + ']'.repeat(64)), dead('JSON_TOO_DEEP')],
    ['64 levels', raw('x', '['.repeat(63) + ']'.repeat(63)), kept()],
    ['brackets in a text', item({ description: `a${'[{'.repeat(200)}` }), kept()],
    ['300,000 lines', raw('lines', `[${'{},'.repeat(300_000)}{}]`), dead('JSON_TOO_LARGE')],
    ['one byte more than the limit', json().padEnd(mebibytes(1) + 1), dead('RECORD_TOO_LARGE')],
    ['just the limit', json().padEnd(mebibytes(1)), kept()],
  ],
  'key above 2.7 KB in an indexed column': [
    ['the longest ids', json({ userId: 'u'.repeat(255), invoiceId: 'i'.repeat(255), vendorItem: { sku: 's'.repeat(255), description: `L${'🪔'.repeat(499)}` } }), kept({ user_id: 'u'.repeat(255), sku: 's'.repeat(255) })],
    ['a longer user id', json({ userId: 'u'.repeat(256) }), dead('TEXT_TOO_LONG', '/userId')],
    ['a record key of 700 KB, good', json(), kept(), { key: randomBytes(700_000) }],
    ['a record key of 700 KB, bad', '[', dead('JSON_INVALID'), { key: randomBytes(700_000) }],
  ],
  '10 k headers, 1 MB header, repeated and odd names': [
    ['10,000 headers, good', json(), kept(), { headers: many(10_000, (i) => `h${i}`) }],
    ['10,000 headers, bad', '{', dead('JSON_INVALID'), { headers: many(10_000, (i) => `h${i}`) }],
    ['3,000 times one name', '{', dead('JSON_INVALID'), { headers: many(3_000, () => 'same') }],
    ['a header of 1 MB', '{', dead('JSON_INVALID'), { headers: [header('large', randomBytes(mebibytes(1)))] }],
    ['a name of 100 KB', '{', dead('JSON_INVALID'), { headers: [header('n'.repeat(100_000))] }],
    ['names of Object.prototype, twice', '{', dead('JSON_INVALID'), { headers: [...many(4, (i) => ['__proto__', 'constructor'][i % 2]!), header('toString', null)] }],
    ['no name, no value, NUL, other planes', '{', dead('JSON_INVALID'), { headers: [header('', null), header('', Buffer.alloc(0)), header('\0', '\0'), header('🪔', '🪔')] }],
    ['a name that is not UTF-8', '{', dead('JSON_INVALID'), { headers: [header('a\udcff\udc80', randomBytes(9))] }],
  ],
  'foreign dlq.* and __connect.errors.* headers': [
    ['on a bad record', '{', dead('JSON_INVALID'), { headers: [header('dlq.id', 'forged'), header('dlq.replay.count', '99'), header('dlq.error.code', 'NONE'), header('__connect.errors.topic', 'other'), header('traceparent', '00-1')] }],
    ['a replay that never was', '{', dead('JSON_INVALID'), { headers: [header('dlq.replay.id', 'a'.repeat(64)), header('dlq.replay.count', '2')] }],
    ['on a good record', json(), kept(), { headers: [header('dlq.replay.id', "'; DROP TABLE dead_letter; --\0"), header('dlq.replay.count', '1e999')] }],
  ],
} // prettier-ignore

/** Every case under the name of its row, and a plain valid record behind each. */
export const hostileRecords = (): Hostile[] =>
  Object.entries(CATALOGUE).flatMap(([row, cases]) =>
    cases.flatMap(([name, value, outcome, sent = {}]): Hostile[] => [
      { key: 'I-1', headers: [], ...sent, row, name, outcome, value: value === null ? null : Buffer.from(value) },
      { row: 'between', name: `after ${row}: ${name}`, key: 'I-1', headers: [], value: Buffer.from(json()), outcome: kept({ quantity: '2.500000' }) },
    ]),
  ) // prettier-ignore
