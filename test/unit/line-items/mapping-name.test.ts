import { expect, test } from 'vitest'
import { parseName } from '../../../src/line-items/mapping-name.ts'
import { skuKey, textKey } from '../../../src/line-items/vendor-key.ts'

test.each([
  ['item:17', { kind: 'item', itemId: 17n }],
  ['sku:85123A', { kind: 'key', keys: ['sku:85123A'] }],
  ['older:17', { kind: 'key', keys: ['older:17'] }],
  [`text#${'0a'.repeat(32)}`, { kind: 'key', keys: [`text#${'0a'.repeat(32)}`] }],
])('%s is taken as it is written', (text, named) => {
  expect(parseName(text)).toEqual(named)
})

test('a key of a text may be given as the text came', () => {
  expect(parseName('text:White HANGING heart')).toEqual({
    kind: 'key',
    keys: ['text:White HANGING heart', textKey('White HANGING heart')],
  })
})

test('without a kind it is a sku, and if there is none, a description', () => {
  expect(parseName(' 85123A ')).toEqual({ kind: 'key', keys: [skuKey('85123A'), textKey('85123A')] })
  expect(parseName('22423')).toEqual({ kind: 'key', keys: [skuKey('22423')] })
  const long = 'x'.repeat(2_000)
  expect(parseName(long)).toEqual({ kind: 'key', keys: [skuKey(long), textKey(long)] })
})

test.each(['', '   ', 'item:', 'item:0', 'item:-1', 'item:1x', 'item:99999999999999999999'])(
  '%j names nothing',
  (text) => {
    expect(parseName(text)).toBeNull()
  },
)
