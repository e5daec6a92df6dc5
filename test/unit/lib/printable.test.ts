import { expect, test } from 'vitest'
import { printable, printableLines } from '../../../src/lib/printable.ts'

test.each([
  ['escape sequences', '\u001b[31m'],
  ['C1 controls', '\u009b31m'],
  ['a text turned around', '\u202eevil\u202c'],
  ['isolates', '\u2066x\u2069'],
  ['line separators', 'a\u2028b\u2029c'],
  ['line breaks', 'a\r\nb'],
  ['invisible characters', 'a\u200bb\ufeff\u{e0041}'],
  ['half a surrogate pair', 'a\ud800'],
])('%s do not reach the terminal', (_, text) => {
  expect(printable(text)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u)
})

test('text stays text', () => {
  const text = 'Größe 5 × ½ „Ελληνικά“ 日本語 🙂'
  expect(printable(text)).toBe(text)
})

test('lines may be kept', () => {
  expect(printableLines('a\r\nb\u001b\n c')).toBe('a\nb \n c')
})
