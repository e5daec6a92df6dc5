import { isCommonWord } from './word-lists.ts'
import type { Word } from './words.ts'

/** In how many texts of the user's items a word is. */
export type Counts = (word: string) => number

/** One letter more, less, other, or two neighbours exchanged. */
export const isOneEdit = (a: string, b: string): boolean => {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  if (long.length - short.length > 1 || short === long) return false
  let at = 0
  while (at < short.length && short[at] === long[at]) at++
  if (short.length < long.length) return short.slice(at) === long.slice(at + 1)
  if (short.slice(at + 1) === long.slice(at + 1)) return true
  return short[at] === long[at + 1] && short[at + 1] === long[at] && short.slice(at + 2) === long.slice(at + 2)
}

/** `damage`, `damaged`; `rust`, `rusty`: another form of the word, and then often another thing. */
export const isInflection = (a: string, b: string): boolean => {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  return long.length === short.length + 1 && long.startsWith(short) && /[dnrsy]$/.test(long)
}

const LONG = 7
const RARER = 8

/**
 * No word of its own: not of English, and not in the user's texts. Those have misspellings too: a long word that is far rarer
 * in them than its neighbour does not count, unless a letter is another one, as in `parsley` and `paisley`.
 */
const isDoubtful = (word: Word, meant: Word, counts: Counts): boolean => {
  if (isCommonWord(word.raw) || isCommonWord(word.stem)) return false
  const seen = counts(word.raw)
  if (seen === 0) return true
  return word.raw.length >= LONG && !isOtherLetter(word.raw, meant.raw) && seen * RARER <= counts(meant.raw)
}

const isOtherLetter = (a: string, b: string): boolean =>
  a.length === b.length && [...a].filter((letter, at) => letter !== b[at]).length === 1

/** `typed` is what came in, `meant` the word of the item. Of a weak word (`of`) one letter may be left. */
export const isTypo = (typed: Word, meant: Word, counts: Counts): boolean => {
  if (meant.kind === 'exact' || /\p{N}/u.test(typed.raw)) return false
  if (meant.kind === 'weak') return isOneEdit(typed.raw, meant.raw) && !isCommonWord(typed.raw)
  if (typed.kind !== 'word' || typed.raw.length < 2 || meant.raw.length < 3) return false
  return (isOneEdit(typed.raw, meant.raw) || isOneEdit(typed.stem, meant.stem)) && isDoubtful(typed, meant, counts)
}

/** First letter and next other consonant: what every way of shortening a word keeps. */
export const headOf = (word: string): string => {
  const first = word[0] ?? ''
  for (const letter of word.slice(1)) if (letter !== first && !isVowel(letter)) return first + letter
  return first
}

const isVowel = (letter: string): boolean => 'aeiouy'.includes(letter)

/**
 * `hold.` or `hldr` for `holder`: its beginning, or its consonants in their order, three letters at least. What has a point
 * or no vowel is no word; any other beginning could be one.
 */
export const isShortened = (short: Word, long: Word, counts: Counts): boolean => {
  if (short.kind !== 'word' || long.kind !== 'word') return false
  const [a, b] = [short.stem, long.stem]
  if (a.length < 3 || a.length >= b.length || a[0] !== b[0]) return false
  if (!/[aeiou]/.test(a.slice(1))) return headOf(a) === headOf(b) && isSubsequence(a, b)
  return b.startsWith(a) && (short.dotted || isDoubtful(short, long, counts))
}

const isSubsequence = (a: string, b: string): boolean => {
  let at = 0
  for (const letter of b) if (letter === a[at]) at++
  return at === a.length
}
