import type { LineItem } from './line-item.ts'
import { createMatcher, isMatchable, type Match, type Matcher } from './matcher.ts'
import { ENOUGH, MARGIN } from './similarity.ts'
import { skuKey, textKey } from './vendor-key.ts'

/**
 * Which internal item each vendor line stands for. Pure and sequential: a line sees what the line before it made, so
 * cutting the same lines into other batches gives the same catalogue. The order of decision:
 *   1. the sku is known                          → that item
 *   2. the normalised description is known        → that item, unless sku and item belong to different skus
 *   3. one item's text is nearly the same (fuzzy)  → that item, under the same condition. Two items that are as near:
 *      MAPPING_AMBIGUOUS, and by policy a new item or none
 *   4. a new item
 * Two different skus never become one item by themselves: a line with an unknown sku takes over an item found by its
 * description only while that item has no sku, and gives it its own. No key is ever mapped twice.
 */
export type MappableLine = Pick<LineItem, 'userId' | 'sku' | 'description'>

/** An item as the look-up found it under one of the keys; `sku` is the one it was created with or has adopted. */
export type KnownItem = { readonly itemId: bigint; readonly sku: string | null }

/** `new`: index into `newItems`; the caller creates them and knows their ids then. */
export type ItemRef =
  { readonly kind: 'known'; readonly itemId: bigint } | { readonly kind: 'new'; readonly index: number }

export type NewItem = { readonly userId: string; readonly sku: string | null; readonly name: string }

export type NewMapping = {
  readonly userId: string
  readonly vendorKey: string
  readonly item: ItemRef
  /** `created` together with its item; `exact`, `fuzzy`: a key that joined an item found by its description. */
  readonly method: 'created' | 'exact' | 'fuzzy'
  /** Of a fuzzy match, 0 to 1; of an item created because several were as near, that of the nearest; null for the others. */
  readonly score: number | null
  /** The vendor's text behind the key, as it came. */
  readonly sourceText: string
}

/** Several items were as near, and the policy says that a person decides. */
export type Ambiguous = { readonly kind: 'ambiguous' }
export type AmbiguousPolicy = 'create' | 'dead-letter'

/** An item already stored that got its first sku; new items carry theirs in `newItems`. */
export type SkuAdoption = { readonly itemId: bigint; readonly sku: string }

export type Decisions = {
  /** One per line, in the order of the lines. */
  readonly assignments: readonly (ItemRef | Ambiguous)[]
  readonly newItems: readonly NewItem[]
  readonly newMappings: readonly NewMapping[]
  readonly skuAdoptions: readonly SkuAdoption[]
}

/** The key of the look-up. A user id holds no space, so no two pairs give the same text. */
export const userKey = (userId: string, vendorKey: string): string => `${userId} ${vendorKey}`

/** An item while we decide: one object per item, however many keys lead to it, since adoption changes it. */
type Candidate = { readonly ref: ItemRef; sku: string | null }

type VendorKey = { readonly key: string; readonly text: string }

const keysOf = ({ sku, description }: MappableLine): { sku: VendorKey | null; text: VendorKey | null } => {
  const text = description === null ? null : textKey(description)
  return {
    sku: sku === null ? null : { key: skuKey(sku), text: sku },
    text: text === null || description === null ? null : { key: text, text: description },
  }
}

type Draft = {
  readonly newItems: { userId: string; sku: string | null; name: string }[]
  readonly newMappings: NewMapping[]
  readonly skuAdoptions: SkuAdoption[]
}

