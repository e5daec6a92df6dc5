import { fold } from './vendor-key.ts'
import { isCommonWord, MEASURES, SINGULARS, UNIT_FORMS, WEAK_WORDS } from './word-lists.ts'

/**
 * A description as words that can be compared: plurals and units in one form, numbers as numbers. The original text and
 * the vendor key are untouched by it: two spellings stay two keys, so that a person can part them again.
 */
export type Word = {
  /** As it is written, in small letters. */
  readonly raw: string
  /** Singular, unit in its one form. */
  readonly stem: string
  /** `exact`: a number, a code, a single letter. It agrees or it does not. */
  readonly kind: 'word' | 'exact' | 'weak'
  /** A point says that it is shortened: `choc.` */
  readonly dotted: boolean
}

export type Text = {
  readonly words: readonly Word[]
  /** Folded, with single spaces. */
  readonly plain: string
  /** The same without spaces: what any spacing of a text has in common. */
  readonly flat: string
}

const NUMBER = /^\d/
/** A point within the text only: at its end it may be a full stop. */
const DECIMAL_OR_WORD = /\d+(?:[.,]\d+)+|[\p{L}\p{N}\p{M}]+(?:\.(?=.*[\p{L}\p{N}]))?/gu
const THOUSANDS = /^\d{1,3}(?:,\d{3})+$/
const BY = /^(\d+)x(\d+)(\p{L}*)$/u
const NUMBER_THEN_LETTERS = /^(\d+)(\p{L}+)$/u
const LETTERS_THEN_NUMBER = /^(\p{L}{2,})(\d+)$/u

export const readText = (description: string): Text => {
  const folded = fold(description)
  const marked = folded
    .replace(/(\p{L})['’‘`´](?=\p{L})/gu, '$1')
    .replace(/(\d)\s?["”″]/g, '$1 in ')
    .replace(/(^|\s)w\/o(?=\s)/g, '$1without')
    .replace(/(^|\s)w\//g, '$1with ')
    .replace(/[&+]/g, ' and ')
  const words = (marked.match(DECIMAL_OR_WORD) ?? []).flatMap(split).map(wordOf)
  const plain = folded.replace(/[^\p{L}\p{N}\p{M}]+/gu, ' ').trim()
  return { words, plain, flat: plain.replaceAll(' ', '') }
}

/** `12pc` → `12 pc`, `40x60cm` → `40 x 60 cm`, `of6` → `of 6`; `a6` and `2nd` stay as they are: codes. */
const split = (token: string): string[] => {
  const by = BY.exec(token)
  if (by) return [by[1] ?? '', 'x', by[2] ?? '', by[3] ?? ''].filter((part) => part !== '')
  const [, digits, unit] = NUMBER_THEN_LETTERS.exec(token) ?? []
  if (digits && unit && isPlainWord(unit)) return [digits, unit]
  const [, letters, number] = LETTERS_THEN_NUMBER.exec(token) ?? []
  return letters && number && isPlainWord(letters) ? [letters, number] : [token]
}

const isPlainWord = (letters: string): boolean => {
  const stem = stemOf(letters)
  return MEASURES.has(stem) || (stem.length > 1 && (isCommonWord(letters) || isCommonWord(stem)))
}

const wordOf = (token: string): Word => {
  const raw = token.replace(/\.$/, '')
  const dotted = raw !== token
  if (NUMBER.test(raw)) return { raw, stem: numberOf(raw), kind: 'exact', dotted }
  const stem = stemOf(raw)
  const kind = WEAK_WORDS.has(raw) ? 'weak' : stem.length === 1 || /\p{N}/u.test(stem) ? 'exact' : 'word'
  return { raw, stem, kind, dotted }
}

/** `10.00` is 10, `1,000` is 1000, `1,5` is 1.5. */
const numberOf = (raw: string): string => {
  if (THOUSANDS.test(raw)) return raw.replaceAll(',', '')
  const point = raw.replace(',', '.')
  return /^\d+\.\d+$/.test(point) ? point.replace(/\.?0+$/, '') : point
}

export const stemOf = (word: string): string => {
  const singular = singularOf(word)
  return UNIT_FORMS.get(singular) ?? UNIT_FORMS.get(word) ?? singular
}

/** `childrens` is two steps from `child`. */
const singularOf = (word: string): string => {
  const singular = stripped(word)
  return SINGULARS.get(singular) ?? singular
}

/** English only, and the same for a word and its plural; it need not be a word (`cookie` and `cookies` → `cooky`). */
const stripped = (word: string): string => {
  if (SINGULARS.has(word)) return word
  if (word.length > 4 && /ies?$/.test(word)) return word.replace(/ies?$/, 'y')
  if (word.length < 4 || !word.endsWith('s') || /(?:ss|us|is)$/.test(word)) return word
  if (/(?:x|ss|ch|sh)es$/.test(word)) return word.slice(0, -2)
  if (/[^aeiou]oes$/.test(word) && !/(?:shoe|toe)s$/.test(word)) return word.slice(0, -2)
  return /(?:pota|toma)toes$/.test(word) ? word.slice(0, -2) : word.slice(0, -1)
}
