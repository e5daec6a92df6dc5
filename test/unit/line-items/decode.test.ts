import { describe, expect, it } from 'vitest'
import { createDecode } from '../../../src/line-items/decode.ts'
import type { FaultCode } from '../../../src/line-items/fault.ts'
import type { LineItem } from '../../../src/line-items/line-item.ts'
import { bytesOf, EVENT, NOW } from './events.ts'

const decode = createDecode({ now: () => NOW })
const accept = (value: Buffer): LineItem => {
  const decoded = decode({ value })
  if (decoded.kind !== 'line-item') throw new Error(`not accepted: ${JSON.stringify(decoded)}`)
  return decoded.lineItem
}
const rejection = (value: Buffer): string => {
  const decoded = decode({ value })
  return decoded.kind === 'rejected' ? `${decoded.fault.code} ${decoded.fault.path ?? '-'}` : decoded.kind
}
/** The event's text with one literal put in by hand, for what JSON.stringify cannot write. */
const raw = (field: string, literal: string): Buffer =>
  Buffer.from(JSON.stringify({ ...EVENT, [field]: '@@' }).replace('"@@"', literal))
const item = (vendorItem: unknown): Buffer => bytesOf({ vendorItem })
const text = (content: string): Buffer => Buffer.from(content)

describe('bytes that are not one JSON document', () => {
  const valid = bytesOf()
  const rows: [string, Buffer, FaultCode][] = [
    ['an empty value', text(''), 'JSON_INVALID'],
    ['truncated JSON', valid.subarray(0, -1), 'JSON_INVALID'],
    ['trailing data', text(`${valid.toString()}{}`), 'JSON_INVALID'],
    ['a comment', text(`/* */${valid.toString()}`), 'JSON_INVALID'],
    ['single quotes', text("{'eventId':1}"), 'JSON_INVALID'],
    ['a bare NaN', raw('quantity', 'NaN'), 'JSON_INVALID'],
    ['a raw control character in a string', raw('userId', '"a\u0000b"'), 'JSON_INVALID'],
    ['a cut UTF-8 sequence', Buffer.concat([valid, Buffer.from([0xe2, 0x82])]), 'ENCODING_INVALID'],
    ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), 'ENCODING_INVALID'],
    ['a surrogate in CESU-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'ENCODING_INVALID'],
    ['UTF-16 with a mark', Buffer.from(`\uFEFF${valid.toString()}`, 'utf16le'), 'ENCODING_INVALID'],
    ['UTF-16 without a mark', Buffer.from(valid.toString(), 'utf16le'), 'ENCODING_INVALID'],
    ['UTF-16 big endian without a mark', Buffer.from(valid.toString(), 'utf16le').swap16(), 'ENCODING_INVALID'],
    ['two byte order marks', text(`\uFEFF\uFEFF${valid.toString()}`), 'ENCODING_INVALID'],
    ['a value above the limit', Buffer.alloc(1024 * 1024 + 1, 0x20), 'RECORD_TOO_LARGE'],
    ['65 levels of arrays', raw('extra', '['.repeat(64) + ']'.repeat(64)), 'JSON_TOO_DEEP'],
    ['half a million levels', Buffer.alloc(1024 * 1024, '['), 'JSON_TOO_DEEP'],
    ['10,001 empty objects', raw('extra', `[${'{},'.repeat(10_000)}{}]`), 'JSON_TOO_LARGE'],
    ['10,001 numbers', raw('extra', `[${'1,'.repeat(10_000)}1]`), 'JSON_TOO_LARGE'],
    ['10,001 fields', bytesOf(Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`k${i}`, 1]))), 'JSON_TOO_LARGE'], // prettier-ignore
  ]
  it.each(rows)('%s', (_, value, code) => {
    expect(rejection(value)).toBe(`${code} -`)
  })
  it('takes one byte order mark, 64 levels, brackets inside strings, a value just at the limit', () => {
    accept(text(`\uFEFF${valid.toString()}`))
    accept(raw('extra', '['.repeat(63) + ']'.repeat(63)))
    accept(bytesOf({ extra: `${'[{"\\'.repeat(200)}` }))
    accept(bytesOf({ extra: '{},['.repeat(100_000) }))
    accept(raw('extra', `[${'1,'.repeat(9_000)}1]`))
    accept(Buffer.concat([valid, Buffer.alloc(1024 * 1024 - valid.length, 0x20)]))
  })
  it('judges the next record afresh after bad bytes', () => {
    expect(rejection(Buffer.from([0xe2]))).toBe('ENCODING_INVALID -')
    expect(accept(valid).invoiceId).toBe('536365')
  })
})

