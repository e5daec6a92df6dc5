// The sink's one transaction, on real PostgreSQL. Laws: every record is exactly one of inserted, duplicate, dead-lettered,
// ignored; inventory = Σ ledger; offsets are the fence.
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Decoded } from '../../src/line-items/decode.ts'
import { faultOf } from '../../src/line-items/fault.ts'
import type { Entry } from '../../src/pipeline/sink.ts'
import {
  asLine,
  batchOf,
  entryOf,
  GROUP,
  lineItem,
  linesAt,
  openSink,
  type OpenSink,
  openTestDatabase,
  recordAt,
  startAt,
  type TestDatabase,
  TOPIC,
} from '../support/sink.ts'

const TABLES =
  'ledger_entry, dead_letter, inventory, consumer_offset, item, item_mapping, mapping_change, mapping_change_key, audit_entry'
const uuid = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
const rejected: Decoded = {
  kind: 'rejected',
  fault: faultOf('JSON_INVALID', '/a'),
  claimed: { userId: 'u-9', invoiceId: 'i-9', lineNumber: 3 },
}
const ignored: Decoded = { kind: 'ignored', reason: 'tombstone' }

describe.each(['fast', 'stock'] as const)('a batch through the %s writer', (writer) => {
  let db: TestDatabase
  let open: OpenSink
  beforeAll(async () => {
    db = await openTestDatabase()
    open = openSink(db.url, { writer })
  })
  afterAll(async () => {
    await open.close()
    await db.close()
  })
  beforeEach(async () => {
    await db.query(`TRUNCATE ${TABLES}`)
    open.mappings.clear()
    await startAt(open, [0, 1])
  })
  afterEach(async () => {
    expect(await db.query(WRONG_SUMS)).toEqual([])
    expect(await db.query(WRONG_ACCOUNTS)).toEqual([])
  })
  const write = (entries: Entry<Decoded>[]) => open.sink.write(batchOf(entries))
  const quantities = async () =>
    (await db.query<{ quantity: string }>('SELECT quantity FROM inventory ORDER BY item_id')).map((r) => r.quantity)
  const letters = () =>
    db.query<{ code: string; record_offset: string }>('SELECT * FROM dead_letter ORDER BY partition, record_offset')
  const position = async (partition = 0) => (await open.offsets.load([partition])).get(partition)?.nextOffset

  it('is in the ledger, in the inventory and in the offsets', async () => {
    const entries = [
      ...linesAt(0, 0n, [lineItem({ quantity: '6' }), lineItem({ quantity: '-1.5', invoiceId: 'b' })]),
      ...linesAt(1, 0n, [lineItem({ sku: 'OTHER', description: null, quantity: '0.000001' })]),
    ]
    const result = await write(entries)
    expect(result).toEqual({
      positions: new Map([
        [0, 2n],
        [1, 1n],
      ]),
      inserted: 3,
      duplicates: 0,
      deadLettered: 0,
      ignored: 0,
      failed: [],
    })
    expect((await quantities()).sort()).toEqual(['0.000001', '4.500000'])
    const [stored] = await db.query('SELECT * FROM ledger_entry WHERE invoice_id = $1', ['b'])
    expect(stored).toMatchObject({
      user_id: 'u-1',
      quantity: '-1.500000',
      unit_price: '2.550000',
      currency: 'GBP',
      line_number: 1,
      occurred_at: new Date('2010-12-01T08:26:00.000Z'),
      topic: TOPIC,
      partition: 0,
      record_offset: '1',
    })
  })

  it('delivered again changes nothing and reports where the database stands', async () => {
    const entries = linesAt(0, 0n, [lineItem(), lineItem()])
    await write(entries)
    expect(await write(entries)).toMatchObject({ positions: new Map([[0, 2n]]), inserted: 0, duplicates: 0 })
    expect(await quantities()).toEqual(['12.000000'])
  })

  it('that overlaps what is settled is trimmed', async () => {
    const items = [lineItem(), lineItem(), lineItem()]
    await write(linesAt(0, 0n, items.slice(0, 2)))
    expect(await write(linesAt(0, 0n, items))).toMatchObject({ positions: new Map([[0, 3n]]), inserted: 1 })
    expect(await quantities()).toEqual(['18.000000'])
  })

  it('whose partition was rewound, or is further on, writes nothing of it and the rest of it', async () => {
    await write(linesAt(1, 0n, [lineItem(), lineItem(), lineItem()]))
    const result = await write([...linesAt(0, 5n, [lineItem()]), ...linesAt(1, 0n, [lineItem()])])
    expect(result).toMatchObject({ positions: new Map([[0, 0n], [1, 3n]]), inserted: 0 }) // prettier-ignore
    const other = await write([...linesAt(0, 5n, [lineItem()]), ...linesAt(1, 3n, [lineItem({ quantity: '1' })])])
    expect(other).toMatchObject({ positions: new Map([[0, 0n], [1, 4n]]), inserted: 1 }) // prettier-ignore
    expect(await quantities()).toEqual(['19.000000'])
  })

  it('of a partition without an offset row is refused for good', async () => {
    const error: unknown = await write(linesAt(7, 0n, [lineItem()])).catch((e: unknown) => e)
    expect(open.sink.classify(error)).toMatchObject({ fate: 'fatal', code: 'OFFSET_ROW_MISSING' })
  })

  it('with a record outside its part, or twice, is refused for good', async () => {
    const [a] = linesAt(0, 0n, [lineItem()])
    for (const entries of [[a!, a!], linesAt(0, 3n, [lineItem()])]) {
      const parts = [{ partition: 0, from: 0n, to: 2n }]
      const error: unknown = await open.sink.write(batchOf(entries, parts)).catch((e: unknown) => e)
      expect(open.sink.classify(error)).toMatchObject({ fate: 'fatal', code: 'BATCH_INCONSISTENT' })
    }
    expect(await position()).toBe(0n)
  })

  it('counts the same event twice in it once', async () => {
    const item = lineItem()
    expect(await write(linesAt(0, 0n, [item, item, item]))).toMatchObject({ inserted: 1, duplicates: 2 })
    expect(await quantities()).toEqual(['6.000000'])
  })

  it('counts an event that another batch brought as a duplicate', async () => {
    const item = lineItem()
    await write(linesAt(0, 0n, [item]))
    expect(await write(linesAt(1, 0n, [item, lineItem()]))).toMatchObject({ inserted: 1, duplicates: 1 })
    expect(await quantities()).toEqual(['12.000000'])
  })

  it('counts one event id of two users twice', async () => {
    const eventId = randomUUID()
    const items = [lineItem({ eventId, userId: 'a' }), lineItem({ eventId, userId: 'b' })]
    expect(await write(linesAt(0, 0n, items))).toMatchObject({ inserted: 2, duplicates: 0 })
    expect(await quantities()).toEqual(['6.000000', '6.000000'])
  })

  it.each(['in one batch', 'in two batches'])('makes other content under a known id a dead letter, %s', async (how) => {
    const eventId = randomUUID()
    const items = [lineItem({ eventId, quantity: '1' }), lineItem({ eventId, quantity: '2' })]
    const entries = linesAt(0, 0n, items)
    const results =
      how === 'in one batch'
        ? [await write(entries)]
        : [await write(entries.slice(0, 1)), await write(entries.slice(1))]
    expect(results.at(-1)).toMatchObject({ duplicates: 0, deadLettered: 1, failed: [{ code: 'EVENT_ID_CONFLICT' }] })
    expect(await quantities()).toEqual(['1.000000'])
    const [letter] = await letters()
    expect(letter).toMatchObject({
      code: 'EVENT_ID_CONFLICT',
      stage: 'write',
      record_offset: '1',
      user_id: 'u-1',
      invoice_id: '536365',
      line_number: 1,
      sqlstate: null,
    })
  })

  it('takes what equals the stored entry as a duplicate even behind a conflicting record', async () => {
    const eventId = randomUUID()
    const [one, two] = [lineItem({ eventId, quantity: '1' }), lineItem({ eventId, quantity: '2' })]
    await write(linesAt(0, 0n, [one]))
    expect(await write(linesAt(0, 1n, [two, one, two]))).toMatchObject({ inserted: 0, duplicates: 1, deadLettered: 2 })
  })

  it('takes equal payload hashes (2.50 and 2.5) as the same fact', async () => {
    const payloadHash = Buffer.alloc(16, 7)
    const item = lineItem({ quantity: '2.5', payloadHash })
    await write(linesAt(0, 0n, [item]))
    expect(await write(linesAt(0, 1n, [{ ...item, quantity: '2.50' }]))).toMatchObject({
      duplicates: 1,
      deadLettered: 0,
    })
    expect(await quantities()).toEqual(['2.500000'])
  })

  it('settles rejected and ignored records, and offsets without a record', async () => {
    await db.query('UPDATE consumer_offset SET topic_id = $1 WHERE partition = 0', [uuid(1)])
    const value = Buffer.from([0, 255, 123, 34])
    const headers = [['a', Buffer.from([1])], ['a', null], ['\0\ud800', Buffer.alloc(0)]] as const // prettier-ignore
    const entries = [
      entryOf(recordAt(0, 2n, { key: null, value, headers, timestamp: 9e15 }), rejected),
      entryOf(recordAt(0, 5n, { value: null }), ignored),
      entryOf(recordAt(0, 6n), asLine(lineItem())),
    ]
    const parts = [{ partition: 0, from: 0n, to: 9n }, { partition: 1, from: 0n, to: 4n }] // prettier-ignore
    expect(await open.sink.write(batchOf(entries, parts))).toEqual({
      positions: new Map([[0, 9n], [1, 4n]]), // prettier-ignore
      inserted: 1,
      duplicates: 0,
      deadLettered: 1,
      ignored: 1,
      failed: [
        expect.objectContaining({
          partition: 0,
          offset: 2n,
          line: 3,
          code: 'JSON_INVALID',
          deadLetterId: expect.any(String) as string,
        }),
      ],
    })
    const [letter] = await letters()
    expect(letter).toMatchObject({
      group_id: GROUP,
      topic: TOPIC,
      key: null,
      value,
      record_timestamp: null,
      stage: 'decode',
      code: 'JSON_INVALID',
      path: '/a',
      user_id: 'u-9',
      invoice_id: 'i-9',
      line_number: 3,
      status: 'open',
      failed_at: new Date('2026-11-22T00:00:00Z'),
    })
    expect(await open.offsets.show()).toMatchObject([
      { partition: 0, nextOffset: 9n, inserted: 1n, duplicate: 0n, deadLettered: 1n, ignored: 1n, absent: 6n },
      { partition: 1, nextOffset: 4n, inserted: 0n, absent: 4n },
    ])
  })

  it('updates the letter of a record that is read again after a reset', async () => {
    const entries = [entryOf(recordAt(0, 0n), rejected)]
    await write(entries)
    await open.offsets.reset([{ partition: 0, nextOffset: 0n, topicId: null }], 'test')
    await write(entries)
    expect(await letters()).toMatchObject([{ record_offset: '0', seen_count: 2 }])
  })

  it('makes the one row that the database refuses a dead letter, and keeps the other 1,023', async () => {
    const items = Array.from({ length: 1024 }, (_, i) => lineItem({ quantity: '1', eventId: uuid(i) }))
    items[700] = lineItem({ eventId: uuid(700), quantity: '1000000000000' })
    const result = await write(linesAt(0, 0n, items))
    expect(result).toMatchObject({ inserted: 1023, deadLettered: 1, failed: [{ code: 'ROW_REJECTED' }] })
    expect(await letters()).toMatchObject([{ code: 'ROW_REJECTED', sqlstate: '22003', record_offset: '700' }])
    expect(await quantities()).toEqual(['1023.000000'])
  })

  it('gives the next record of an event its chance when the first is refused by the database', async () => {
    const eventId = randomUUID()
    const bad = lineItem({ eventId, quantity: '1000000000000' })
    const result = await write(linesAt(0, 0n, [bad, bad, lineItem({ eventId, quantity: '2' })]))
    expect(result).toMatchObject({
      inserted: 1,
      duplicates: 0,
      failed: [{ code: 'ROW_REJECTED' }, { code: 'ROW_REJECTED' }],
    })
    expect(await quantities()).toEqual(['2.000000'])
  })

  it('makes lines that would overflow the quantity on hand dead letters with their own code', async () => {
    await write(linesAt(0, 0n, [lineItem({ sku: 'FULL' }), lineItem({ sku: 'ROOM' })]))
    const [{ item_id }] = (await db.query<{ item_id: string }>("SELECT item_id FROM item_mapping WHERE vendor_key = 'sku:FULL'")) as [{ item_id: string }] // prettier-ignore
    const full = '999999999999999999999999.999999'
    await db.query('UPDATE inventory SET quantity = $1 WHERE item_id = $2', [full, item_id])
    const result = await write(linesAt(0, 2n, [lineItem({ sku: 'ROOM' }), lineItem({ sku: 'FULL' })]))
    expect(result).toMatchObject({ inserted: 1, failed: [{ code: 'AGGREGATE_OVERFLOW' }] })
    expect(await letters()).toMatchObject([{ code: 'AGGREGATE_OVERFLOW', sqlstate: '22003', record_offset: '3' }])
    expect(await db.query('SELECT quantity FROM inventory WHERE item_id = $1', [item_id])).toEqual([{ quantity: full }])
    await db.query('UPDATE inventory SET quantity = 6 WHERE item_id = $1', [item_id])
  })

  it('lets a line be whose item had no room when a person gave it another item meanwhile', async () => {
    await write(linesAt(0, 0n, [lineItem({ sku: 'FULL' }), lineItem({ sku: 'ROOM' })]))
    const itemOf = async (sku: string) =>
      (await db.query<{ item_id: string }>('SELECT item_id FROM item_mapping WHERE vendor_key = $1', [`sku:${sku}`]))[0]
        ?.item_id
    const [full, room] = [await itemOf('FULL'), await itemOf('ROOM')]
    const [{ quantity } = { quantity: '' }] = await db.query<{ quantity: string }>('SELECT quantity FROM inventory WHERE item_id = $1', [full]) // prettier-ignore
    await db.query("UPDATE inventory SET quantity = '999999999999999999999999.999999' WHERE item_id = $1", [full])
    await db.query('BEGIN')
    await db.query("UPDATE item_mapping SET item_id = $1 WHERE vendor_key = 'sku:FULL'", [room])
    await db.query("INSERT INTO mapping_change (actor, user_id, action, from_item, to_item, moved_at, moved_rows) SELECT 'p', user_id, 'assign', $1, $2, now(), 0 FROM item WHERE id = $1", [full, room]) // prettier-ignore
    await db.query('COMMIT')
    expect(await write(linesAt(0, 2n, [lineItem({ sku: 'FULL' })]))).toMatchObject({ inserted: 1, deadLettered: 0 })
    await db.query('UPDATE inventory SET quantity = $1 WHERE item_id = $2', [quantity, full])
  })

  it('leaves nothing behind when it fails', async () => {
    await db.query('ALTER TABLE consumer_offset ADD CONSTRAINT boom CHECK (next_offset < 2)')
    const error: unknown = await write([
      ...linesAt(0, 0n, [lineItem(), lineItem()]),
      entryOf(recordAt(0, 2n), rejected),
    ]).catch((e: unknown) => e)
    await db.query('ALTER TABLE consumer_offset DROP CONSTRAINT boom')
    expect(open.sink.classify(error)).toMatchObject({ fate: 'fatal', code: '23514' })
    expect(
      await db.query(
        'SELECT 1 FROM ledger_entry UNION ALL SELECT 1 FROM dead_letter UNION ALL SELECT 1 FROM inventory',
      ),
    ).toEqual([])
    expect(await position()).toBe(0n)
  })
})

const WRONG_SUMS = `
  SELECT item_id, i.quantity AS stored, l.quantity AS summed
  FROM inventory i FULL JOIN (SELECT item_id, sum(quantity) AS quantity FROM ledger_entry GROUP BY item_id) l USING (item_id)
  WHERE i.quantity IS DISTINCT FROM l.quantity`
const WRONG_ACCOUNTS = `
  SELECT * FROM consumer_offset o
  WHERE start_offset = 0 AND (absent < 0 OR inserted <> (
    SELECT count(*) FROM ledger_entry l WHERE l.partition = o.partition AND l.topic = o.topic))`
