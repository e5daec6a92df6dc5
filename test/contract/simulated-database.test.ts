// The simulation's PostgreSQL against the real one: the same batches through the same sink, then the same tables; and what the
// simulation leans on besides: who waits for whom, what is seen afterwards, what a failed transaction refuses.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromMicros } from '../../src/line-items/decimal.ts'
import type { Decoded } from '../../src/line-items/decode.ts'
import { faultOf } from '../../src/line-items/fault.ts'
import type { Batch, Sink } from '../../src/pipeline/sink.ts'
import { classifyError } from '../../src/sink/classify.ts'
import type { Database } from '../../src/sink/database.ts'
import { addToInventory, advanceOffsets, lockOffsets } from '../../src/sink/statements.ts'
import { createSink } from '../../src/sink/transaction.ts'
import type { PositionStore } from '../../src/source/start-position.ts'
import { createSimulatedPostgres } from '../simulation/database.ts'
import { createScheduler } from '../simulation/scheduler.ts'
import { emptyTables } from '../simulation/tables.ts'
import { REFUSED_QUANTITY } from '../simulation/statements.ts'
import {
  asLine,
  batchOf,
  entryOf,
  GROUP,
  lineItem,
  openSink,
  openTestDatabase,
  recordAt,
  TOPIC,
} from '../support/sink.ts'

type Seen = { offsets: string[]; ledger: string[]; inventory: string[]; letters: string[] }
type Contender = {
  database: Database
  sink: Sink<Decoded>
  offsets: PositionStore
  /** Everything waits in it; simulated time goes on only here. */
  play: <T>(work: () => Promise<T>) => Promise<T>
  seen: () => Promise<Seen>
  clear: () => Promise<unknown>
  close: () => Promise<void>
}

const ITEM_OF = new Map(['S0', 'S1', 'S2'].map((sku, index) => [sku, BigInt(index + 1)]))
/** The mapping has a transaction of its own and is no part of this contract. */
const mappings = {
  mapLines: (lines: readonly { sku: string | null }[]) =>
    Promise.resolve({
      items: lines.map(({ sku }) => {
        const id = ITEM_OF.get(sku ?? '') ?? 0n
        return { itemId: id, mappingId: id }
      }),
      version: 0n,
    }),
  catchUp: () => Promise.resolve(),
  clear: () => {},
}
const sinkOn = (database: Database): Sink<Decoded> =>
  createSink({
    ...{ groupId: GROUP, topic: TOPIC, database, mappings, breaker: { maxConsecutive: 0, maxRatio: 1 } },
    gate: { close: () => Promise.resolve(false) },
    clock: { wall: () => Date.UTC(2026, 10, 25), now: () => 0 },
  })

const real = async (): Promise<Contender> => {
  const db = await openTestDatabase()
  await db.query(`ALTER TABLE ledger_entry ADD CONSTRAINT ledger_refuses CHECK (quantity <> ${REFUSED_QUANTITY})`)
  await db.query(`INSERT INTO item (id, user_id, name) VALUES (1, 'u', 'S0'), (2, 'u', 'S1'), (3, 'u', 'S2')`)
  const open = openSink(db.url, { lockTimeoutMs: 1_000 })
  const column = async (sql: string) => (await db.query<{ row: string }>(sql)).map(({ row }) => row)
  return {
    ...{ database: open.database, sink: sinkOn(open.database), offsets: open.offsets, play: (work) => work() },
    seen: async () => ({
      offsets:
        await column(`SELECT concat_ws(' ', partition, next_offset, inserted, duplicate, dead_lettered, ignored, absent) AS row
        FROM consumer_offset ORDER BY partition`),
      ledger:
        await column(`SELECT concat_ws(' ', event_id, user_id, item_id, (quantity * 1000000)::bigint, partition, record_offset,
        encode(payload_hash, 'hex')) AS row FROM ledger_entry ORDER BY event_id, user_id`),
      inventory: await column(
        `SELECT concat_ws(' ', item_id, (quantity * 1000000)::bigint) AS row FROM inventory ORDER BY item_id`,
      ),
      letters: await column(`SELECT concat_ws(' ', partition, record_offset, code, seen_count) AS row
        FROM dead_letter ORDER BY partition, record_offset`),
    }),
    clear: () => db.query('TRUNCATE ledger_entry, dead_letter, inventory, consumer_offset'),
    async close() {
      await open.close()
      await db.close()
    },
  }
}

