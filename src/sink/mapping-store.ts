// Finds or creates the internal item of each line. A line whose deciding key is in the cache costs nothing, the other
// keys of a batch one look-up, and only lines that are still unknown a short transaction of their own, before the
// sink's: it looks for texts that are nearly the same, in one statement. An item that no ledger entry uses in the end is
// harmless.
import { LRUCache } from 'lru-cache'
import type { LineItem } from '../line-items/line-item.ts'
import { type AmbiguousPolicy, type Decisions, decideMappings, userKey } from '../line-items/mapping.ts'
import { createKeyReader, type KeyReader } from '../line-items/match-keys.ts'
import { createMatcher, isMatchable } from '../line-items/matcher.ts'
import { skuKey, textKey, vendorKeysOf } from '../line-items/vendor-key.ts'
import { SinkError } from './classify.ts'
import type { Database } from './database.ts'
import {
  adoptSkus,
  allocateItemIds,
  changesAfter,
  findMappings,
  type FoundMapping,
  insertItems,
  insertMappings,
  lockUsers,
  type UserVendorKey,
  type WrittenMapping,
} from './mapping-statements.ts'
import { countWords, findProposals, type UserText } from './match-statements.ts'
import { mappingVersion } from './statements.ts'
import type { Statements } from './writer.ts'

/** Lines that may be new: bounds the texts that are compared, and how long the users' locks are held. */
const AT_ONCE = 500

export type MappingLine = Pick<LineItem, 'userId' | 'sku' | 'description'>
/** An item, and the mapping of the deciding key that gave it. */
export type MappedItem = { readonly itemId: bigint; readonly mappingId: bigint }
export type MappedLines = {
  /** In the order of the lines; null where a person has to say which. */
  readonly items: readonly (MappedItem | null)[]
  /** No change that a person made up to this version is missing in them. The sink writes them only while it is the last. */
  readonly version: bigint
}
export type MappingStore = {
  mapLines(lines: readonly MappingLine[]): Promise<MappedLines>
  /** The version was not the last: forgets what people changed since. */
  catchUp(): Promise<void>
  /** Forgets what it knows, as after a restart. */
  clear(): void
}

/** Lines by how their item was found. The lines of one try: those of a batch that is mapped again count again. */
export type MappedCounts = { readonly cached: number; readonly stored: number; readonly unknown: number }

type Options = {
  readonly database: Database
  readonly cacheSize?: number
  readonly cacheTtlMs?: number
  readonly ambiguous?: AmbiguousPolicy
  readonly onMapped?: (counts: MappedCounts) => void
}

export function createMappingStore(options: Options): MappingStore {
  const { database, cacheSize = 200_000, cacheTtlMs = 60_000, ambiguous = 'create', onMapped } = options
  // What people change comes by the version; the time to live bounds what somebody did by SQL.
  const cache = new LRUCache<string, MappedItem>({ max: cacheSize, ttl: cacheTtlMs, ttlResolution: 1_000 })
  /** The cache holds nothing that is older. Null: not known yet. */
  let known: bigint | null = null

  async function mapOnce(lines: readonly MappingLine[], isCurrent: () => boolean): Promise<(MappedItem | null)[]> {
    // What was asked for before a change must not be remembered after it.
    const remember = (found: ReadonlyMap<string, MappedItem>) => {
      if (isCurrent()) for (const [key, item] of found) cache.set(key, item)
    }
    // Answers are kept here, not only in the cache: a batch may hold more keys than it has room for.
    const items: (MappedItem | null | undefined)[] = lines.map((line) => cache.get(decidingKey(line)))
    const unknown = missing(lines, items)
    if (unknown.length > 0) {
      const found = byKey(await findMappings(database.client(), keysOf(unknown.map(({ line }) => line))))
      for (const { line, index } of unknown) items[index] = found.get(decidingKey(line))
      remember(found)
    }
    const created = new Map<string, MappedItem>()
    const left = missing(lines, items)
    onMapped?.({ cached: lines.length - unknown.length, stored: unknown.length - left.length, unknown: left.length })
    for (let undecided = left; undecided.length > 0;) {
      const some = undecided.slice(0, AT_ONCE)
      const { mappings, doubtful } = await create(
        database,
        some.map(({ line }) => line),
        ambiguous,
      )
      const more = byKey(mappings)
      // Only now: a mapping that was rolled back must never be remembered.
      remember(more)
      for (const [key, item] of more) created.set(key, item)
      some.forEach(({ line, index }, at) => (items[index] = doubtful.has(at) ? null : created.get(decidingKey(line))))
      const later = undecided.slice(AT_ONCE)
      for (const { line, index } of later) items[index] = created.get(decidingKey(line))
      undecided = later.filter(({ index }) => items[index] === undefined)
    }
    return items.map(required)
  }

  return {
    clear() {
      cache.clear()
      known = null
    },
    async mapLines(lines) {
      for (;;) {
        if (known === null) {
          const version = await mappingVersion(database.client())
          known ??= version
        }
        const version = known
        const items = await mapOnce(lines, () => known === version)
        // Another lane learnt of a change meanwhile.
        if (known === version) return { items, version }
      }
    },
    async catchUp() {
      const before = known
      if (before === null) return
      const changed = await changesAfter(database.client(), before)
      if (known !== before) return
      known = changed?.version ?? null
      if (changed) forget(cache, new Set(changed.userIds))
      else cache.clear()
    },
  }
}