describe('JSON that is not an event', () => {
  const rows: [string, Buffer, string][] = [
    ['an array', text('[]'), 'SCHEMA_INVALID '],
    ['null', text('null'), 'SCHEMA_INVALID '],
    ['a string', text('"x"'), 'SCHEMA_INVALID '],
    ['no user', bytesOf({ userId: undefined }), 'SCHEMA_INVALID /userId'],
    ['a number as invoice id', bytesOf({ invoiceId: 536365 }), 'SCHEMA_INVALID /invoiceId'],
    ['a text as line number', bytesOf({ lineNumber: '1' }), 'SCHEMA_INVALID /lineNumber'],
    ['half a line', bytesOf({ lineNumber: 1.5 }), 'SCHEMA_INVALID /lineNumber'],
    ['line 0', bytesOf({ lineNumber: 0 }), 'NUMERIC_RANGE /lineNumber'],
    ['line -1', bytesOf({ lineNumber: -1 }), 'NUMERIC_RANGE /lineNumber'],
    ['line 2^31', bytesOf({ lineNumber: 2 ** 31 }), 'NUMERIC_RANGE /lineNumber'],
    ['no vendor item', bytesOf({ vendorItem: undefined }), 'SCHEMA_INVALID /vendorItem'],
    ['a number as sku', item({ sku: 1 }), 'SCHEMA_INVALID /vendorItem/sku'],
    ['a list as description', item({ description: [] }), 'SCHEMA_INVALID /vendorItem/description'],
    ['true as quantity', bytesOf({ quantity: true }), 'SCHEMA_INVALID /quantity'],
    ['null as quantity', bytesOf({ quantity: null }), 'SCHEMA_INVALID /quantity'],
    ['no price', bytesOf({ unitPrice: undefined }), 'SCHEMA_INVALID /unitPrice'],
    ['a number as time', bytesOf({ occurredAt: 0 }), 'SCHEMA_INVALID /occurredAt'],
    ['no currency', bytesOf({ currency: undefined }), 'SCHEMA_INVALID /currency'],
    ['version 2', bytesOf({ v: 2 }), 'VERSION_UNSUPPORTED /v'],
    ['version "1"', bytesOf({ v: '1' }), 'VERSION_UNSUPPORTED /v'],
    ['version null', bytesOf({ v: null }), 'VERSION_UNSUPPORTED /v'],
    ['an unknown version of an unknown shape', text('{"v":9,"lines":[]}'), 'VERSION_UNSUPPORTED /v'],
    ['no event id', bytesOf({ eventId: undefined }), 'EVENT_ID_INVALID /eventId'],
    ['a number as event id', bytesOf({ eventId: 7 }), 'EVENT_ID_INVALID /eventId'],
    ['an event id in braces', bytesOf({ eventId: `{${EVENT.eventId}}` }), 'EVENT_ID_INVALID /eventId'],
    ['an event id as urn', bytesOf({ eventId: `urn:uuid:${EVENT.eventId}` }), 'EVENT_ID_INVALID /eventId'],
    [
      'an event id without dashes',
      bytesOf({ eventId: EVENT.eventId.replaceAll('-', '') }),
      'EVENT_ID_INVALID /eventId',
    ],
    ['an event id and a line feed', bytesOf({ eventId: `${EVENT.eventId}\n` }), 'EVENT_ID_INVALID /eventId'],
    ['the nil UUID', bytesOf({ eventId: '00000000-0000-0000-0000-000000000000' }), 'EVENT_ID_INVALID /eventId'],
    ['a lower-case currency', bytesOf({ currency: 'gbp' }), 'CURRENCY_INVALID /currency'],
    ['a long currency', bytesOf({ currency: 'GBPX' }), 'CURRENCY_INVALID /currency'],
  ]
  it.each(rows)('%s', (_, value, expected) => {
    expect(rejection(value)).toBe(expected)
  })
})

