// Nearly equal texts, on the real PostgreSQL: what it proposes, what two members at one instant make of it, and what is kept.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createKeyReader } from '../../src/line-items/match-keys.ts'
import { createMatcher, MOST_NEAR } from '../../src/line-items/matcher.ts'
import { RULE_VERSION, textKey } from '../../src/line-items/vendor-key.ts'
import { createDatabase } from '../../src/sink/database.ts'
import { createMappingStore, type MappingLine } from '../../src/sink/mapping-store.ts'
import { indexTexts } from '../../src/sink/match-index.ts'
import { findProposals } from '../../src/sink/match-statements.ts'
import { asLine, batchOf, entryOf, idsOf, lineItem, openSink, type OpenSink, openTestDatabase, recordAt, startAt, type TestDatabase } from '../support/sink.ts' // prettier-ignore

const line = (description: string, userId = 'u-1', sku: string | null = null): MappingLine => ({
  userId,
  sku,
  description,
})
const NAMES = 'Red Blue Green Ivory'
  .split(' ')
  .flatMap((colour) =>
    'wicker basket;oak table lamp;enamel bread bin;set of 6 egg cups;set of 12 egg cups;hanging lantern with bell'
      .split(';')
      .map((name) => `${colour} ${name}`),
  )
const VARIED = NAMES.flatMap((name) => [
  name.toUpperCase(),
  name.split(' ').reverse().join(' '),
  `${name}s`,
  name.replace('a', 'aa'),
  name.slice(0, -2),
  name.replaceAll(' ', ''),
  name.replace('lantern', 'lntrn').replace('basket', 'bask.'),
])

