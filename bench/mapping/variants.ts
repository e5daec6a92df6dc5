// How the same article is written elsewhere. Made without a look at the rules that have to find it again; null where a text has
// nothing to vary.
import type { Random } from './random.ts'

export type Vary = (text: string, random: Random) => string | null

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const words = (text: string) => text.split(/\s+/).filter((word) => word !== '')
const replaceAt = <T>(list: readonly T[], at: number, by: T): T[] =>
  list.map((each, index) => (index === at ? by : each))
const indexesWhere = <T>(list: readonly T[], test: (each: T) => boolean) =>
  list.flatMap((each, at) => (test(each) ? [at] : []))

const titled = (text: string) => text.toLowerCase().replace(/(^|\s)\S/g, (letter) => letter.toUpperCase())

const caseOf: Vary = (text, random) =>
  random.pick([
    text.toLowerCase(),
    titled(text),
    [...text].map((letter) => (random.below(2) ? letter.toLowerCase() : letter.toUpperCase())).join(''),
  ])

const punctuation: Vary = (text, random) => {
  const parts = words(text)
  const between = random.below(Math.max(1, parts.length - 1))
  return random.pick([
    text.replace(/[^\p{L}\p{N}\s.]+/gu, ' '),
    text.replace(/-/g, ''),
    replaceAt(parts, between, `${parts[between]},`).join(' '),
    replaceAt(parts, between, `${parts[between]} -`).join(' '),
    parts.join('/'),
    `"${text}".`,
    parts.join('_'),
  ])
}

const spacing: Vary = (text, random) => {
  const parts = words(text)
  const at = random.below(Math.max(1, parts.length - 1))
  const joined = [...parts.slice(0, at), `${parts[at]}${parts[at + 1] ?? ''}`, ...parts.slice(at + 2)].join(' ')
  const inside = indexesWhere([...text], (letter) => /\p{L}/u.test(letter))
  const cut = inside.length > 0 ? random.pick(inside) : 0
  return random.pick([
    parts.join('  '),
    `  ${text} `,
    parts.join('\t'),
    joined,
    cut > 0 ? `${text.slice(0, cut)} ${text.slice(cut)}` : ` ${text}`,
  ])
}

const wordOrder: Vary = (text, random) => {
  const parts = words(text)
  if (parts.length < 3) return null
  const from = random.below(parts.length)
  const shuffled = parts.map((word) => ({ word, by: random.next() })).sort((a, b) => a.by - b.by)
  const at = random.below(parts.length - 1)
  const swapped = replaceAt(replaceAt(parts, at, parts[at + 1] ?? ''), at + 1, parts[at] ?? '')
  return random
    .pick([[...parts.slice(from), ...parts.slice(0, from)], shuffled.map(({ word }) => word), swapped])
    .join(' ')
}

const typo: Vary = (text, random) => {
  const places = indexesWhere([...text], (letter) => /\p{L}/u.test(letter))
  if (places.length < 6) return null
  const at = random.pick(places)
  const letter = LETTERS[random.below(26)] ?? 'X'
  const next = text[at + 1] ?? ''
  const exchanged = /\p{L}/u.test(next) && next !== text[at]
  const typed = random.pick([
    text.slice(0, at) + text.slice(at + 1),
    text.slice(0, at) + letter + text.slice(at),
    text.slice(0, at) + letter + text.slice(at + 1),
    exchanged ? `${text.slice(0, at)}${next}${text[at]}${text.slice(at + 2)}` : text.slice(0, at) + text.slice(at + 1),
  ])
  return typed === text ? null : typed
}

const pluralOf = (word: string): string =>
  /(?:S|X|CH|SH)$/i.test(word) ? `${word}ES` : /[^AEIOU]Y$/i.test(word) ? `${word.slice(0, -1)}IES` : `${word}S`
const otherNumber = (word: string): string => (/[^S]S$/i.test(word) ? word.slice(0, -1) : pluralOf(word))

const plural: Vary = (text, random) => {
  const parts = words(text)
  const nouns = indexesWhere(parts, (word) => /^[A-Z]{4,}$/i.test(word))
  if (nouns.length === 0) return null
  const at = random.below(2) ? (nouns.at(-1) ?? 0) : random.pick(nouns)
  return replaceAt(parts, at, otherNumber(parts[at] ?? '')).join(' ')
}

const USUAL: readonly (readonly [RegExp, readonly string[]])[] = [
  [/\bLARGE\b/, ['LRG', 'LGE', 'LG']],
  [/\bSMALL\b/, ['SML', 'SM']],
  [/\bMEDIUM\b/, ['MED']],
  [/\bSET OF\b/, ['SET', 'SET/']],
  [/\bPACK OF\b/, ['PK', 'PACK', 'PK OF']],
  [/\bWITH\b/, ['W/']],
  [/\bAND\b/, ['&', '+']],
  [/\bASSORTED\b/, ['ASST', 'ASSTD']],
  [/\bCHRISTMAS\b/, ['XMAS']],
  [/\bBOX OF\b/, ['BX', 'BOX']],
  [/\bWHITE\b/, ['WHT']],
  [/\bBLACK\b/, ['BLK']],
  [/\bHOLDER\b/, ['HLDR']],
  [/\bBOTTLE\b/, ['BTL']],
]

const shortened = (word: string, random: Random): string => {
  const bones = word.slice(0, 1) + word.slice(1).replace(/[AEIOU]/gi, '')
  const start = word.slice(0, random.pick([3, 4, 5]))
  return random.pick([`${start}.`, bones.length >= 3 ? bones : `${start}.`])
}

const abbreviation: Vary = (text, random) => {
  const usual = USUAL.filter(([long]) => long.test(text))
  if (usual.length > 0 && random.below(2)) {
    const [long, short] = random.pick(usual)
    return text.replace(long, random.pick(short))
  }
  const parts = words(text)
  const long = indexesWhere(parts, (word) => /^[A-Z]{6,}$/i.test(word))
  if (long.length === 0) return null
  const at = random.pick(long)
  return replaceAt(parts, at, shortened(parts[at] ?? '', random)).join(' ')
}

/** As by a field that is too short for the last word: half of it is left, or more. */
const truncated: Vary = (text, random) => {
  const last = /\p{L}+$/u.exec(text)?.[0] ?? ''
  const kept = Math.ceil(last.length / 2) + random.below(Math.floor(last.length / 2))
  return last.length < 2 || text.length < 12 ? null : text.slice(0, text.length - last.length + kept)
}

/** As by one that is much too short: 70 to 95 % of the text are left, often of several articles the same. */
const cutShort: Vary = (text, random) =>
  text.length < 12 ? null : text.slice(0, Math.round(text.length * (0.7 + 0.25 * random.next()))).trim()

export const VARIANTS: Readonly<Record<string, Vary>> = {
  ...{ case: caseOf, punctuation, spacing, 'word order': wordOrder, 'one typo': typo },
  ...{ plural, abbreviation, truncated, 'cut short': cutShort },
}