describe('texts', () => {
  const rows: [string, Buffer, string][] = [
    ['NUL in a user id', bytesOf({ userId: 'a\0b' }), 'TEXT_NUL /userId'],
    ['NUL in a sku', item({ sku: 'a\0b' }), 'TEXT_NUL /vendorItem/sku'],
    ['NUL in a description', item({ description: 'lamp\0' }), 'TEXT_NUL /vendorItem/description'],
    ['half a pair in an invoice id', raw('invoiceId', '"\\ud800"'), 'TEXT_SURROGATE /invoiceId'],
    ['half a pair in a description', item({ description: 'lamp \udc00' }), 'TEXT_SURROGATE /vendorItem/description'],
    ['501 characters', item({ description: 'x'.repeat(501) }), 'TEXT_TOO_LONG /vendorItem/description'],
    ['501 emoji', item({ description: '🪔'.repeat(501) }), 'TEXT_TOO_LONG /vendorItem/description'],
    ['a user id of 256', bytesOf({ userId: 'x'.repeat(256) }), 'TEXT_TOO_LONG /userId'],
    ['a sku of 256', item({ sku: 'x'.repeat(256) }), 'TEXT_TOO_LONG /vendorItem/sku'],
    ['an empty user id', bytesOf({ userId: '' }), 'IDENTIFIER_INVALID /userId'],
    ['a space in a user id', bytesOf({ userId: 'u 1' }), 'IDENTIFIER_INVALID /userId'],
    ['a trailing line feed', bytesOf({ invoiceId: '1\n' }), 'IDENTIFIER_INVALID /invoiceId'],
    ['a zero-width space', bytesOf({ userId: 'u\u200b1' }), 'IDENTIFIER_INVALID /userId'],
    ['an umlaut in a sku', item({ sku: 'Ü1' }), 'IDENTIFIER_INVALID /vendorItem/sku'],
    ['an umlaut behind 500,000 spaces', item({ sku: `${' '.repeat(500_000)}ü` }), 'IDENTIFIER_INVALID /vendorItem/sku'],
    ['an umlaut behind 200 spaces', item({ sku: `${' '.repeat(200)}ü` }), 'IDENTIFIER_INVALID /vendorItem/sku'],
    ['500,000 spaces inside', item({ sku: `a${' '.repeat(500_000)}b` }), 'TEXT_TOO_LONG /vendorItem/sku'],
    ['a tab in a sku', item({ sku: 'A\t1' }), 'IDENTIFIER_INVALID /vendorItem/sku'],
    ['an empty vendor item', item({}), 'VENDOR_ITEM_EMPTY /vendorItem'],
    ['blank vendor texts', item({ sku: ' ', description: ' \t ' }), 'VENDOR_ITEM_EMPTY /vendorItem'],
    ['a description without a letter', item({ description: '?' }), 'VENDOR_ITEM_EMPTY /vendorItem'],
  ]
  it.each(rows)('%s', (_, value, expected) => {
    expect(rejection(value)).toBe(expected)
  })
  it.each([
    '👨‍👩‍👧 lamp',
    'e\u0301 and é',
    '\u202Eright to left',
    "'; DROP TABLE ledger_entry; --",
    '$1 {} "NULL" \\N \\',
    ' spaces around ',
    'a\u0001\u001b[31m\t\r\n\u007f\u0085z',
    'a\uFFFE\uFFFF\u{1FFFE}\u{10FFFF}\uE000\uFEFF\u200B\u2028',
    `a${'\u0301'.repeat(499)}`,
    'x'.repeat(500),
    'lamp [[[[{{{{"',
    `x${'🪔'.repeat(499)}`,
  ])('keeps a description as it came: %s', (description) => {
    expect(accept(item({ description })).description).toBe(description)
  })
  it.each(['BANK CHARGES', 'gift_0001_20', '#1/"2"', 'x'.repeat(255)])('takes a sku as it is: %s', (sku) => {
    expect(accept(item({ sku })).sku).toBe(sku)
  })
  it('trims a sku, and counts blank texts as absent', () => {
    expect(accept(item({ sku: ' 85123A  ', description: ' ' }))).toMatchObject({ sku: '85123A', description: null })
    expect(accept(item({ sku: '', description: 'Lamp' }))).toMatchObject({ sku: null, description: 'Lamp' })
    expect(accept(item({ sku: null, description: 'Lamp' }))).toMatchObject({ sku: null, description: 'Lamp' })
    expect(accept(item({ sku: 'A', description: '?' }))).toMatchObject({ sku: 'A', description: '?' })
  })
})