const simulated = (): Promise<Contender> => {
  const scheduler = createScheduler(1)
  const postgres = createSimulatedPostgres(scheduler, { committed: () => {} })
  const database = postgres.database()
  return Promise.resolve({
    ...{ database, sink: sinkOn(database), offsets: postgres.offsets },
    async play(work) {
      let ended = false
      const outcome = work().finally(() => (ended = true))
      outcome.catch(() => {})
      while (!ended) await scheduler.step()
      return outcome
    },
    seen: () => {
      const { consumer_offset, ledger_entry, inventory, dead_letter } = postgres.tables()
      const sorted = (rows: string[]) => rows.sort((a, b) => (a < b ? -1 : 1))
      return Promise.resolve({
        offsets: sorted([...consumer_offset].map(([p, o]) => [p, o.nextOffset, o.inserted, o.duplicate, o.deadLettered, o.ignored, o.absent].join(' '))), // prettier-ignore
        ledger: sorted(
          [...ledger_entry].map(([key, l]) => [key, l.itemId, l.quantity, l.partition, l.offset, l.hash].join(' ')),
        ),
        inventory: sorted([...inventory].map(([item, quantity]) => `${item} ${quantity}`)),
        letters: [...dead_letter.values()]
          .sort((a, b) => a.partition - b.partition || Number(a.offset - b.offset))
          .map((l) => [l.partition, l.offset, l.code, l.seen].join(' ')),
      })
    },
    clear: () => Promise.resolve(postgres.failOver(emptyTables(), 0)),
    close: () => Promise.resolve(),
  })
}

const uuid = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
const slot = fc.oneof(
  { weight: 8, arbitrary: fc.record({ event: fc.nat(9), user: fc.nat(1), item: fc.nat(2), quantity: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constant(Number(REFUSED_QUANTITY))) }) }, // prettier-ignore
  fc.constantFrom('rejected' as const, 'ignored' as const, 'absent' as const),
)
const history = fc.array(
  fc.record({
    partition: fc.nat(1),
    shift: fc.integer({ min: -4, max: 2 }),
    slots: fc.array(slot, { minLength: 1, maxLength: 8 }),
  }),
  { minLength: 1, maxLength: 8 },
)
const decodedOf = (
  told: { event: number; user: number; item: number; quantity: number } | 'rejected' | 'ignored',
): Decoded => {
  if (told === 'ignored') return { kind: 'ignored', reason: 'tombstone' }
  if (told === 'rejected')
    return {
      kind: 'rejected',
      fault: faultOf('JSON_INVALID'),
      claimed: { userId: null, invoiceId: null, lineNumber: null },
    }
  const { event, user, item, quantity } = told
  return asLine(
    lineItem({
      eventId: uuid(event),
      userId: `u${user}`,
      sku: `S${item}`,
      quantity: fromMicros(BigInt(quantity) * 1_000_000n),
    }),
  )
}

const play = async (one: Contender, batches: readonly Batch<Decoded>[]) => {
  const results = []
  for (const batch of batches) {
    const { positions, failed, ...counts } = await one.play(() => one.sink.write(batch))
    results.push({
      ...counts,
      positions: [...positions],
      failed: failed.map(({ partition, offset, code }) => `${partition}@${offset} ${code}`),
    })
  }
  return { results, seen: await one.seen() }
}

test('any history of batches ends in the same tables, by the same results', async () => {
  const both = [await real(), await simulated()]
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      const next = [0, 0]
      const batches = steps.map(({ partition, shift, slots }) => {
        const from = Math.max(0, (next[partition] ?? 0) + shift)
        next[partition] = Math.max(next[partition] ?? 0, shift > 0 ? 0 : from + slots.length)
        const entries = slots.flatMap((told, index) => told === 'absent' ? [] : [entryOf(recordAt(partition, BigInt(from + index)), decodedOf(told))]) // prettier-ignore
        return batchOf(entries, [{ partition, from: BigInt(from), to: BigInt(from + slots.length) }])
      })
      const outcomes = []
      for (const one of both) {
        await one.clear()
        await one.play(() =>
          one.offsets.insertIfAbsent([0, 1].map((partition) => ({ partition, nextOffset: 0n, topicId: null }))),
        )
        outcomes.push(await play(one, batches))
      }
      expect(outcomes[1]).toEqual(outcomes[0])
    }),
    { numRuns: 25 },
  )
  for (const one of both) await one.close()
})

