// What settling a batch does on a real PostgreSQL that is slow, or gone for a while.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { settle, type SettleDeps } from '../../src/pipeline/settle.ts'
import type { Batch } from '../../src/pipeline/sink.ts'
import type { Decoded } from '../../src/line-items/decode.ts'
import type { TelemetryEvent } from '../../src/telemetry/events.ts'
import { asLine, batchOf, entryOf, lineItem, linesAt, openSink, type OpenSink, openTestDatabase, recordAt, startAt, type TestDatabase } from '../support/sink.ts' // prettier-ignore

let db: TestDatabase
let open: OpenSink
const events: TelemetryEvent[] = []
const retries = () => events.filter((event) => event.type === 'flush-retry')
const failing: boolean[] = []

const deps = (over: Partial<SettleDeps<Decoded>> = {}): SettleDeps<Decoded> => ({
  sink: open.sink,
  owns: () => true,
  clock: systemClock,
  random: () => 0,
  emit: (event) => void events.push(event),
  abort: new AbortController().signal,
  failing: (now) => void failing.push(now),
  held: async () => {},
  ...over,
})
const ledger = async () => Number((await db.query<{ n: string }>('SELECT count(*) AS n FROM ledger_entry'))[0]?.n)
const lines = (count: number) =>
  batchOf(
    linesAt(
      0,
      0n,
      Array.from({ length: count }, () => lineItem()),
    ),
  )

/** Another session that holds what `sql` locks, from now until it is told to let go. */
const hold = async (sql: string): Promise<() => Promise<void>> => {
  const blocker = openSink(db.url)
  let release = () => {}
  let locked = () => {}
  const taken = new Promise<void>((resolve) => (locked = resolve))
  const held = blocker.database.transaction(async (tx) => {
    await tx.$executeRawUnsafe(sql)
    locked()
    await new Promise<void>((resolve) => (release = resolve))
  })
  await taken
  return async () => {
    release()
    await held
    await blocker.close()
  }
}

beforeAll(async () => {
  db = await openTestDatabase()
  open = openSink(db.url, { statementTimeoutMs: 400, lockTimeoutMs: 300 })
})
afterAll(async () => {
  await open.close()
  await db.close()
})
beforeEach(async () => {
  await db.query('TRUNCATE ledger_entry, dead_letter, inventory, consumer_offset')
  await startAt(open, [0])
  events.length = 0
  failing.length = 0
})

it('a batch that never fits the statement time-out is halved until it does, without dead letters', async () => {
  await db.query(`
    CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.005); RETURN NEW; END';
    CREATE TRIGGER dawdle BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION dawdle()`)
  try {
    const sizes: number[] = []
    const waiting: Batch<Decoded>[] = [lines(150)]
    for (let batch = waiting.shift(); batch; batch = waiting.shift()) {
      const settled = await settle(batch, deps())
      sizes.push(settled.batch.entries.length)
      waiting.unshift(...settled.rest)
    }
    expect(await ledger()).toBe(150)
    expect(sizes.length).toBeGreaterThan(1)
    expect(sizes.reduce((a, b) => a + b)).toBe(150)
    expect(new Set(retries().map(({ code }) => code))).toEqual(new Set(['57014']))
    expect(await db.query('SELECT next_offset::int, inserted::int, dead_lettered::int FROM consumer_offset')).toEqual([
      { next_offset: 150, inserted: 150, dead_lettered: 0 },
    ])
  } finally {
    await db.query('DROP TRIGGER dawdle ON ledger_entry; DROP FUNCTION dawdle')
  }
})

it('a lock held by another session is waited for, for as long as it takes, and the sink counts as failing meanwhile', async () => {
  const release = await hold('LOCK TABLE inventory IN ACCESS EXCLUSIVE MODE')
  const item = lineItem({ quantity: '3' })
  const settling = settle(batchOf([entryOf(recordAt(0, 0n), asLine(item))]), deps())
  while (retries().length < 3) await systemClock.sleep(20)
  expect(failing).not.toContain(false)
  await release()
  const { result, attempts } = await settling
  expect(result).toMatchObject({ inserted: 1, deadLettered: 0 })
  expect(attempts).toBeGreaterThanOrEqual(4)
  expect(failing.at(-1)).toBe(false)
})

it('partitions lost between two tries are dropped; with none left there is no result', async () => {
  const release = await hold('SELECT * FROM consumer_offset FOR UPDATE')
  const { result } = await settle(lines(3), deps({ owns: () => false }))
  expect(result).toBeNull()
  await release()
  expect(await ledger()).toBe(0)
  expect(failing.at(-1)).toBe(false)
})

it('a table that is missing is fatal at once, and nothing is committed', async () => {
  await db.query('ALTER TABLE inventory RENAME TO elsewhere')
  try {
    await expect(settle(lines(3), deps())).rejects.toMatchObject({ name: 'FatalFault', code: '42P01' })
    expect(await ledger()).toBe(0)
  } finally {
    await db.query('ALTER TABLE elsewhere RENAME TO inventory')
  }
})