describe('numbers', () => {
  const invalid = [
    '',
    ' ',
    ' 12 ',
    '12 ',
    '+5',
    '.5',
    '5.',
    '-',
    '--1',
    '1e5',
    '0x10',
    '1_000',
    '1,5',
    '1.000,50',
    '007',
    '-01',
  ]
  const words = ['NaN', 'Infinity', '-Infinity', '١٢', '１２', '12\n', 'null']
  const outOfRange = [
    '1000000000000',
    '-1000000000000',
    '999999999999.9999996',
    '-999999999999.9999995',
    '9'.repeat(5000),
  ]
  const tooFine = ['0.0000005', '0.00000049', '1.0000000', '999999999999.9999994', '-1.1234567']
  const rows = [
    ...[...invalid, ...words].map((value) => [value, 'NUMERIC_INVALID'] as const),
    ...outOfRange.map((value) => [value, 'NUMERIC_RANGE'] as const),
    ...tooFine.map((value) => [value, 'NUMERIC_SCALE'] as const),
  ]
  it.each(rows)('refuses the text %j: %s', (value, code) => {
    expect(rejection(bytesOf({ quantity: value }))).toBe(`${code} /quantity`)
    expect(rejection(bytesOf({ unitPrice: value }))).toBe(`${code} /unitPrice`)
  })
  it.each([
    ['1e400', 'NUMERIC_RANGE'],
    ['-1e400', 'NUMERIC_RANGE'],
    ['1e9', 'NUMERIC_RANGE'],
    ['-1000000000', 'NUMERIC_RANGE'],
    ['123456789012345678901234567890', 'NUMERIC_RANGE'],
    ['1e-7', 'NUMERIC_SCALE'],
    ['0.1234567', 'NUMERIC_SCALE'],
    ['999999999.9999999', 'NUMERIC_SCALE'],
    ['5e-324', 'NUMERIC_SCALE'],
    // A double would be 0.1, 2.5, 1 and 123456.5.
    ['0.1000000000000000055', 'NUMERIC_SCALE'],
    ['25000000000000000001e-19', 'NUMERIC_SCALE'],
    ['0.99999999999999999999', 'NUMERIC_SCALE'],
    ['123456.50000000000000000001', 'NUMERIC_SCALE'],
  ])('refuses the JSON number %s: %s', (literal, code) => {
    expect(rejection(raw('quantity', literal))).toBe(`${code} /quantity`)
  })
  it.each(['0', '-0', '0.000', '-0.000000'])('refuses a quantity of %s, takes it as a price of 0', (value) => {
    expect(rejection(bytesOf({ quantity: value }))).toBe('QUANTITY_ZERO /quantity')
    expect(rejection(raw('quantity', value))).toBe('QUANTITY_ZERO /quantity')
    expect(accept(bytesOf({ unitPrice: value })).unitPrice).toBe('0')
    expect(accept(raw('unitPrice', value)).unitPrice).toBe('0')
  })
  it.each([
    ['"2.50"', '2.5'],
    ['2.50', '2.5'],
    ['-12.000000', '-12'],
    ['"-11062.06"', '-11062.06'],
    ['"999999999999.999999"', '999999999999.999999'],
    ['999999999.999999', '999999999.999999'],
    ['0.000001', '0.000001'],
    ['1e3', '1000'],
    ['"-0.100000"', '-0.1'],
  ])('takes %s as %s', (literal, canonical) => {
    expect(accept(raw('quantity', literal)).quantity).toBe(canonical)
    expect(accept(raw('unitPrice', literal)).unitPrice).toBe(canonical)
  })
  it.each(['1e-400', '1e-99999999999999999999'])('refuses %s, which a double takes for 0, as a price', (literal) => {
    expect(rejection(raw('unitPrice', literal))).toBe('NUMERIC_SCALE /unitPrice')
    expect(rejection(raw('unitPrice', `0.5,"unitPrice" :\t${literal}`))).toBe('NUMERIC_SCALE /unitPrice')
    expect(accept(raw('unitPrice', `${literal},"unitPrice":0.5`)).unitPrice).toBe('0.5')
    expect(accept(raw('extra', `{"unitPrice":${literal},"\\"unitPrice":[${literal}]},"unitPrice":7`)).unitPrice).toBe(
      '7',
    )
  })
  it.each([
    ['1.50000000000000000000', '1.5'],
    ['15e-1', '1.5'],
    ['0.00000000000000000015e19', '1.5'],
    ['1500000000000000000000e-21', '1.5'],
    ['-0.0000000000000000000e-5', '0'],
  ])('takes %s, long as it is, as %s', (literal, canonical) => {
    expect(accept(raw('unitPrice', literal)).unitPrice).toBe(canonical)
  })
  it('takes the largest line number', () => {
    expect(accept(bytesOf({ lineNumber: 2 ** 31 - 1 })).lineNumber).toBe(2147483647)
  })
})

