import { expect, test } from 'vitest'
import { shellWord } from '../../../src/lib/shell-word.ts'

test.each([
  ['u-1', 'u-1'],
  ['jane@example.com:7', 'jane@example.com:7'],
  ['$(curl${IFS}x|sh)', "'$(curl${IFS}x|sh)'"],
  ["o'neil;reboot", "'o'\\''neil;reboot'"],
  ['two\nlines', "'two\nlines'"],
  ['u-1\n', "'u-1\n'"],
  ['', "''"],
])('a shell reads %j as one word: %s', (text, word) => {
  expect(shellWord(text)).toBe(word)
})
