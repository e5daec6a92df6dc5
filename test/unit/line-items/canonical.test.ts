import { describe, expect, it } from 'vitest'
import { canonicalDecimal, fromMicros, toMicros } from '../../../src/line-items/decimal.ts'
import { sumByItem } from '../../../src/line-items/inventory.ts'
import type { LineItem } from '../../../src/line-items/line-item.ts'
import { payloadHash } from '../../../src/line-items/payload-hash.ts'
import { skuKey, textKey, vendorKeysOf } from '../../../src/line-items/vendor-key.ts'

describe('decimals', () => {
  it.each([
    ['2.50', '2.5'],
    ['5.000000', '5'],
    ['100', '100'],
    ['-0', '0'],
    ['-0.000', '0'],
    ['0.100', '0.1'],
  ])('%s is written %s', (text, canonical) => {
    expect(canonicalDecimal(text)).toBe(canonical)
    expect(fromMicros(toMicros(text))).toBe(canonical)
  })
  it('counts in micro-units, also where a double could not', () => {
    expect(toMicros('-0.000001')).toBe(-1n)
    expect(toMicros('123456789012345678901234.654321')).toBe(123456789012345678901234654321n)
    expect(fromMicros(-1n)).toBe('-0.000001')
    expect(fromMicros(-1500000n)).toBe('-1.5')
  })
  it.each(['', 'NaN', '1e3', '0.0000001', ' 1', '1.'])('does not take %j for a number', (text) => {
    expect(() => toMicros(text)).toThrow(RangeError)
  })
})

describe('inventory deltas', () => {
  it('are exact, one per item, sorted by item id, and keep an item whose quantities cancel out', () => {
    const rows = [
      { itemId: 10n, quantity: '0.1' },
      { itemId: 9n, quantity: '5' },
      { itemId: 10n, quantity: '0.2' },
      { itemId: 9n, quantity: '-5' },
      { itemId: 9007199254740993n, quantity: '-1.000001' },
    ]
    expect(sumByItem(rows)).toEqual([
      { itemId: 9n, quantity: '0' },
      { itemId: 10n, quantity: '0.3' },
      { itemId: 9007199254740993n, quantity: '-1.000001' },
    ])
    expect(sumByItem([])).toEqual([])
  })
})

describe('vendor keys', () => {
  it.each([
    ['WHITE HANGING HEART T-LIGHT HOLDER', 'text:white hanging heart t light holder'],
    ['  Café  au  lait!! ', 'text:café au lait'],
    ['Cafe\u0301 au lait', 'text:café au lait'],
    ['ＦＵＬＬ　ｗｉｄｔｈ №1', 'text:full width no1'],
    ['Straße 12', 'text:straße 12'],
    ['हिन्दी', 'text:हिन्दी'],
    ['?', null],
    ['12.5', null],
    ['🪔', null],
  ])('%s → %s', (description, key) => {
    expect(textKey(description)).toBe(key)
  })
  it('fit an index row however long the text becomes, and stay apart', () => {
    const long = (last: string): string => `${'\uFDFA'.repeat(499)}${last}`
    expect(textKey(long('a'))).toMatch(/^text#[0-9a-f]{64}$/)
    expect(textKey(long('a'))).not.toBe(textKey(long('b')))
    expect(skuKey('x'.repeat(5000))).toMatch(/^sku#[0-9a-f]{64}$/)
  })
  it('come with the sku first; case and spaces of a sku count', () => {
    expect(vendorKeysOf({ sku: 'BANK CHARGES', description: 'Bank charges' })).toEqual([
      'sku:BANK CHARGES',
      'text:bank charges',
    ])
    expect(vendorKeysOf({ sku: '85123A', description: '?' })).toEqual(['sku:85123A'])
    expect(skuKey('85123a')).not.toBe(skuKey('85123A'))
  })
})

describe('the payload hash', () => {
  const line: LineItem = {
    eventId: '01900000-aaaa-7bbb-8ddd-000000000001',
    userId: 'u-1',
    invoiceId: '536365',
    lineNumber: 1,
    sku: '85123A',
    description: 'Lamp',
    quantity: '6',
    unitPrice: '2.55',
    currency: 'GBP',
    occurredAt: '2010-12-01T08:26:00.000Z',
    payloadHash: Buffer.alloc(0),
  }
  it('is the one the ledger holds since version 1', () => {
    expect(payloadHash(line).toString('hex')).toBe('1199c1a40ccb6cf704c6f66b6fde4d39')
  })
  it('tells a missing text from a moved one', () => {
    const skuOnly = payloadHash({ ...line, sku: 'Lamp', description: null })
    expect(skuOnly.equals(payloadHash({ ...line, sku: null, description: 'Lamp' }))).toBe(false)
  })
})
