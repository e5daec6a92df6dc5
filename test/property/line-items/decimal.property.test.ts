import fc from 'fast-check'
import { expect, it } from 'vitest'
import { canonicalDecimal, fromMicros, isDecimal, toMicros } from '../../../src/line-items/decimal.ts'
import { sumByItem } from '../../../src/line-items/inventory.ts'

const LIMIT = 10n ** 18n - 1n
/** A decimal as people write it: minus zero, trailing zeros and all. */
const written = fc
  .record({ minus: fc.boolean(), integer: fc.bigInt(0n, 10n ** 12n - 1n), fraction: fc.stringMatching(/^[0-9]{0,6}$/) })
  .map(({ minus, integer, fraction }) => `${minus ? '-' : ''}${integer}${fraction && '.'}${fraction}`)

it('the canonical form is idempotent, equal exactly for equal numbers, and what micro-units come back as', () => {
  fc.assert(
    fc.property(written, written, (one, other) => {
      const canonical = canonicalDecimal(one)
      expect(isDecimal(one)).toBe(true)
      expect(canonicalDecimal(canonical)).toBe(canonical)
      expect(fromMicros(toMicros(one))).toBe(canonical)
      expect(canonical === canonicalDecimal(other)).toBe(toMicros(one) === toMicros(other))
      if (one.includes('.') && one.length - one.indexOf('.') <= 6) expect(canonicalDecimal(`${one}0`)).toBe(canonical)
    }),
    { numRuns: 3000 },
  )
})

it('micro-units come back unchanged, far beyond what one row may hold', () => {
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 30n), 10n ** 30n), (micros) => {
      expect(toMicros(fromMicros(micros))).toBe(micros)
    }),
  )
})

it('a JSON number that is taken is taken as the number that was sent', () => {
  const micros = fc.integer({ min: -(1e15 - 1), max: 1e15 - 1 })
  fc.assert(
    fc.property(micros, (count) => {
      const text = fromMicros(BigInt(count))
      const parsed: unknown = JSON.parse(text)
      expect(isDecimal(parsed)).toBe(true)
      expect(canonicalDecimal(String(parsed))).toBe(text)
    }),
    { numRuns: 5000 },
  )
})

it('sums of thousands of quantities are exact, in any order', () => {
  const row = fc.record({ itemId: fc.bigInt(1n, 20n), micros: fc.bigInt(-LIMIT, LIMIT) })
  fc.assert(
    fc.property(fc.array(row, { minLength: 2000, maxLength: 4000, size: 'max' }), (rows) => {
      const expected = new Map<bigint, bigint>()
      for (const { itemId, micros } of rows) expected.set(itemId, (expected.get(itemId) ?? 0n) + micros)
      const lines = rows.map(({ itemId, micros }) => ({ itemId, quantity: fromMicros(micros) }))
      const sums = sumByItem(lines)
      expect(sums.map(({ itemId }) => itemId)).toEqual([...expected.keys()].sort((a, b) => Number(a - b)))
      for (const { itemId, quantity } of sums) expect(toMicros(quantity)).toBe(expected.get(itemId))
      expect(sumByItem(lines.reverse())).toEqual(sums)
    }),
    { numRuns: 20 },
  )
})