describe.each([
  ['PostgreSQL', real],
  ['simulated', simulated],
])('transactions: %s', (_, open) => {
  let one: Contender
  beforeAll(async () => {
    one = await open()
    await one.play(() => one.offsets.insertIfAbsent([{ partition: 0, nextOffset: 0n, topicId: null }]))
  })
  afterAll(() => one.close())
  const owner = { groupId: GROUP, topic: TOPIC, mappings: 0n }
  const moved = { inserted: 0, duplicate: 0, deadLettered: 0, run: 0, windowRecords: 0, windowDeadLettered: 0 }
  const codeOf = (error: unknown) => classifyError(error).sqlstate ?? String(error)

  test('whoever waits for an offset row sees what was committed meanwhile', async () => {
    const seen: bigint[] = []
    await one.play(async () => {
      let locked = () => {}
      const first = new Promise<void>((resolve) => (locked = resolve))
      const writer = one.database.transaction(async (tx) => {
        await lockOffsets(tx, owner, [0])
        locked()
        await advanceOffsets(tx, owner, [{ ...moved, partition: 0, to: 5n, ignored: 5, absent: 0n }])
      })
      await first
      const reader = one.database.transaction(async (tx) => {
        const [row] = await lockOffsets(tx, owner, [0])
        if (row) seen.push(row.nextOffset)
      })
      await Promise.all([writer, reader])
    })
    expect(seen).toEqual([5n])
  })

  test('what was rolled back was never there; counters that do not add up are refused', async () => {
    const wrong = one.play(() =>
      one.database.transaction(async (tx) => {
        await lockOffsets(tx, owner, [0])
        await addToInventory(tx, [{ itemId: 1n, quantity: '7' }])
        await advanceOffsets(tx, owner, [{ ...moved, partition: 0, to: 9n, ignored: 1, absent: 0n }])
      }),
    )
    await expect(wrong).rejects.toThrow()
    expect((await one.seen()).inventory).toEqual([])
    expect((await one.seen()).offsets).toEqual(['0 5 0 0 0 5 0'])
  })

  test('after a fault a transaction takes nothing but the way back to a savepoint', async () => {
    const codes: string[] = []
    await one.play(() =>
      one.database.transaction(async (tx) => {
        await lockOffsets(tx, owner, [0])
        await tx.$executeRawUnsafe('SAVEPOINT inventory')
        const bad = { ...moved, partition: 0, to: 9n, ignored: 1, absent: 0n }
        await advanceOffsets(tx, owner, [bad]).catch((error: unknown) => codes.push(codeOf(error)))
        await addToInventory(tx, [{ itemId: 1n, quantity: '1' }]).catch((error: unknown) => codes.push(codeOf(error)))
        await tx.$executeRawUnsafe('ROLLBACK TO SAVEPOINT inventory')
        await addToInventory(tx, [{ itemId: 2n, quantity: '2' }])
      }),
    )
    expect(codes).toEqual(['23514', '25P02'])
    expect((await one.seen()).inventory).toEqual(['2 2000000'])
  })

  test('whoever waits too long for a row gets 55P03', async () => {
    const code = await one.play(async () => {
      let locked = () => {}
      let release = () => {}
      const first = new Promise<void>((resolve) => (locked = resolve))
      const end = new Promise<void>((resolve) => (release = resolve))
      const holder = one.database.transaction(async (tx) => {
        await lockOffsets(tx, owner, [0])
        locked()
        await end
      })
      await first
      const outcome = await one.database
        .transaction((tx) => lockOffsets(tx, owner, [0]))
        .then(() => 'it got in', (error: unknown) => one.sink.classify(error).code) // prettier-ignore
      release()
      await holder
      return outcome
    })
    expect(code).toBe('55P03')
  })
})
