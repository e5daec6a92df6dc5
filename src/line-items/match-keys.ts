import { headOf } from './word-likeness.ts'
import { readText, type Text, type Word } from './words.ts'

/**
 * What a text can be found by. Two texts that `similarity` takes for one share a key, whatever their difference: so the
 * look-up by equal keys proposes all of them, in an index of PostgreSQL as in memory. (pg_trgm proposed them too, in 1.1 s
 * of a million.) Keys are 32 bits of a hash: that two different ones meet costs a proposal that the scoring refuses.
 *
 *   all     its words in any order                      plurals, units, order
 *   flat    its letters without spaces                  spacing
 *   but     all words but one, and that one's beginning
 *           or its end: a typo leaves one of them whole one typo, one shortened word
 *   heads   the head of each word                       shortened words
 *   begins  its first 10, 15, 20 … letters, and numbers a text that is cut off
 */
export const MATCH_VERSION = 1
/** The first keys of a text are of all its words, and of all its letters. */
export const WHOLE_KEYS = 2
const STEP = 5
export const SHORTEST_BEGINNING = 10

export const keysOfItem = (userId: string, text: Text): number[] => keysOf(userId, text, false)
export const keysOfQuery = (userId: string, text: Text): number[] => keysOf(userId, text, true)

/** A new text is looked up, compared, learnt and stored: it is read once for all of that. For one batch, as it forgets nothing. */
export type KeyReader = {
  text(description: string): Text
  keysOfItem(userId: string, description: string): readonly number[]
  keysOfQuery(userId: string, description: string): readonly number[]
}

export const createKeyReader = (): KeyReader => {
  const once = <T>(read: (userId: string, description: string) => T) => {
    const known = new Map<string, T>()
    return (userId: string, description: string): T => {
      const key = `${userId} ${description}`
      const found = known.get(key) ?? read(userId, description)
      known.set(key, found)
      return found
    }
  }
  const textOf = once((_, description) => readText(description))
  return {
    text: (description) => textOf('', description),
    keysOfItem: once((userId, description) => keysOfItem(userId, textOf('', description))),
    keysOfQuery: once((userId, description) => keysOfQuery(userId, textOf('', description))),
  }
}

const keysOf = (userId: string, { words, flat }: Text, isQuery: boolean): number[] => {
  const keys = new Set<number>()
  const seed = sumOf(`${MATCH_VERSION} ${userId} `)
  const add = (key: string, before = seed) => keys.add(mixed(sumOf(key, before)))
  const strong = words.filter(({ kind }) => kind !== 'weak')
  const stems = strong.map(({ stem }) => stem).sort()
  add(`all ${stems.join(' ')}`)
  add(`flat ${flat}`)
  if (stems.length > 1) {
    const heads = strong.map(({ kind, stem }) => (kind === 'word' ? headOf(stem) : stem))
    add(`heads ${heads.sort().join(' ')}`)
  }
  for (const word of stems.length > 1 ? strong : []) {
    const others = stems.toSpliced(stems.indexOf(word.stem), 1).join(' ')
    const but = sumOf(`but ${others} `, seed)
    const ends = word.kind === 'exact' ? [] : isQuery ? endsOfQuery(word) : endsOfItem(word)
    for (const end of ends) add(end, but)
    // `pack fo 12`: a mistyped weak word is one too many.
    if (isQuery && word.raw.length <= 4) add(`all ${others}`)
  }
  if (flat.length >= SHORTEST_BEGINNING)
    for (const end of isQuery ? [flat.length] : endsOfBeginnings(flat)) add(beginning(flat, end))
  return [...keys]
}

/** With its numbers: of a thousand articles that are counted through, all would begin alike. */
const beginning = (flat: string, end: number): string =>
  `begins ${flat.slice(0, end - (end % STEP))} ${flat.slice(0, end).replace(/\P{N}+/gu, ' ')}`

/** Only a step and a number change what a beginning is: after two letters between steps it is the one before. */
const endsOfBeginnings = (flat: string): number[] => {
  const ends = []
  for (let end = SHORTEST_BEGINNING; end <= flat.length; end++)
    if (end % STEP === 0 || !/^[a-z]{2}$/.test(flat.slice(end - 2, end))) ends.push(end)
  return ends
}

/** A PostgreSQL `integer`: FNV-1a with murmur's last step. Stored, so it is part of MATCH_VERSION. */
const sumOf = (text: string, before = 0x811c9dc5): number => {
  let sum = before
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193)
  return sum
}
const mixed = (hashed: number): number => {
  let sum = Math.imul(hashed ^ (hashed >>> 16), 0x85ebca6b)
  sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35)
  return (sum ^ (sum >>> 16)) | 0
}

/**
 * A typo can change the length of a word by one, and with it how much of it counts; a shortened word is one of another
 * length, and has its beginning in common.
 */
const endsOfItem = (word: Word): string[] => formsOf(word).flatMap((form) => ends(form, form.length < 5 ? 1 : 2))
const endsOfQuery = (word: Word): string[] =>
  formsOf(word).flatMap((form) => {
    const short = form.length <= 5 ? ends(form, 1) : []
    return [...short, ...(form.length > 3 ? ends(form, 2) : ends(form, 2).slice(0, 1))]
  })
const formsOf = ({ stem, raw }: Word): string[] => (stem === raw ? [stem] : [stem, raw])
const ends = (form: string, size: number): string[] => [`^${form.slice(0, size)}`, `$${form.slice(-size)}`]
