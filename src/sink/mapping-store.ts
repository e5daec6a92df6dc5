// Finds or creates the internal item of each line. A line whose deciding key is in the cache costs nothing, the other
// keys of a batch one look-up, and only lines that are still unknown a short transaction of their own, before the
// sink's: it looks for texts that are nearly the same, in one statement. An item that no ledger entry uses in the end is
// harmless.
import { LRUCache } from 'lru-cache'
import type { LineItem } from '../line-items/line-item.ts'
import { type AmbiguousPolicy, type Decisions, decideMappings, type ItemRef, userKey } from '../line-items/mapping.ts'
import { createMatcher, isMatchable } from '../line-items/matcher.ts'
import { skuKey, textKey, vendorKeysOf } from '../line-items/vendor-key.ts'
import { SinkError } from './classify.ts'
import type { Database } from './database.ts'
import {
  adoptSkus,
  allocateItemIds,
  findMappings,
  type FoundMapping,
  insertItems,
  insertMappings,
  lockUsers,
  type UserVendorKey,
} from './mapping-statements.ts'
import { countWords, findProposals, type UserText } from './match-statements.ts'
import type { Statements } from './writer.ts'

export type MappingLine = Pick<LineItem, 'userId' | 'sku' | 'description'>
export type MappingStore = {
  /** The internal item of each line, in the order of the lines; null where a person has to say which. */
  mapLines(lines: readonly MappingLine[]): Promise<(bigint | null)[]>
  /** Forgets what it knows, as after a restart. */
  clear(): void
}

type Options = {
  readonly database: Database
  readonly cacheSize?: number
  readonly cacheTtlMs?: number
  readonly ambiguous?: AmbiguousPolicy
}

export function createMappingStore(options: Options): MappingStore {
  const { database, cacheSize = 200_000, cacheTtlMs = 60_000, ambiguous = 'create' } = options
  // The time to live bounds how long a consumer misses what an operator assigned.
  const cache = new LRUCache<string, bigint>({ max: cacheSize, ttl: cacheTtlMs, ttlResolution: 1_000 })

  return {
    clear: () => cache.clear(),
    async mapLines(lines) {
      // Answers are kept here, not only in the cache: a batch may hold more keys than it has room for.
      const ids: (bigint | null | undefined)[] = lines.map((line) => cache.get(decidingKey(line)))
      const unknown = missing(lines, ids)
      if (unknown.length > 0) {
        const found = byKey(await findMappings(database.client(), keysOf(unknown.map(({ line }) => line))))
        for (const { line, index } of unknown) ids[index] = found.get(decidingKey(line))
        for (const [key, itemId] of found) cache.set(key, itemId)
      }
      const undecided = missing(lines, ids)
      if (undecided.length > 0) {
        const { itemIds, mappings } = await create(
          database,
          undecided.map(({ line }) => line),
          ambiguous,
        )
        undecided.forEach(({ index }, at) => (ids[index] = itemIds[at]))
        // Only now: a mapping that was rolled back must never be remembered.
        for (const [key, itemId] of byKey(mappings)) cache.set(key, itemId)
      }
      return ids.map(required)
    },
  }
}

/** The key that decides alone, when it is known: the sku, or the description of a line without one. */
const decidingKey = (line: MappingLine) =>
  userKey(line.userId, line.sku === null ? (vendorKeysOf(line)[0] ?? '') : skuKey(line.sku))

const missing = (lines: readonly MappingLine[], ids: readonly (bigint | null | undefined)[]) =>
  lines.map((line, index) => ({ line, index })).filter(({ index }) => ids[index] === undefined)

type Mapped = UserVendorKey & { readonly itemId: bigint }
const byKey = (mapped: readonly Mapped[]) =>
  new Map(mapped.map(({ userId, vendorKey, itemId }) => [userKey(userId, vendorKey), itemId]))

function keysOf(lines: readonly MappingLine[]): UserVendorKey[] {
  const keys = lines.flatMap((line) => vendorKeysOf(line).map((vendorKey) => ({ userId: line.userId, vendorKey })))
  return [...new Map(keys.map((key) => [userKey(key.userId, key.vendorKey), key])).values()]
}

/** Under the users' locks: read again, decide, create. Nothing outside may see the result before the commit. */
async function create(database: Database, lines: readonly MappingLine[], ambiguous: AmbiguousPolicy) {
  return database.transaction(async (tx) => {
    await lockUsers(tx, [...new Set(lines.map((line) => line.userId))])
    const found = await findMappings(tx, keysOf(lines))
    const known = new Map(found.map((mapping) => [userKey(mapping.userId, mapping.vendorKey), knownItem(mapping)]))
    const { texts, words } = await findProposals(tx, unknownTexts(lines, known))
    for (const text of texts) known.set(userKey(text.userId, text.vendorKey), knownItem(text))
    const decisions = decideMappings(lines, known, { matcher: createMatcher(texts, words), ambiguous })
    const mappings = await store(tx, decisions)
    const itemIds = decisions.assignments.map((item) => (item.kind === 'ambiguous' ? null : mappings.idOf(item)))
    return { itemIds, mappings: [...found, ...mappings.rows] }
  })
}

/** What neither sku nor text decides. */
function unknownTexts(lines: readonly MappingLine[], known: ReadonlyMap<string, unknown>): UserText[] {
  const texts = new Map<string, UserText>()
  for (const { userId, sku, description } of lines) {
    const vendorKey = description === null ? null : textKey(description)
    if (description === null || vendorKey === null || !isMatchable(vendorKey)) continue
    const key = userKey(userId, vendorKey)
    if (known.has(key) || (sku !== null && known.has(userKey(userId, skuKey(sku))))) continue
    if (!texts.has(key)) texts.set(key, { userId, vendorKey, text: description })
  }
  return [...texts.values()]
}

const knownItem = ({ itemId, sku }: Pick<FoundMapping, 'itemId' | 'sku'>) => ({ itemId, sku })

async function store(tx: Statements, { newItems, newMappings, skuAdoptions }: Decisions) {
  const ids = await allocateItemIds(tx, newItems.length)
  const idOf = (item: ItemRef) => (item.kind === 'known' ? item.itemId : required(ids[item.index]))
  const rows = newMappings.map((mapping) => ({ ...mapping, itemId: idOf(mapping.item) }))
  await insertItems(tx, newItems, ids)
  // Somebody changed mappings without the lock: the next try reads theirs.
  if ((await insertMappings(tx, rows)) < rows.length)
    throw new SinkError('transient', 'MAPPING_RACE', 'a mapping was created at the same time')
  const made = rows.filter(({ method, vendorKey }) => method === 'created' && isMatchable(vendorKey))
  const texts = made.map(({ userId, vendorKey, sourceText }) => ({ userId, vendorKey, text: sourceText }))
  await countWords(tx, texts)
  await adoptSkus(tx, skuAdoptions)
  return { idOf, rows }
}

function required<T extends bigint | null>(id: T | undefined): T {
  if (id === undefined) throw new SinkError('fatal', 'MAPPING_INCOMPLETE', 'a line was left without an item')
  return id
}
