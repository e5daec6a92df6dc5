import { headOf, isInflection, isShortened, isTypo, type Counts } from './word-likeness.ts'
import { COLOURS, DANGLING, DISTINGUISHING, MATERIALS, isCommonWord } from './word-lists.ts'
import { SHORTEST_BEGINNING } from './match-keys.ts'
import type { Text, Word } from './words.ts'

/**
 * How surely two descriptions name one thing: 0 to 1, or null when they do not. Pure. What may differ is named here, and
 * nothing else may: each word of one text must be a word of the other, whole, in another number, with one typo in all of
 * the text, or shortened; or the text is cut off at its end. A word too many, or another number, size, colour or code: no.
 */
export const MARGIN = 0.03
/** Below it a likeness only makes another one doubtful. */
export const ENOUGH = 0.87

/** A plural, a unit: nearly always the same, but a review can see it. */
const OTHER_FORM = 0.005
const REORDERED = 0.01
const SPACED = 0.03
const SHORTENED = 0.03
const TYPO = 0.06
const CUT_OFF = 0.12
const CUT_TOO_SHORT = 0.14
const MOST_SHORTENED = 3

export const similarity = (query: Text, item: Text, counts: Counts): number | null => {
  const words = asSameWords(query, item, counts)
  if (words !== null && words >= 1 - REORDERED - OTHER_FORM) return words
  // Before typos and shortened words: what goes on in one way may go on in another.
  return asCutOff(query, item, counts) ?? words ?? asSameLetters(query, item)
}

type Pair = readonly [Word, Word]

const asSameWords = (query: Text, item: Text, counts: Counts): number | null => {
  const [left, right] = without(query.words, item.words)
  const pairs = pairUp(left, right, counts)
  if (!pairs) return null
  const typos = pairs.filter(([typed, meant]) => isTypo(typed, meant, counts))
  const shortened = pairs.length - typos.length
  const equal = query.words.length - left.length
  if (typos.length > 0 && !isEnoughForTypo(query, left, pairs)) return null
  if (shortened > MOST_SHORTENED || shortened > equal || (typos.length > 0 && shortened > 0) || typos.length > 1)
    return null
  if (shortened > 1 && pairs.some(([one, other]) => headOf(one.stem) !== headOf(other.stem))) return null
  const order = orderOf(query.words, item.words, new Map(pairs))
  if (order === 'other') return null
  const form = pairs.length === 0 && hasOtherForms(query.words, item.words) ? OTHER_FORM : 0
  return 1 - TYPO * typos.length - SHORTENED * shortened - (order === 'same' ? 0 : REORDERED) - form
}

const hasOtherForms = (a: readonly Word[], b: readonly Word[]): boolean => {
  const raws = new Set(b.map(({ raw }) => raw))
  return a.some(({ kind, raw }) => kind !== 'weak' && !raws.has(raw))
}

/** Beside the typo stands a word that agrees; two words alone may not differ as two forms of one word do. */
const isEnoughForTypo = ({ words }: Text, left: readonly Word[], [first]: readonly Pair[]): boolean => {
  const agreed = words.filter((word) => !left.includes(word) && word.kind !== 'weak').length
  return agreed > 1 || (agreed === 1 && first !== undefined && !isInflection(first[0].raw, first[1].raw))
}

/** What is left of two texts without the words that they share. */
const without = (a: readonly Word[], b: readonly Word[]): [Word[], Word[]] => {
  const right = [...b]
  const left = a.filter((word) => {
    const at = right.findIndex((other) => other.stem === word.stem)
    if (at >= 0) right.splice(at, 1)
    return at < 0
  })
  return [left, right]
}

/** Each word that is left with the first word that it can stand for; null when one stays alone. */
const pairUp = (left: readonly Word[], right: readonly Word[], counts: Counts): Pair[] | null => {
  const pairs: Pair[] = []
  const free = [...right]
  for (const word of left) {
    const like = (other: Word) =>
      isTypo(word, other, counts) ||
      isShortened(word, other, counts) ||
      (isShortened(other, word, counts) && headOf(other.stem) === headOf(word.stem))
    const at = free.findIndex(like)
    const [found] = at < 0 ? [] : free.splice(at, 1)
    if (found) pairs.push([word, found])
    else if (word.kind !== 'weak') return null
  }
  return free.every(({ kind }) => kind === 'weak') ? pairs : null
}

