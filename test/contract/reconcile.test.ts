// Every kind of damage, made by hand on what the real sink wrote, is found by its own check; what the sink wrote never is.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { faultOf } from '../../src/line-items/fault.ts'
import { reconcile } from '../../src/sink/reconcile.ts'
import type { CheckName } from '../../src/sink/reconcile-checks.ts'
import { inSnapshot } from '../../src/sink/snapshot.ts'
import { until } from '../support/until.ts'
import { batchOf, entryOf, GROUP, lineItem, linesAt, openSink, type OpenSink, openTestDatabase, recordAt, startAt, type TestDatabase, TOPIC } from '../support/sink.ts' // prettier-ignore

const TOPIC_ID = '00000000-0000-4000-8000-000000000001'
const claimed = { userId: null, invoiceId: null, lineNumber: null }
const rejected = { kind: 'rejected', fault: faultOf('JSON_INVALID'), claimed } as const

describe('reconcile', () => {
  let db: TestDatabase
  let open: OpenSink
  beforeAll(async () => {
    db = await openTestDatabase()
    open = openSink(db.url)
    await db.query(`ALTER TABLE consumer_offset DROP CONSTRAINT consumer_offset_accounts;
      ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_quantity_check, DROP CONSTRAINT ledger_entry_unit_price_check;
      ALTER TABLE inventory DROP CONSTRAINT inventory_quantity_check`)
  })
  afterAll(async () => {
    await open.close()
    await db.close()
  })

  const check = () => reconcile({ database: open.database, clock: systemClock, signal: new AbortController().signal })
  /** Check → how many are wrong, of those that find something; and their examples. */
  const findings = async () => {
    const wrong = (await check()).checks.filter((each) => each.wrong > 0n)
    return Object.fromEntries(wrong.map(({ name, wrong, examples }) => [name, [Number(wrong), ...examples]]))
  }

  /** Two users, returns, a duplicate, a rejected record, a tombstone, markers, a second group, and a reset. */
  beforeEach(async () => {
    await db.query(
      'TRUNCATE ledger_entry, dead_letter, inventory, consumer_offset, item, item_mapping RESTART IDENTITY',
    )
    open.mappings.clear()
    const one = lineItem({ sku: 'S-1', quantity: '6' })
    const lines = [
      one,
      lineItem({ sku: 'S-1', quantity: '-6' }),
      lineItem({ sku: 'S-2', quantity: '0.000001' }),
      lineItem({ userId: 'u-2', sku: 'S-1', quantity: '999999999999.999999' }),
      one,
    ]
    const batch = batchOf(
      [
        ...linesAt(0, 0n, lines),
        entryOf(recordAt(0, 5n), rejected),
        entryOf(recordAt(0, 6n), { kind: 'ignored', reason: 'tombstone' }),
        ...linesAt(1, 0n, [lineItem({ sku: 'S-2', quantity: '3' })]),
      ],
      [
        { partition: 0, from: 0n, to: 9n },
        { partition: 1, from: 0n, to: 1n },
      ],
    )
    await startAt(open, [0, 1])
    await open.sink.write(batch)
    await open.offsets.reset([{ partition: 0, nextOffset: 0n, topicId: TOPIC_ID }], 'alice')
    await open.sink.write(batch)
    const other = openSink(db.url, { groupId: 'other' })
    await startAt(other, [0, 1])
    await other.sink.write(batch)
    await other.sink.write(batchOf(linesAt(0, 9n, [lineItem({ sku: 'S-3' })])))
    await other.close()
  })

  const item = async (userId: string, sku: string) =>
    (await db.query<{ id: string }>('SELECT id FROM item WHERE user_id = $1 AND sku = $2', [userId, sku]))[0]!.id

  it('finds nothing wrong with what the sink wrote, over resets and several groups, and says how much it compared', async () => {
    const { checks, heldMs, at } = await check()
    expect(checks.map(({ name, compared, wrong, examples }) => [name, compared, wrong, examples])).toEqual([
      ['inventory', 4n, 0n, []],
      ['ledger-items', 6n, 0n, []],
      ['mapping-items', 6n, 0n, []],
      ['ledger-mappings', 6n, 0n, []],
      ['inventory-items', 4n, 0n, []],
      ['ledger-counters', 2n, 0n, []],
      ['offset-accounts', 4n, 0n, []],
      ['not-a-number', 10n, 0n, []],
    ])
    expect(heldMs).toBeGreaterThan(0)
    expect(Math.abs(at.getTime() - Date.now())).toBeLessThan(60_000)
  })

  it('finds nothing in empty tables', async () => {
    await db.query('TRUNCATE ledger_entry, dead_letter, inventory, consumer_offset, item, item_mapping')
    const { checks } = await check()
    expect(checks.map(({ compared, wrong }) => [compared, wrong])).toEqual(checks.map(() => [0n, 0n]))
  })

  describe('inventory', () => {
    it('that differs from the ledger by a millionth', async () => {
      const id = await item('u-2', 'S-1')
      await db.query('UPDATE inventory SET quantity = quantity - 0.000001 WHERE item_id = $1', [id])
      expect(await findings()).toEqual({ inventory: [1, `item ${id}: another quantity`] })
    })

    it('that lacks an item, although its entries add up to nothing', async () => {
      const id = await item('u-1', 'S-1')
      await db.query('DELETE FROM inventory WHERE item_id = $1', [id])
      expect(await findings()).toEqual({ inventory: [1, `item ${id}: in the ledger, not in inventory`] })
    })

    it('of an item that has no entry, unless its quantity is nothing', async () => {
      const [row] = await db.query<{ id: string }>(`INSERT INTO item (user_id, name) VALUES ('u-1', 'X') RETURNING id`)
      await db.query('INSERT INTO inventory VALUES ($1, 0)', [row!.id])
      expect(await findings()).toEqual({})
      await db.query('UPDATE inventory SET quantity = 0.000001 WHERE item_id = $1', [row!.id])
      expect(await findings()).toEqual({ inventory: [1, `item ${row!.id}: in inventory, not in the ledger`] })
    })
  })

  it('an entry that was lost, an entry that came by itself, a quantity that changed', async () => {
    const id = await item('u-1', 'S-3')
    await db.query('DELETE FROM ledger_entry WHERE item_id = $1', [id])
    expect(await findings()).toEqual({
      inventory: [1, `item ${id}: in inventory, not in the ledger`],
      'ledger-counters': [1, `${TOPIC}[0]: 4 entries, 5 counted`],
    })
    await db.query(`INSERT INTO ledger_entry SELECT gen_random_uuid(), user_id, item_id, invoice_id, line_number, quantity,
      unit_price, currency, occurred_at, payload_hash, topic, 7, record_offset FROM ledger_entry WHERE partition = 1`)
    await db.query('UPDATE ledger_entry SET quantity = 1 WHERE quantity = 6')
    expect(Object.keys(await findings())).toEqual(['inventory', 'ledger-counters'])
    expect((await findings())['ledger-counters']).toEqual([2, `${TOPIC}[0]: 4 entries, 5 counted`, `${TOPIC}[7]: 1 entries, 0 counted`]) // prettier-ignore
  })

  it('an item that is not there: for its entries, its mappings and its quantity on hand', async () => {
    const id = await item('u-1', 'S-2')
    await db.query('DELETE FROM item WHERE id = $1', [id])
    expect(await findings()).toEqual({
      'ledger-items': [2, `item ${id} of user u-1: 2 rows`],
      'mapping-items': [1, `item ${id} of user u-1: 1 rows`],
      'inventory-items': [1, `item ${id}`],
    })
  })

  it("an item of another user, in the ledger and in a mapping: tenants' lines met", async () => {
    const id = await item('u-2', 'S-1')
    const mine = await item('u-1', 'S-3')
    await db.query('UPDATE ledger_entry SET item_id = $1 WHERE item_id = $2', [id, mine])
    await db.query(`UPDATE item_mapping SET item_id = $1 WHERE user_id = 'u-1' AND vendor_key = 'sku:S-2'`, [id])
    expect(await findings()).toMatchObject({
      'ledger-items': [1, `item ${id} of user u-1: 1 rows`],
      'mapping-items': [1, `item ${id} of user u-1: 1 rows`],
    })
  })

  it('an entry at another item than that of its key, unless a correction of it is half done', async () => {
    const [id, to] = [await item('u-1', 'S-2'), await item('u-1', 'S-3')]
    const [mapping] = await db.query<{ id: string }>(
      `UPDATE item_mapping SET item_id = $1 WHERE user_id = 'u-1' AND vendor_key = 'sku:S-2' RETURNING id`,
      [to],
    )
    const key = mapping!.id
    expect(await findings()).toEqual({ 'ledger-mappings': [2, `mapping ${key}: 2 entries at item ${id}`] })
    const [change] = await db.query<{ id: string }>(
      `INSERT INTO mapping_change (actor, user_id, action, from_item, to_item) VALUES ('jane', 'u-1', 'assign', $1, $2) RETURNING id`,
      [id, to],
    )
    await db.query(`INSERT INTO mapping_change_key VALUES ($1, $2, 'created', NULL, NULL, 1)`, [change!.id, key])
    expect(await findings()).toEqual({})
    await db.query('UPDATE mapping_change SET moved_at = now()')
    expect(await findings()).toEqual({ 'ledger-mappings': [2, `mapping ${key}: 2 entries at item ${id}`] })
    await db.query('TRUNCATE mapping_change, mapping_change_key')
  })

  it('an offset row that was deleted, or counts wrongly', async () => {
    await db.query(`DELETE FROM consumer_offset WHERE group_id = 'other' AND partition = 0`)
    await db.query(`UPDATE consumer_offset SET inserted = inserted + 1 WHERE group_id = $1 AND partition = 1`, [GROUP])
    expect(await findings()).toEqual({
      'ledger-counters': [2, `${TOPIC}[0]: 5 entries, 4 counted`, `${TOPIC}[1]: 1 entries, 2 counted`],
      'offset-accounts': [1, `group ${GROUP}, ${TOPIC}[1]`],
    })
  })

  it('a reset that forgot what was counted before it', async () => {
    await db.query('UPDATE consumer_offset SET inserted_before = 0')
    expect(await findings()).toEqual({ 'ledger-counters': [1, `${TOPIC}[0]: 5 entries, 1 counted`] })
  })

  it('counters that add up, but with fewer records than none', async () => {
    await db.query('UPDATE consumer_offset SET absent = absent - 5, ignored = ignored + 5 WHERE partition = 1')
    expect(await findings()).toEqual({
      'offset-accounts': [2, `group other, ${TOPIC}[1]`, `group ${GROUP}, ${TOPIC}[1]`],
    })
  })

  it('NaN, which equals itself and swallows every sum', async () => {
    const id = await item('u-1', 'S-3')
    await db.query(`UPDATE ledger_entry SET quantity = 'NaN', unit_price = 'NaN' WHERE item_id = $1`, [id])
    await db.query(`UPDATE inventory SET quantity = 'NaN' WHERE item_id = $1`, [id])
    const [entry] = await db.query<{ id: string }>('SELECT event_id AS id FROM ledger_entry WHERE item_id = $1', [id])
    expect(await findings()).toEqual({
      'not-a-number': [2, `event ${entry!.id} of user u-1`, `quantity on hand of item ${id}`],
    })
  })

  it('lists five examples at most, and counts all', async () => {
    await db.query(`INSERT INTO inventory SELECT 1000 + g, g FROM generate_series(1, 50) g`)
    const found = await findings()
    expect(Object.keys(found) as CheckName[]).toEqual(['inventory', 'inventory-items'])
    for (const [wrong, ...examples] of Object.values(found)) expect([wrong, examples.length]).toEqual([50, 5])
  })

  it('blocks no writer, can write nothing, and ends on the server when it is aborted', async () => {
    const reader = openSink(db.url, { applicationName: 'reader' })
    const holder = await db.connect()
    // The one lock that a reader waits for; the sink knows its items already and does not read them.
    await holder.query('BEGIN; LOCK TABLE item IN ACCESS EXCLUSIVE MODE')
    const aborting = new AbortController()
    const running = reconcile({ database: reader.database, clock: systemClock, signal: aborting.signal })
    const failed = expect(running).rejects.toThrow()
    const sessions = (where: string) =>
      db.query(`SELECT 1 FROM pg_stat_activity WHERE application_name = 'reader' AND ${where}`)
    await until('it waits', async () => (await sessions(`wait_event_type = 'Lock'`)).length > 0)
    await open.sink.write(batchOf(linesAt(1, 1n, [lineItem({ sku: 'S-1' })])))
    aborting.abort()
    await failed
    expect(await sessions('xact_start IS NOT NULL')).toEqual([])
    await holder.query('ROLLBACK')
    holder.release()
    await expect(inSnapshot(reader.database, (tx) => tx.$executeRawUnsafe('DELETE FROM item'))).rejects.toThrow()
    await reader.close()
  })
})