/** What is known by now: what the look-up found, and what this batch has decided so far. */
const createCatalogue = (known: ReadonlyMap<string, KnownItem>, draft: Draft) => {
  const byKey = new Map<string, Candidate>()
  const byId = new Map<bigint, Candidate>()
  const candidateOf = ({ itemId, sku }: KnownItem): Candidate => {
    const candidate = byId.get(itemId) ?? { ref: { kind: 'known', itemId }, sku }
    byId.set(itemId, candidate)
    return candidate
  }
  return {
    find(userId: string, key: VendorKey | null): Candidate | null {
      if (!key) return null
      const stored = known.get(userKey(userId, key.key))
      return stored ? candidateOf(stored) : (byKey.get(userKey(userId, key.key)) ?? null)
    },
    candidateOf,
    map(userId: string, { key, text }: VendorKey, to: Candidate, by: Pick<NewMapping, 'method' | 'score'>): void {
      byKey.set(userKey(userId, key), to)
      draft.newMappings.push({ userId, vendorKey: key, item: to.ref, ...by, sourceText: text })
    },
    adopt(candidate: Candidate, sku: string): void {
      if (candidate.sku !== null) return
      candidate.sku = sku
      if (candidate.ref.kind === 'known') draft.skuAdoptions.push({ itemId: candidate.ref.itemId, sku })
      const created = candidate.ref.kind === 'new' ? draft.newItems[candidate.ref.index] : undefined
      if (created) created.sku = sku
    },
    create({ userId, sku, description }: MappableLine): Candidate {
      const length = draft.newItems.push({ userId, sku, name: (description ?? sku ?? '').trim() })
      return { ref: { kind: 'new', index: length - 1 }, sku }
    },
  }
}

const EXACT = { method: 'exact', score: null } as const
const AMBIGUOUS: Ambiguous = { kind: 'ambiguous' }

/** Two different skus never merge by themselves. */
const mayJoin = (candidate: Candidate, sku: VendorKey | null) =>
  sku === null || candidate.sku === null || candidate.sku === sku.text

type Nearest = { readonly candidate: Candidate; readonly score: number; readonly ambiguous: boolean }

/** Texts of one item do not compete with each other; those of another must be less sure by a margin. */
const nearestOf = (matches: readonly Match[], itemOf: (match: Match) => Candidate | null): Nearest | null => {
  const found = matches.flatMap((match) => {
    const candidate = itemOf(match)
    return candidate ? [{ candidate, score: match.score }] : []
  })
  const [best] = found
  if (!best || best.score < ENOUGH) return null
  const rival = found.find(({ candidate }) => candidate !== best.candidate)
  return { ...best, ambiguous: rival !== undefined && best.score - rival.score < MARGIN }
}

/** What is asked besides the keys of a line; `matcher` knows the texts of stored items that a line may stand for. */
export type Asked = { readonly matcher?: Matcher; readonly ambiguous?: AmbiguousPolicy }

export const decideMappings = (
  lines: readonly MappableLine[],
  known: ReadonlyMap<string, KnownItem>,
  { matcher = createMatcher(), ambiguous = 'create' }: Asked = {},
): Decisions => {
  const draft: Draft = { newItems: [], newMappings: [], skuAdoptions: [] }
  const catalogue = createCatalogue(known, draft)

  const nearest = (userId: string, text: VendorKey): Nearest | null =>
    nearestOf(matcher.match(userId, text.text), ({ vendorKey }) =>
      catalogue.find(userId, { key: vendorKey, text: vendorKey }),
    )

  const decide = (line: MappableLine): ItemRef | Ambiguous => {
    const { userId } = line
    const { sku, text } = keysOf(line)
    const bySku = catalogue.find(userId, sku)
    if (bySku) return bySku.ref
    const byText = catalogue.find(userId, text)
    const near = text && !byText && isMatchable(text.key) ? nearest(userId, text) : null
    // A sku says by itself which item it is.
    if (near?.ambiguous && !sku && ambiguous === 'dead-letter') return AMBIGUOUS
    const found = byText ?? (near && !near.ambiguous ? near.candidate : null)
    const joined = found && mayJoin(found, sku) ? found : null
    const target = joined ?? catalogue.create(line)
    const score = near && (joined !== null || near.ambiguous) ? near.score : null
    const by = !joined ? { method: 'created' as const, score } : byText ? EXACT : { method: 'fuzzy' as const, score }
    if (joined && sku) catalogue.adopt(joined, sku.text)
    if (sku) catalogue.map(userId, sku, target, by)
    if (text && !byText) {
      catalogue.map(userId, text, target, by)
      // Only texts that made an item are matched against: or one near miss after the other would lead anywhere.
      if (!joined && isMatchable(text.key)) matcher.learn({ userId, vendorKey: text.key, text: text.text })
    }
    return target.ref
  }
  return { assignments: lines.map(decide), ...draft }
}