/**
 * `moved`: other words have moved, but numbers follow each other as before, and so do colours, or each still stands before
 * its own word. RED/WHITE POLKADOT is not WHITE/RED POLKADOT.
 */
const orderOf = (
  a: readonly Word[],
  b: readonly Word[],
  pairs: ReadonlyMap<Word, Word>,
): 'same' | 'moved' | 'other' => {
  const left = a.filter(({ kind }) => kind !== 'weak').map((word) => (pairs.get(word) ?? word).stem)
  const right = b.filter(({ kind }) => kind !== 'weak').map(({ stem }) => stem)
  if (left.join(' ') === right.join(' ')) return 'same'
  const follows = (test: (stem: string) => boolean) => {
    const kept = (words: readonly string[]) => words.filter(test).join(' ')
    const before = (words: readonly string[]) =>
      words.flatMap((word, at) => (test(word) ? [`${word} ${words[at + 1] ?? ''}`] : [])) // prettier-ignore
    return kept(left) === kept(right) || before(left).sort().join('/') === before(right).sort().join('/')
  }
  return follows((stem) => COLOURS.has(stem)) && follows((stem) => /\p{N}/u.test(stem)) ? 'moved' : 'other'
}

const DIGITS = /\p{N}+/gu

/** Only the spaces differ, and not between two numbers. */
const asSameLetters = (query: Text, item: Text): number | null => {
  if (query.flat !== item.flat || query.flat.length < 4) return null
  const numbers = ({ plain }: Text) => (plain.match(DIGITS) ?? []).join(' ')
  return numbers(query) === numbers(item) ? 1 - SPACED : null
}

const SHORTEST_CUT = 12
/** Of the letters, when the text ends in the middle, which hardly another article does; or before a word, as others do. */
const LEAST_KEPT = { inside: 0.6, beforeWord: 0.75 }
const SIZE_LETTERS: ReadonlySet<string> = new Set(['s', 'm', 'l', 'x'])
const MOST_LOST = { inside: 2, beforeWord: 1 }

/**
 * The text ends where the item's goes on. What is lost must not be what tells articles apart. A beginning that does not
 * suffice still makes another one doubtful: `alarm clock` of red and ivory ones.
 */
const asCutOff = (query: Text, item: Text, counts: Counts): number | null => {
  const [kept, all] = [query.plain.length, item.plain.length]
  if (kept >= all || query.flat.length < SHORTEST_BEGINNING || !item.plain.startsWith(query.plain)) return null
  const pieces = query.plain.split(' ')
  const piece = item.plain[kept] === ' ' ? '' : (pieces.pop() ?? '')
  const where = piece !== '' || DANGLING.has(pieces.at(-1) ?? '') ? 'inside' : 'beforeWord'
  const [rest = '', ...lost] = item.plain.slice(kept).split(' ')
  const wholeWords = where === 'inside' && kept >= LEAST_KEPT.beforeWord * all ? 1 : 2
  const isEnough = kept >= SHORTEST_CUT && kept >= LEAST_KEPT[where] * all && pieces.length >= wholeWords
  const isKnown = !isDistinguishing(piece + rest) || (piece !== '' && !SIZE_LETTERS.has(piece))
  // Where there are pins, `pin` is not `pink` cut off.
  const isOther = lost.length === 0 && isCommonWord(piece) && rest.length === 1 && counts(piece) > 0
  const isSame =
    isKnown &&
    !isOther &&
    !lost.some((word) => isDistinguishing(word) || (where === 'beforeWord' && MATERIALS.has(word)))
  return 1 - (isEnough && isSame && lost.length <= MOST_LOST[where] ? CUT_OFF : CUT_TOO_SHORT)
}

const isDistinguishing = (word: string): boolean =>
  COLOURS.has(word) || DISTINGUISHING.has(word) || word.length === 1 || /\p{N}/u.test(word)
