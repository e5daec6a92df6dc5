import { createKeyReader, type KeyReader, WHOLE_KEYS } from './match-keys.ts'
import { similarity } from './similarity.ts'
import type { Text } from './words.ts'

/**
 * The texts that items were made with, found by a text that is nearly one of them. An index in memory over what the
 * look-up proposed, and over what the lines before made: a function of the history of a user, wherever batches are cut.
 */
export type ItemText = { readonly userId: string; readonly vendorKey: string; readonly text: string }
/** In how many texts of the user's items a word is. */
export type KnownWord = { readonly userId: string; readonly word: string; readonly items: number }
export type Match = { readonly vendorKey: string; readonly score: number }

export type Matcher = {
  /** Which stored texts the description may stand for, the surest first. */
  match(userId: string, description: string): readonly Match[]
  /** An item was made with this text. */
  learn(text: ItemText): void
}

/**
 * When more texts have something in common with one, comparing each with each would cost the square of them: then only those of
 * the same words or letters count, and when those are too many as well, none. Not as many as there is room for: who is left out
 * could be as near. (Of 3,451 real descriptions none has more than 11.)
 */
export const MOST_NEAR = 100

type Entry = { readonly vendorKey: string; readonly text: Text }

export const createMatcher = (
  proposed: readonly ItemText[] = [],
  words: readonly KnownWord[] = [],
  { reader = createKeyReader(), crowded = [] }: { reader?: KeyReader; crowded?: readonly ItemText[] } = {},
): Matcher => {
  const byKey = new Map<number, Entry[]>()
  const wordsOf = new Map<string, Map<string, number>>()
  const known = new Set<string>()

  const countsOf = (userId: string): Map<string, number> => {
    const counts = wordsOf.get(userId) ?? new Map<string, number>()
    wordsOf.set(userId, counts)
    return counts
  }
  const add = ({ userId, vendorKey, text }: ItemText): void => {
    const entry = { vendorKey, text: reader.text(text) }
    known.add(`${userId} ${vendorKey}`)
    for (const key of reader.keysOfItem(userId, text)) {
      const entries = byKey.get(key)
      if (entries) entries.push(entry)
      else byKey.set(key, [entry])
    }
  }
  const textsBy = (key: number): readonly Entry[] => byKey.get(key) ?? []
  const isCrowded = new Set(crowded.map(({ userId, text }) => `${userId} ${text}`))
  const nearest = (keys: readonly number[]): ReadonlySet<Entry> | null => {
    const entries = new Set<Entry>()
    for (const entry of keys.flatMap(textsBy)) if (entries.add(entry).size > MOST_NEAR) return null
    return entries
  }
  const candidatesOf = (userId: string, description: string): ReadonlySet<Entry> => {
    const keys = reader.keysOfQuery(userId, description)
    const near = isCrowded.has(`${userId} ${description}`) ? null : nearest(keys)
    return near ?? nearest(keys.slice(0, WHOLE_KEYS)) ?? new Set()
  }
  for (const { userId, word, items } of words) countsOf(userId).set(word, items)
  for (const text of proposed) if (!known.has(`${text.userId} ${text.vendorKey}`)) add(text)

  return {
    match(userId, description) {
      const text = reader.text(description)
      const candidates = candidatesOf(userId, description)
      const words = countsOf(userId)
      const counts = (word: string) => words.get(word) ?? 0
      return [...candidates]
        .flatMap(({ vendorKey, text: item }) => {
          const score = similarity(text, item, counts)
          return score === null ? [] : [{ vendorKey, score }]
        })
        .sort((a, b) => b.score - a.score || (a.vendorKey < b.vendorKey ? -1 : 1))
    },
    learn(text) {
      add(text)
      const counts = countsOf(text.userId)
      for (const word of wordsIn(text.vendorKey)) counts.set(word, (counts.get(word) ?? 0) + 1)
    },
  }
}

/** Not a text of more than 1,000 bytes, of which the key is a hash: no vendor means one by another. */
export const isMatchable = (vendorKey: string): boolean => vendorKey.startsWith('text:')

/** The words of a normalised text, as PostgreSQL splits it too. */
export const wordsIn = (vendorKey: string): string[] => [
  ...new Set(vendorKey.slice(vendorKey.indexOf(':') + 1).split(' ')),
]