describe('nearly equal texts', () => {
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
    await db.query('TRUNCATE item, item_mapping, item_word, consumer_offset, dead_letter, ledger_entry, inventory')
    open.mappings.clear()
  })
  const mapped = (vendorKey: string) =>
    db.query(`SELECT method, score::float8, source_text, rule_version, item_id::text AS item, match_keys IS NOT NULL AS found_by
      FROM item_mapping WHERE vendor_key = '${vendorKey}'`)

  it('join the item, of their own user only, and say by which rule, from which text and how surely', async () => {
    const [basket] = await idsOf(open.mappings, [line('Red wicker basket')])
    const [same, of2, blue] = await idsOf(open.mappings, [
      line('RED WICKRE BASKET'),
      line('RED WICKRE BASKET', 'u-2'),
      line('Blue wicker basket'),
    ])
    expect(same).toBe(basket)
    expect(new Set([basket, of2, blue]).size).toBe(3)
    expect(await mapped('text:red wicker basket')).toMatchObject([
      { method: 'created', score: null, rule_version: RULE_VERSION, found_by: true },
    ])
    const [joined] = (await db.query("SELECT * FROM item_mapping WHERE user_id = 'u-1' AND vendor_key = 'text:red wickre basket'")) // prettier-ignore
    expect(joined).toMatchObject({
      ...{ method: 'fuzzy', item_id: String(basket), source_text: 'RED WICKRE BASKET', rule_version: RULE_VERSION },
      match_keys: null,
    })
    expect(Number(joined?.['score'])).toBeCloseTo(0.94)
  })

  it('are proposed by PostgreSQL as they are by the index in memory, with the words that count', async () => {
    await idsOf(
      open.mappings,
      [...NAMES, ...NAMES.slice(0, 5)].map((name, i) => line(name, `u-${i % 2}`)),
    )
    const texts = await db.query<{ userId: string; vendorKey: string; text: string }>(
      `SELECT user_id AS "userId", vendor_key AS "vendorKey", source_text AS text FROM item_mapping WHERE match_keys IS NOT NULL`,
    )
    const memory = createMatcher()
    for (const text of texts) memory.learn(text)
    const queries = ['u-0', 'u-1'].flatMap((userId) =>
      VARIED.map((text) => ({ userId, vendorKey: textKey(text) ?? '', text })),
    )
    const found = await open.database.transaction((tx) => findProposals(tx, queries, createKeyReader()))
    const fromDatabase = createMatcher(found.texts, found.words, found)
    let proposed = 0
    for (const { userId, text } of queries) {
      const matches = fromDatabase.match(userId, text)
      expect(matches, text).toEqual(memory.match(userId, text))
      proposed += matches.length
    }
    expect(proposed).toBeGreaterThan(NAMES.length * 4)
  })

  it('of which a beginning has too many are compared by their words only, and no more than those are read', async () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz'
    const parts = Array.from({ length: 3 * MOST_NEAR }, (_, i) => `Replacement ${letters[i % 26]}${letters[Math.floor(i / 26)]}q part`) // prettier-ignore
    await idsOf(
      open.mappings,
      parts.map((name, i) => line(name, 'u-1', `S-${i}`)), // or they would be taken for typos of each other
    )
    const memory = createMatcher()
    for (const text of parts) memory.learn({ userId: 'u-1', vendorKey: textKey(text) ?? '', text })
    for (const text of ['Replacement', 'REPLACEMENT, PART: AAQ', 'Replacement aaq part x']) {
      const queries = [{ userId: 'u-1', vendorKey: textKey(text) ?? '', text }]
      const found = await open.database.transaction((tx) => findProposals(tx, queries, createKeyReader()))
      expect(found.crowded).toEqual(text === 'Replacement aaq part x' ? [] : queries)
      expect(found.texts.length).toBeLessThanOrEqual(1)
      expect(createMatcher(found.texts, found.words, found).match('u-1', text)).toEqual(memory.match('u-1', text))
    }
    const [joined, item] = await idsOf(open.mappings, [line('REPLACEMENT, PART: AAQ'), line('Replacement aaq part')])
    expect(joined).toBe(item)
  })

  it('of a batch are looked up in one statement', async () => {
    await idsOf(
      open.mappings,
      NAMES.map((name) => line(name)),
    )
    const statements: string[] = []
    const counted: typeof open.database = {
      ...open.database,
      transaction: (run) =>
        open.database.transaction(
          (tx) =>
          run(new Proxy(tx, { get: (target, name) => (name === '$queryRawUnsafe' ? (sql: string, ...values: unknown[]) => (statements.push(sql), target.$queryRawUnsafe(sql, ...values)) : (Reflect.get(target, name) as unknown)) })), // prettier-ignore
        ),
    }
    await createMappingStore({ database: counted }).mapLines(VARIED.map((name) => line(name)))
    expect(statements.filter((sql) => sql.includes('match_keys &&'))).toHaveLength(1)
  })

  it('that come to two members at one instant make one item', async () => {
    const spellings = NAMES.flatMap((name) => [
      name,
      name.toUpperCase().split(' ').reverse().join(', '),
      name.endsWith('s') ? `${name}!` : `${name}s`,
    ])
    const databases = Array.from({ length: 6 }, () => createDatabase({ url: db.url, poolSize: 2, writer: 'fast' }))
    const orders = databases.map((_, n) =>
      spellings.map((_, i) => spellings[(i * (2 * n + 5) + n * 7) % spellings.length]!),
    )
    await Promise.all(
      databases.map(async (database, n) => {
        const store = createMappingStore({ database })
        const order = orders[n]!
        for (let at = 0; at < order.length; at += 9)
          await store.mapLines(order.slice(at, at + 9).map((text) => line(text)))
      }),
    )
    await Promise.all(databases.map((database) => database.close()))
    const items = await db.query<{ names: string[] }>(
      'SELECT array_agg(lower(source_text)) AS names FROM item_mapping GROUP BY item_id',
    )
    expect(items).toHaveLength(NAMES.length)
    expect(items.every(({ names }) => names.length >= 2)).toBe(true)
    expect(await db.query('SELECT 1 FROM item WHERE id NOT IN (SELECT item_id FROM item_mapping)')).toEqual([])
  })

  it('leave no word counted and no key behind when the transaction fails', async () => {
    await db.query("ALTER TABLE item_word ADD CONSTRAINT boom CHECK (word <> 'lantern')")
    await expect(open.mappings.mapLines([line('Ivory lantern'), line('Ivory bowl')])).rejects.toThrow()
    await db.query('ALTER TABLE item_word DROP CONSTRAINT boom')
    expect(await db.query('SELECT 1 FROM item_word UNION ALL SELECT 1 FROM item_mapping')).toEqual([])
    await idsOf(open.mappings, [line('Ivory lantern'), line('Ivory bowl')])
    expect(await db.query('SELECT word, items FROM item_word ORDER BY word')).toEqual([
      { word: 'bowl', items: 1 },
      { word: 'ivory', items: 2 },
      { word: 'lantern', items: 1 },
    ])
  })

  it('are found for texts of an earlier version once they were taken in, each once', async () => {
    const [basket, of2] = await idsOf(open.mappings, [line('Red wicker basket'), line('Red wicker basket', 'u-2')])
    await idsOf(open.mappings, [line('Red wickre basket')])
    await db.query('UPDATE item_mapping SET match_keys = NULL, rule_version = 1')
    await db.query('TRUNCATE item_word')
    const without = await idsOf(open.mappings, [line('Red wicker basket'), line('Basket, wicker, red')])
    expect(without[0]).toBe(basket)
    expect(without[1]).not.toBe(basket)
    expect(await indexTexts(open.database)).toBe(2)
    expect(await indexTexts(open.database)).toBe(0)
    expect(await db.query("SELECT items FROM item_word WHERE user_id = 'u-2' AND word = 'red'")).toEqual([{ items: 1 }])
    expect(await idsOf(open.mappings, [line('RED WIKCER BASKET', 'u-2')])).toEqual([of2])
  })

  it('are not made by a migration for a text that joined an item, and that a person assigned since', async () => {
    await idsOf(open.mappings, [line('Red wicker basket'), line('Red bread bin')])
    await idsOf(open.mappings, [line('Red wickre basket')])
    await db.query("UPDATE item_mapping SET method = 'manual', score = NULL WHERE method = 'fuzzy'")
    expect(await indexTexts(open.database)).toBe(0)
  })

  it('follow the item that a person assigned the text to', async () => {
    const [basket, bin] = await idsOf(open.mappings, [line('Red wicker basket'), line('Red bread bin')])
    await db.query("UPDATE item_mapping SET item_id = $1, method = 'manual' WHERE vendor_key = 'text:red wicker basket'", [String(bin)]) // prettier-ignore
    open.mappings.clear()
    expect(await idsOf(open.mappings, [line('Red wicker baskets')])).toEqual([bin])
    expect(basket).not.toBe(bin)
  })

  it('of two items make a third, or a dead letter that a person decides on, as the policy says', async () => {
    const lines = ['Red cat bowl', 'Red bat bowl', 'Red qat bowl']
    const created = await idsOf(
      open.mappings,
      lines.map((text) => line(text)),
    )
    expect(new Set(created).size).toBe(3)
    expect(await mapped('text:red qat bowl')).toMatchObject([{ method: 'created' }])
    expect(Number((await mapped('text:red qat bowl'))[0]?.['score'])).toBeCloseTo(0.94)

    const careful = openSink(db.url, { ambiguous: 'dead-letter' })
    await startAt(careful, [0])
    const entries = lines.map((text, i) => entryOf(recordAt(0, BigInt(i)), asLine(lineItem({ sku: null, description: text, userId: 'u-9' })))) // prettier-ignore
    const result = await careful.sink.write(batchOf(entries))
    expect(result).toMatchObject({ inserted: 2, deadLettered: 1 })
    expect(await db.query('SELECT code, stage, record_offset::int AS at FROM dead_letter')).toEqual([
      { code: 'MAPPING_AMBIGUOUS', stage: 'map', at: 2 },
    ])
    await careful.close()
  })
})
