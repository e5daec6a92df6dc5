import type { LineItem } from './line-item.ts'
import { skuKey, textKey } from './vendor-key.ts'

/**
 * Which internal item each vendor line stands for. Pure and sequential: a line sees what the line before it made, so
 * cutting the same lines into other batches gives the same catalogue. The order of decision:
 *   1. the sku is known                          → that item
 *   2. the normalised description is known        → that item, unless sku and item belong to different skus
 *   3. (the place of fuzzy suggestions: `find` below; a suggestion never may join two different skus either)
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
  /** `created` together with its item; `exact`: a sku that joined an item found by its description. */
  readonly method: 'created' | 'exact'
  readonly score: number | null
  /** The vendor's text behind the key, as it came. */
  readonly sourceText: string
}

/** An item already stored that got its first sku; new items carry theirs in `newItems`. */
export type SkuAdoption = { readonly itemId: bigint; readonly sku: string }

export type Decisions = {
  /** One per line, in the order of the lines. */
  readonly assignments: readonly ItemRef[]
  readonly newItems: readonly NewItem[]
  readonly newMappings: readonly NewMapping[]
  readonly skuAdoptions: readonly SkuAdoption[]
}

/** The key of the look-up. A user id holds no space, so no two pairs give the same text. */
export const userKey = (userId: string, vendorKey: string): string => `${userId} ${vendorKey}`

/** An item while we decide: one object per item, however many keys lead to it, since adoption changes it. */
type Candidate = { readonly ref: ItemRef; sku: string | null }

type Keyed = {
  line: MappableLine
  sku: { key: string; text: string } | null
  text: { key: string; text: string } | null
}

const keyed = (line: MappableLine): Keyed => {
  const text = line.description === null ? null : textKey(line.description)
  return {
    line,
    sku: line.sku === null ? null : { key: skuKey(line.sku), text: line.sku },
    text: text === null ? null : { key: text, text: line.description ?? '' },
  }
}

/** What is known by now: what the look-up found, and over it what this batch has decided. */
const createCatalogue = (known: ReadonlyMap<string, KnownItem>) => {
  const byKey = new Map<string, Candidate>()
  const byId = new Map<bigint, Candidate>()
  const fromKnown = ({ itemId, sku }: KnownItem): Candidate => {
    const candidate = byId.get(itemId) ?? { ref: { kind: 'known', itemId }, sku }
    byId.set(itemId, candidate)
    return candidate
  }
  return {
    find(userId: string, vendorKey: string): Candidate | undefined {
      const found = known.get(userKey(userId, vendorKey))
      return found ? fromKnown(found) : byKey.get(userKey(userId, vendorKey))
    },
    add: (userId: string, vendorKey: string, candidate: Candidate) => byKey.set(userKey(userId, vendorKey), candidate),
  }
}

export const decideMappings = (lines: readonly MappableLine[], known: ReadonlyMap<string, KnownItem>): Decisions => {
  const catalogue = createCatalogue(known)
  const newItems: { userId: string; sku: string | null; name: string }[] = []
  const newMappings: NewMapping[] = []
  const skuAdoptions: SkuAdoption[] = []

  const map = (
    userId: string,
    { key, text }: { key: string; text: string },
    to: Candidate,
    method: NewMapping['method'],
  ) => {
    catalogue.add(userId, key, to)
    newMappings.push({ userId, vendorKey: key, item: to.ref, method, score: null, sourceText: text })
  }
  const adopt = (candidate: Candidate, sku: string) => {
    if (candidate.sku !== null) return
    candidate.sku = sku
    if (candidate.ref.kind === 'known') skuAdoptions.push({ itemId: candidate.ref.itemId, sku })
    const created = candidate.ref.kind === 'new' ? newItems[candidate.ref.index] : undefined
    if (created) created.sku = sku
  }
  const create = ({ line, sku, text }: Keyed): Candidate => {
    const index = newItems.push({
      userId: line.userId,
      sku: line.sku,
      name: (line.description ?? line.sku ?? '').trim(),
    })
    const candidate: Candidate = { ref: { kind: 'new', index: index - 1 }, sku: line.sku }
    if (sku) map(line.userId, sku, candidate, 'created')
    if (text && !catalogue.find(line.userId, text.key)) map(line.userId, text, candidate, 'created')
    return candidate
  }
  const decide = (entry: Keyed): Candidate => {
    const { line, sku, text } = entry
    const bySku = sku && catalogue.find(line.userId, sku.key)
    if (bySku) return bySku
    const byText = text && catalogue.find(line.userId, text.key)
    if (!byText) return create(entry)
    if (!sku) return byText
    if (byText.sku !== null && byText.sku !== sku.text) return create(entry)
    adopt(byText, sku.text)
    map(line.userId, sku, byText, 'exact')
    return byText
  }
  return { assignments: lines.map((line) => decide(keyed(line)).ref), newItems, newMappings, skuAdoptions }
}
