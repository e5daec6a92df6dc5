import { expect, test } from 'vitest'
import { quantityText } from '../../src/mapping-text.ts'

test.each([
  ['0.000000', '0'],
  ['1234567.500000', '1,234,567.5'],
  ['-1000.000001', '-1,000.000001'],
  ['-100', '-100'],
  ['9007199254740993.000001', '9,007,199,254,740,993.000001'],
  [null, '0'],
])('the quantity %s is told exactly', (quantity, text) => {
  expect(quantityText(quantity)).toBe(text)
})
