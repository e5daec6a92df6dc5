import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createMatcher, isMatchable, type ItemText, type KnownWord, wordsIn } from '../../../src/line-items/matcher.ts'
import { ENOUGH } from '../../../src/line-items/similarity.ts'
import {
  type Ambiguous,
  type AmbiguousPolicy,
  decideMappings,
  type ItemRef,
  type KnownItem,
  type MappableLine,
  userKey,
} from '../../../src/line-items/mapping.ts'
import { textKey, vendorKeysOf } from '../../../src/line-items/vendor-key.ts'

/** Few users, skus and texts, so that they meet often. At least one key each, as decode guarantees. */
const line: fc.Arbitrary<MappableLine> = fc
  .record({
    userId: fc.constantFrom('u-1', 'u-2'),
    sku: fc.constantFrom(null, 'A', 'B', 'C', 'a'),
    description: fc.constantFrom(
      ...[null, 'Lamp', 'LAMP!', 'Old lamp', 'Vase', '?'],
      ...[
        'Red wicker basket',
        'Red wickre basket',
        'Basket, red wicker',
        'Red wicker baskets',
        'Red wicker bask.',
        'Red wick',
      ],
      ...[
        'Red wicked basket',
        'Blue wicker basket',
        'Red wicker basket 12',
        'Red wacker basket',
        'Red wicker bask',
        'Redwicker basket',
      ],
    ),
  })
  .filter((entry) => vendorKeysOf(entry).length > 0)
const lines = fc.array(line, { maxLength: 40 })
const policy = fc.constantFrom<AmbiguousPolicy>('create', 'dead-letter')

/** What the database does with the decisions of one batch after another. */
const createStore = (ambiguous: AmbiguousPolicy = 'create') => {
  const items: { userId: string; sku: string | null; name: string }[] = []
  const mappings = new Map<string, number>()
  const assigned: number[] = []
  const methods = new Map<string, string>()
  const texts: ItemText[] = []
  const words = (): KnownWord[] => {
    const counts = new Map<string, KnownWord>()
    for (const { userId, vendorKey } of texts)
      for (const word of wordsIn(vendorKey)) {
        const key = `${userId} ${word}`
        counts.set(key, { userId, word, items: (counts.get(key)?.items ?? 0) + 1 })
      }
    return [...counts.values()]
  }
  const look = (batch: readonly MappableLine[]): Map<string, KnownItem> => {
    const known = new Map<string, KnownItem>()
    for (const key of batch.flatMap((entry) =>
      vendorKeysOf(entry).map((vendorKey) => userKey(entry.userId, vendorKey)),
    )) {
      const index = mappings.get(key)
      if (index !== undefined) known.set(key, { itemId: BigInt(index), sku: items[index]!.sku })
    }
    for (const { userId, vendorKey } of texts) {
      const index = mappings.get(userKey(userId, vendorKey))!
      known.set(userKey(userId, vendorKey), { itemId: BigInt(index), sku: items[index]!.sku })
    }
    return known
  }
  const settle = (batch: readonly MappableLine[]): void => {
    const decided = decideMappings(batch, look(batch), { matcher: createMatcher(texts, words()), ambiguous })
    const base = items.length
    const idOf = (ref: ItemRef | Ambiguous): number =>
      ref.kind === 'ambiguous' ? -1 : ref.kind === 'new' ? base + ref.index : Number(ref.itemId)
    for (const { itemId, sku } of decided.skuAdoptions) {
      expect(items[Number(itemId)]!.sku).toBeNull()
      items[Number(itemId)]!.sku = sku
    }
    items.push(...decided.newItems.map((item) => ({ ...item })))
    for (const { userId, vendorKey, item, method, score, sourceText } of decided.newMappings) {
      expect(method !== 'fuzzy' || score! >= ENOUGH).toBe(true)
      if (method === 'created' && isMatchable(vendorKey)) texts.push({ userId, vendorKey, text: sourceText })
      const key = userKey(userId, vendorKey)
      expect(mappings.has(key), `${key} is mapped once`).toBe(false)
      expect(items[idOf(item)]!.userId).toBe(userId)
      mappings.set(key, idOf(item))
      methods.set(key, method)
    }
    expect(decided.assignments).toHaveLength(batch.length)
    assigned.push(...decided.assignments.map(idOf))
  }
  return { settle, items, mappings, methods, assigned }
}

it('cutting the lines into other batches gives the same catalogue and the same items', () => {
  fc.assert(
    fc.property(lines, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), policy, (all, sizes, ambiguous) => {
      const whole = createStore(ambiguous)
      whole.settle(all)
      const cut = createStore(ambiguous)
      for (let at = 0, turn = 0; at < all.length; turn++) {
        const size = sizes[turn % sizes.length]!
        cut.settle(all.slice(at, at + size))
        at += size
      }
      expect(cut.items).toEqual(whole.items)
      expect(cut.mappings).toEqual(whole.mappings)
      expect(cut.methods).toEqual(whole.methods)
      expect(cut.assigned).toEqual(whole.assigned)
    }),
    { numRuns: 1000 },
  )
})

it('one sku is one item, two skus are two, and a text alone goes to the item it is mapped to', () => {
  fc.assert(
    fc.property(lines, (all) => {
      const store = createStore()
      store.settle(all)
      const itemOfSku = new Map<string, number>()
      const skuOfItem = new Map<number, string>()
      all.forEach(({ userId, sku, description }, index) => {
        const item = store.assigned[index]!
        if (sku === null) {
          expect(item).toBe(store.mappings.get(userKey(userId, textKey(description!)!)))
          return
        }
        expect(item).toBe(itemOfSku.get(userKey(userId, sku)) ?? item)
        expect(sku).toBe(skuOfItem.get(item) ?? sku)
        expect(store.items[item]).toMatchObject({ userId, sku })
        itemOfSku.set(userKey(userId, sku), item)
        skuOfItem.set(item, sku)
      })
    }),
    { numRuns: 1000 },
  )
})

it('the same lines again change nothing', () => {
  fc.assert(
    fc.property(lines, (all) => {
      const store = createStore()
      store.settle(all)
      const [items, mappings] = [store.items.length, store.mappings.size]
      store.settle(all)
      expect([store.items.length, store.mappings.size]).toEqual([items, mappings])
    }),
  )
})

it('normalising a text twice is normalising it once, and a key fits its index row', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (text) => {
      const key = textKey(text)
      if (key === null) return
      expect(Buffer.byteLength(key)).toBeLessThan(1024)
      if (key.startsWith('text:')) expect(textKey(key.slice('text:'.length))).toBe(key)
    }),
    { numRuns: 1000 },
  )
})