describe('times', () => {
  it.each([
    ['2026-02-30T00:00:00Z', 'TIMESTAMP_INVALID'],
    ['2025-02-29T00:00:00Z', 'TIMESTAMP_INVALID'],
    ['2026-13-01T00:00:00Z', 'TIMESTAMP_INVALID'],
    ['2026-01-01T24:00:00Z', 'TIMESTAMP_INVALID'],
    ['2016-12-31T23:59:60Z', 'TIMESTAMP_INVALID'],
    ['2026-01-01T00:00:00', 'TIMESTAMP_INVALID'],
    ['2026-01-01', 'TIMESTAMP_INVALID'],
    ['2026-01-01 00:00:00Z', 'TIMESTAMP_INVALID'],
    ['+275760-09-13T00:00:00Z', 'TIMESTAMP_INVALID'],
    ['294277-01-01T00:00:00Z', 'TIMESTAMP_INVALID'],
    ['now', 'TIMESTAMP_INVALID'],
    ['2010-12-01T08:26Z', 'TIMESTAMP_INVALID'],
    ['2010-12-01t08:26:00Z', 'TIMESTAMP_INVALID'],
    ['2010-12-01T08:26:00z', 'TIMESTAMP_INVALID'],
    ['2010-12-01T08:26:00+25:00', 'TIMESTAMP_INVALID'],
    ['2010-12-01T08:26:00+14:60', 'TIMESTAMP_INVALID'],
    ['2010-12-01T08:26:00+1400', 'TIMESTAMP_INVALID'],
    ['2010-12-01T08:26:00,5Z', 'TIMESTAMP_INVALID'],
    ['2010-12-01T08:26:00.Z', 'TIMESTAMP_INVALID'],
    ['2010-12-01T08:26:00Z ', 'TIMESTAMP_INVALID'],
    ['2010-12-01T08:26:00Z[Europe/London]', 'TIMESTAMP_INVALID'],
    ['10000-01-01T00:00:00Z', 'TIMESTAMP_INVALID'],
    ['2010-W48-3T08:26:00Z', 'TIMESTAMP_INVALID'],
    ['1291191960', 'TIMESTAMP_INVALID'],
    ['２０１０-12-01T08:26:00Z', 'TIMESTAMP_INVALID'],
    ['infinity', 'TIMESTAMP_INVALID'],
    ['', 'TIMESTAMP_INVALID'],
    ['0000-01-01T00:00:00Z', 'TIMESTAMP_RANGE'],
    ['1999-12-31T23:59:59.999Z', 'TIMESTAMP_RANGE'],
    ['2000-01-01T00:00:00+00:01', 'TIMESTAMP_RANGE'],
    ['2026-11-23T12:00:00.001Z', 'TIMESTAMP_RANGE'],
    ['9999-12-31T23:59:59Z', 'TIMESTAMP_RANGE'],
  ])('refuses %s: %s', (occurredAt, code) => {
    expect(rejection(bytesOf({ occurredAt }))).toBe(`${code} /occurredAt`)
  })
  it.each([
    ['2010-12-01T08:26:00Z', '2010-12-01T08:26:00.000Z'],
    ['2010-12-01T08:26:00.5Z', '2010-12-01T08:26:00.500Z'],
    ['2010-12-01T08:26:00.123Z', '2010-12-01T08:26:00.123Z'],
    ['2010-12-01T08:26:00.1239Z', '2010-12-01T08:26:00.123Z'],
    ['2010-12-01T08:26:00.999999999Z', '2010-12-01T08:26:00.999Z'],
    ['2010-12-01T08:26:00.999999999+05:30', '2010-12-01T02:56:00.999Z'],
    ['2010-12-01T08:26:00.12345678901234567890Z', '2010-12-01T08:26:00.123Z'],
    [`2010-12-01T08:26:00.${'9'.repeat(1_000)}Z`, '2010-12-01T08:26:00.999Z'],
    ['2010-12-01T08:26:00.0008000000Z', '2010-12-01T08:26:00.000Z'],
    ['2010-12-01T08:26:00.00800000000000001+01:00', '2010-12-01T07:26:00.008Z'],
    ['2010-12-01T08:26:00+14:00', '2010-11-30T18:26:00.000Z'],
    ['2010-12-01T08:26:00-12:00', '2010-12-01T20:26:00.000Z'],
    ['2010-12-01T08:26:00+23:59', '2010-11-30T08:27:00.000Z'],
    ['2010-12-01T08:26:00-00:00', '2010-12-01T08:26:00.000Z'],
    ['2012-02-29T23:30:00-01:00', '2012-03-01T00:30:00.000Z'],
    ['2000-01-01T00:00:00Z', '2000-01-01T00:00:00.000Z'],
    ['2026-11-23T12:00:00Z', '2026-11-23T12:00:00.000Z'],
  ])('takes %s as %s', (occurredAt, canonical) => {
    expect(accept(bytesOf({ occurredAt })).occurredAt).toBe(canonical)
  })
})

