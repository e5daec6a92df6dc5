// Asks the decisions of the product, and judges them by the stock codes.
import { decideMappings, type KnownItem, type NewMapping, userKey } from '../../src/line-items/mapping.ts'
import { createMatcher, type Matcher } from '../../src/line-items/matcher.ts'
import { textKey } from '../../src/line-items/vendor-key.ts'
import { confusables } from './confusables.ts'
import { seeded } from './random.ts'
import type { Description } from '../support/retail.ts'
import { type Vary, VARIANTS } from './variants.ts'

const USER = 'retail'
const lineOf = (description: string) => ({ userId: USER, sku: null, description })

export type Merge = { readonly text: string; readonly into: string; readonly score: number }
export type Merges = {
  readonly descriptions: number
  readonly sharedKey: number
  readonly right: readonly Merge[]
  readonly wrong: readonly Merge[]
}

/** All descriptions one after the other, without their codes. */
export function judgeMerges(descriptions: readonly Description[]): Merges {
  const named = descriptions.filter(({ text }) => textKey(text) !== null)
  const codesOf = new Map<string, Set<string>>()
  for (const { text, codes } of named) {
    const key = textKey(text) ?? ''
    codesOf.set(key, new Set([...(codesOf.get(key) ?? []), ...codes]))
  }
  const { newItems, newMappings } = decideMappings(named.map(({ text }) => lineOf(text)), new Map()) // prettier-ignore
  const nameOf = ({ item }: NewMapping) => (item.kind === 'new' ? (newItems[item.index]?.name ?? '') : '')
  const merges = newMappings
    .filter(({ method }) => method === 'fuzzy')
    .map((mapping) => ({ text: mapping.sourceText, into: nameOf(mapping), score: mapping.score ?? 0 }))
  const isRight = ({ text, into }: Merge) => {
    const codes = codesOf.get(textKey(into) ?? '')
    return [...(codesOf.get(textKey(text) ?? '') ?? [])].some((code) => codes?.has(code))
  }
  return {
    descriptions: named.length,
    sharedKey: named.length - codesOf.size,
    right: merges.filter(isRight),
    wrong: merges.filter((merge) => !isRight(merge)),
  }
}

export type Tally = { asked: number; found: number; created: number; wrong: number; readonly cases: string[] }

/** A catalogue that does not learn from what it is asked. */
function catalogueOf(descriptions: readonly Description[]) {
  const matcher = createMatcher()
  const known = new Map<string, KnownItem>()
  const { newMappings } = decideMappings(descriptions.map(({ text }) => lineOf(text)), new Map(), { matcher }) // prettier-ignore
  for (const { vendorKey, item } of newMappings)
    if (item.kind === 'new') known.set(userKey(USER, vendorKey), { itemId: BigInt(item.index), sku: null })
  const still: Matcher = { match: (userId, text) => matcher.match(userId, text), learn: () => {} }
  return (text: string): bigint | null => {
    const [assigned] = decideMappings([lineOf(text)], known, { matcher: still }).assignments
    return assigned?.kind === 'known' ? assigned.itemId : null
  }
}

/** `found` the item of the text that was varied, `wrong` another one. */
export function judgeVariants(
  all: readonly Description[],
  asked: readonly Description[],
  seed: number,
): Map<string, Tally> {
  const itemOf = catalogueOf(all)
  return tally(VARIANTS, asked, seed, (varied, text) => {
    const item = itemOf(varied)
    return item === null ? 'created' : item === itemOf(text) ? 'found' : 'wrong'
  })
}

/** `wrong` here: taken for the item that it was made from; `found`, another one, with a text of its own. Texts that the file has itself are left out. */
export function judgeConfusables(
  all: readonly Description[],
  asked: readonly Description[],
  seed: number,
): Map<string, Tally> {
  const itemOf = catalogueOf(all)
  const keys = new Set(all.map(({ text }) => textKey(text)))
  return tally(confusables(all.map(({ text }) => text)), asked, seed, (varied, text) => {
    if (keys.has(textKey(varied))) return null
    const item = itemOf(varied)
    return item === null ? 'created' : item === itemOf(text) ? 'wrong' : 'found'
  })
}

function tally(
  kinds: Readonly<Record<string, Vary>>,
  asked: readonly Description[],
  seed: number,
  outcomeOf: (varied: string, text: string) => 'found' | 'created' | 'wrong' | null,
): Map<string, Tally> {
  const random = seeded(seed)
  const tallies = new Map<string, Tally>()
  for (const [kind, vary] of Object.entries(kinds)) {
    const counts: Tally = { asked: 0, found: 0, created: 0, wrong: 0, cases: [] }
    tallies.set(kind, counts)
    for (const { text } of asked) {
      const varied = vary(text, random)
      const outcome = varied === null || textKey(varied) === null ? null : outcomeOf(varied, text)
      if (varied === null || outcome === null) continue
      counts.asked++
      counts[outcome]++
      if (outcome !== 'found' || kinds !== VARIANTS) counts.cases.push(`${outcome}: ${text} → ${varied}`)
    }
  }
  return tallies
}
