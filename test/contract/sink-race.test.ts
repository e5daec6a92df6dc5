// Several sinks at once. The offset row is the only fence, the order of locks the only protection from deadlocks.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LineItem } from '../../src/line-items/line-item.ts'
import { fromMicros, toMicros } from '../../src/line-items/decimal.ts'
import {
  batchOf,
  entryOf,
  lineItem,
  linesAt,
  openSink,
  openTestDatabase,
  recordAt,
  startAt,
  type TestDatabase,
} from '../support/sink.ts'
import { faultOf } from '../../src/line-items/fault.ts'

/** Σ quantity of each unique (user, event), in micro-units and as PostgreSQL sees ledger and inventory. */
const totals = async (db: TestDatabase) => {
  const [row] = await db.query<{ ledger: string; inventory: string; rows: string; wrong: string }>(`
    SELECT (SELECT sum(quantity) FROM ledger_entry) AS ledger, (SELECT sum(quantity) FROM inventory) AS inventory,
      (SELECT count(*) FROM ledger_entry) AS rows,
      (SELECT count(*) FROM inventory i FULL JOIN (SELECT item_id, sum(quantity) q FROM ledger_entry GROUP BY 1) l
        USING (item_id) WHERE i.quantity IS DISTINCT FROM l.q) AS wrong`)
  return row
}
const deadlocks = async (db: TestDatabase) =>
  (await db.query<{ n: string }>('SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()'))[0]
    ?.n

/** Which sink draws which number depends on timing; the numbers do not. */
const xorshift = (seed: number) => {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

describe('several sinks at once', () => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await openTestDatabase()
  })
  afterAll(() => db.close())

  it('two owners of the same parts: one writes, the other is told so, and the sums are exact', async () => {
    const sinks = [openSink(db.url), openSink(db.url)]
    await startAt(sinks[0]!, [0, 1])
    const next = [0n, 0n]
    let items = 0
    for (let round = 0; round < 30; round++) {
      const make = () =>
        [0, 1].flatMap((p) =>
          linesAt(
            p,
            next[p]!,
            Array.from({ length: 5 }, (_, i) => lineItem({ sku: `S${i}` })),
          ),
        )
      // The same offsets hold the same records for both.
      const entries = make()
      const results = await Promise.all(sinks.map(({ sink }) => sink.write(batchOf(entries))))
      for (const { positions } of results) expect(positions).toEqual(new Map(next.map((n, p) => [p, n + 5n])))
      expect(results.map((result) => result.inserted).sort()).toEqual([0, 10])
      next.forEach((n, p) => (next[p] = n + 5n))
      items += 10
    }
    expect(await totals(db)).toMatchObject({
      rows: String(items),
      ledger: fromMicros(BigInt(items) * 6_000_000n) + '.000000',
      wrong: '0',
    })
    await Promise.all(sinks.map((open) => open.close()))
  })

  it('an owner that stands still in its transaction is waited for, then found ahead', async () => {
    const open = openSink(db.url, { topic: 'slow' })
    await startAt(open, [0])
    const stuck = openSink(db.url, { topic: 'slow' })
    const entries = linesAt(0, 0n, [lineItem()])
    let letGo = () => {}
    const gone = new Promise<void>((resolve) => (letGo = resolve))
    let lock = () => {}
    const locked = new Promise<void>((resolve) => (lock = resolve))
    const holder = stuck.database.transaction(async (tx) => {
      await tx.$queryRawUnsafe("SELECT 1 AS one FROM consumer_offset WHERE topic = 'slow' FOR UPDATE")
      lock()
      await gone
      await tx.$executeRawUnsafe("UPDATE consumer_offset SET next_offset = 1, absent = 1 WHERE topic = 'slow'")
    })
    await locked
    const written = open.sink.write(batchOf(entries))
    await expect
      .poll(() =>
        db.query("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"),
      )
      .toHaveLength(1)
    letGo()
    await holder
    expect(await written).toMatchObject({ positions: new Map([[0, 1n]]), inserted: 0 })
    await Promise.all([open.close(), stuck.close()])
  })

  it('8 sinks on other partitions, with items, events and conflicts in common: no deadlock, exact sums', async () => {
    const sinks = Array.from({ length: 8 }, () => openSink(db.url, { topic: 'many' }))
    await startAt(sinks[0]!, [0, 1, 2, 3, 4, 5, 6, 7])
    const before = await deadlocks(db)
    const [start] = [await totals(db)]
    const events = Array.from({ length: 1500 }, () => randomUUID())
    const unique = new Map<string, bigint>()
    const random = xorshift(20261122)
    const pick = (n: number) => random() % n
    const itemOf = (event: number): LineItem =>
      lineItem({
        eventId: events[event]!,
        userId: `u${event % 3}`,
        sku: `SKU${event % 40}`,
        description: null,
        quantity: fromMicros(BigInt(event + 1)),
      })
    const run = async (open: (typeof sinks)[number], partition: number) => {
      let from = 0n
      for (let batch = 0; batch < 25; batch++) {
        const entries = Array.from({ length: 40 }, (_, i) => {
          const record = recordAt(partition, from + BigInt(i))
          if (i % 20 === 19)
            return entryOf(record, {
              kind: 'rejected' as const,
              fault: faultOf('JSON_INVALID'),
              claimed: { userId: null, invoiceId: null, lineNumber: null },
            })
          const event = pick(events.length)
          const item = itemOf(event)
          unique.set(item.eventId, toMicros(item.quantity))
          return entryOf(record, { kind: 'line-item' as const, lineItem: item, unknownFields: 0 })
        })
        const result = await open.sink.write(batchOf(entries))
        expect(result.inserted + result.duplicates + result.deadLettered).toBe(40)
        expect(result.deadLettered).toBe(2)
        from += 40n
      }
    }
    await Promise.all(sinks.map((open, partition) => run(open, partition)))
    const end = await totals(db)
    const sum = [...unique.values()].reduce((a, b) => a + b, 0n)
    expect(toMicros(end!.ledger) - toMicros(start!.ledger)).toBe(sum)
    expect(Number(end!.rows) - Number(start!.rows)).toBe(unique.size)
    expect(end!.wrong).toBe('0')
    expect(await deadlocks(db)).toBe(before)
    await Promise.all(sinks.map((open) => open.close()))
  })
})