describe('what is let pass', () => {
  it('ignores a tombstone', () => {
    expect(decode({ value: null })).toEqual({ kind: 'ignored', reason: 'tombstone' })
  })
  it('drops unknown fields and counts them, nested ones of the vendor item too', () => {
    const value = bytesOf({ note: { deep: [1] }, tags: [], vendorItem: { sku: 'A', ean: '4006381333931' } })
    expect(decode({ value })).toMatchObject({ kind: 'line-item', unknownFields: 3 })
    expect(Object.keys(accept(value))).not.toContain('note')
    expect(decode({ value: bytesOf() })).toMatchObject({ unknownFields: 0 })
  })
  it('is not moved by __proto__ and constructor keys', () => {
    const hostile = bytesOf()
      .toString()
      .replace('{', '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},')
    expect(decode({ value: text(hostile) })).toMatchObject({ kind: 'line-item', unknownFields: 2 })
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    const nested = bytesOf().toString().replace('"sku"', '"__proto__":{"sku":"B"},"sku"')
    expect(decode({ value: text(nested) })).toMatchObject({ lineItem: { sku: '85123A' }, unknownFields: 1 })
    expect(rejection(raw('vendorItem', '{"__proto__":{"sku":"B"}}'))).toBe('VENDOR_ITEM_EMPTY /vendorItem')
    // A field that is only inherited was not sent.
    expect(rejection(text(`{"__proto__":${bytesOf().toString()}}`))).toBe('EVENT_ID_INVALID /eventId')
  })
  it('lets the last of duplicate keys win', () => {
    expect(
      accept(text(bytesOf().toString().replace('}', '},"quantity":"1"').replace(/\}$/, ',"quantity":"7"}'))).quantity,
    ).toBe('7')
  })
  it('lower-cases an event id and takes any variant of UUID', () => {
    expect(accept(bytesOf({ eventId: 'ABCDEF00-0000-0000-0000-00000000000F' })).eventId).toBe(
      'abcdef00-0000-0000-0000-00000000000f',
    )
  })
  it('takes version 1', () => {
    expect(decode({ value: bytesOf({ v: 1 }) })).toMatchObject({ kind: 'line-item', unknownFields: 0 })
  })
  it('holds a size limit of its own when told', () => {
    const small = createDecode({ now: () => NOW, maxBytes: 100 })
    expect(small({ value: bytesOf() })).toMatchObject({ fault: { code: 'RECORD_TOO_LARGE', stage: 'decode' } })
  })
})

describe('what a rejected record may be filed under', () => {
  it('claims what is valid by itself, and nothing else', () => {
    expect(decode({ value: bytesOf({ quantity: 'NaN' }) })).toMatchObject({
      fault: { code: 'NUMERIC_INVALID', stage: 'validate', path: '/quantity' },
      claimed: { userId: 'u-1', invoiceId: '536365', lineNumber: 1 },
    })
    expect(decode({ value: bytesOf({ userId: 'a\0b', lineNumber: 0 }) })).toMatchObject({
      claimed: { userId: null, invoiceId: '536365', lineNumber: null },
    })
    expect(decode({ value: text('[{"userId":"u-1"}]') })).toMatchObject({ claimed: { userId: null } })
  })
})