/** A key begins with its user, and no user id holds a space. */
function forget(cache: LRUCache<string, MappedItem>, userIds: ReadonlySet<string>) {
  for (const key of cache.keys()) if (userIds.has(key.slice(0, key.indexOf(' ')))) cache.delete(key)
}

/** The key that decides alone, when it is known: the sku, or the description of a line without one. */
const decidingKey = (line: MappingLine) =>
  userKey(line.userId, line.sku === null ? (vendorKeysOf(line)[0] ?? '') : skuKey(line.sku))

const missing = (lines: readonly MappingLine[], items: readonly (MappedItem | null | undefined)[]) =>
  lines.map((line, index) => ({ line, index })).filter(({ index }) => items[index] === undefined)

const byKey = (mapped: readonly WrittenMapping[]) =>
  new Map(mapped.map(({ userId, vendorKey, itemId, mappingId }) => [userKey(userId, vendorKey), { itemId, mappingId }]))

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
    const reader = createKeyReader()
    const { texts, words, crowded } = await findProposals(tx, unknownTexts(lines, known), reader)
    for (const text of texts) known.set(userKey(text.userId, text.vendorKey), knownItem(text))
    const decisions = decideMappings(lines, known, {
      matcher: createMatcher(texts, words, { reader, crowded }),
      ambiguous,
    })
    /** Places of the lines that a person has to decide. */
    const doubtful = new Set(decisions.assignments.flatMap(({ kind }, at) => (kind === 'ambiguous' ? [at] : [])))
    return { mappings: [...found, ...(await store(tx, decisions, reader))], doubtful }
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

async function store(
  tx: Statements,
  { newItems, newMappings, skuAdoptions }: Decisions,
  reader: KeyReader,
): Promise<WrittenMapping[]> {
  const ids = await allocateItemIds(tx, newItems.length)
  const rows = newMappings.map((mapping) => {
    const { item } = mapping
    return { ...mapping, itemId: item.kind === 'known' ? item.itemId : required(ids[item.index]) }
  })
  await insertItems(tx, newItems, ids)
  // Somebody changed mappings without the lock: the next try reads theirs.
  const written = await insertMappings(tx, rows, reader)
  if (written.length < rows.length)
    throw new SinkError('transient', 'MAPPING_RACE', 'a mapping was created at the same time')
  const made = rows.filter(({ method, vendorKey }) => method === 'created' && isMatchable(vendorKey))
  const texts = made.map(({ userId, vendorKey, sourceText }) => ({ userId, vendorKey, text: sourceText }))
  await countWords(tx, texts)
  await adoptSkus(tx, skuAdoptions)
  return written
}

function required<T>(found: T | undefined): T {
  if (found === undefined) throw new SinkError('fatal', 'MAPPING_INCOMPLETE', 'a line was left without an item')
  return found
}
