import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { RULE_VERSION } from '../../src/line-items/vendor-key.ts'
import { createDatabase } from '../../src/sink/database.ts'
import { createMappingStore, type MappingLine } from '../../src/sink/mapping-store.ts'
import { idsOf, openSink, type OpenSink, openTestDatabase, type TestDatabase } from '../support/sink.ts'

const line = (sku: string | null, description: string | null = null, userId = 'u-1'): MappingLine => ({
  userId,
  sku,
  description,
})

describe('the mapping store', () => {
  let db: TestDatabase
  let open: OpenSink
  beforeAll(async () => {
    db = await openTestDatabase()
    open = openSink(db.url)
  })
  afterAll(async () => {
    await open.close()
    await db.close()
  })
  beforeEach(async () => {
    await db.query('TRUNCATE item, item_mapping, item_word')
    open.mappings.clear()
  })

  it('gives one item to each thing, the same one next time, and another one to another user', async () => {
    const lines = [line('A', 'Red cup'), line('B'), line(null, 'red CUP!'), line('A', 'Red cup', 'u-2')]
    const ids = await idsOf(open.mappings, lines)
    expect(ids[2]).toBe(ids[0])
    expect(new Set(ids).size).toBe(3)
    expect(await idsOf(open.mappings, lines)).toEqual(ids)
    open.mappings.clear()
    expect(await idsOf(open.mappings, lines)).toEqual(ids)
    expect(await db.query('SELECT user_id, sku, name FROM item ORDER BY id')).toEqual([
      { user_id: 'u-1', sku: 'A', name: 'Red cup' },
      { user_id: 'u-1', sku: 'B', name: 'B' },
      { user_id: 'u-2', sku: 'A', name: 'Red cup' },
    ])
    const [mapping] = await db.query("SELECT * FROM item_mapping WHERE user_id = 'u-1' AND vendor_key = 'sku:A'")
    expect(mapping).toMatchObject({
      item_id: String(ids[0]),
      method: 'created',
      source_text: 'A',
      rule_version: RULE_VERSION,
      score: null,
    })
  })

  it('tells where it found the items of lines', async () => {
    const told: object[] = []
    const store = createMappingStore({ database: open.database, onMapped: (counts) => told.push(counts) })
    await store.mapLines([line('A', 'Red cup'), line('A')])
    await store.mapLines([line('A'), line('B')])
    store.clear()
    await store.mapLines([line('A'), line('B'), line(null, 'red cup'), line('C')])
    expect(told).toEqual([
      { cached: 0, stored: 0, unknown: 2 },
      { cached: 1, stored: 0, unknown: 1 },
      { cached: 0, stored: 3, unknown: 1 },
    ])
  })

  it('gives an item that was found by its description its first sku, and never a second', async () => {
    const [cup] = await idsOf(open.mappings, [line(null, 'Red cup')])
    open.mappings.clear()
    expect(await idsOf(open.mappings, [line('A', 'Red cup')])).toEqual([cup])
    expect(await db.query('SELECT sku FROM item')).toEqual([{ sku: 'A' }])
    const [other] = await idsOf(open.mappings, [line('B', 'Red cup')])
    expect(other).not.toBe(cup)
  })

  it('asks the database for a known key only once', async () => {
    await idsOf(open.mappings, [line('A'), line('B')])
    await db.query('TRUNCATE item, item_mapping, item_word')
    await idsOf(open.mappings, [line('A'), line('B')])
    expect(await db.query('SELECT 1 FROM item_mapping')).toEqual([])
  })

  it('remembers nothing of a transaction that failed', async () => {
    await db.query("ALTER TABLE item_mapping ADD CONSTRAINT boom CHECK (vendor_key <> 'sku:B')")
    await expect(idsOf(open.mappings, [line('A'), line('B')])).rejects.toThrow()
    await db.query('ALTER TABLE item_mapping DROP CONSTRAINT boom')
    const ids = await idsOf(open.mappings, [line('A'), line('B')])
    const stored = await db.query<{ id: string }>('SELECT id FROM item ORDER BY id')
    expect(stored.map(({ id }) => BigInt(id))).toEqual(ids)
  })

  it('takes more keys in a batch than the cache has room for', async () => {
    const small = createMappingStore({ database: open.database, cacheSize: 2 })
    const lines = Array.from({ length: 50 }, (_, i) => line(`S${i}`))
    const ids = await idsOf(small, lines)
    expect(new Set(ids).size).toBe(50)
    expect(await idsOf(small, lines)).toEqual(ids)
  })

  it('8 consumers that find or create the same 100 new items at once make exactly 100', async () => {
    const lines = Array.from({ length: 100 }, (_, i) => line(`S${i}`, `thing number ${i} a`, `u-${i % 5}`))
    const databases = Array.from({ length: 8 }, () => createDatabase({ url: db.url, poolSize: 2, writer: 'fast' }))
    // Each in another order: whoever locks users one by one would deadlock here.
    const orders = databases.map((_, n) => lines.map((_, i) => lines[(i * (2 * n + 1) * 3 + n * 13) % 100]!))
    const results = await Promise.all(
      databases.map((database, n) => idsOf(createMappingStore({ database }), orders[n]!)),
    )
    await Promise.all(databases.map((database) => database.close()))
    const bySku = new Map<string, bigint | null>()
    results.forEach((ids, n) => {
      ids.forEach((id, i) => {
        const key = `${orders[n]![i]!.userId} ${orders[n]![i]!.sku}`
        expect(bySku.get(key) ?? id).toBe(id)
        bySku.set(key, id)
      })
    })
    const [count] = await db.query<{ items: string; mappings: string }>(
      'SELECT (SELECT count(*) FROM item) AS items, (SELECT count(*) FROM item_mapping) AS mappings',
    )
    expect(count).toEqual({ items: '100', mappings: '200' })
    expect(bySku.size).toBe(100)
  })
})
