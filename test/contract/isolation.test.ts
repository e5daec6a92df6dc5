// One bad row never harms the rest: what the database refuses, whatever for, is found inside the batch's one transaction.
import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import type { Decoded } from '../../src/line-items/decode.ts'
import { faultOf } from '../../src/line-items/fault.ts'
import { settle } from '../../src/pipeline/settle.ts'
import type { Batch, Sink } from '../../src/pipeline/sink.ts'
import { createSink } from '../../src/sink/transaction.ts'
import type { Tx } from '../../src/sink/writer.ts'
import type { TelemetryEvent } from '../../src/telemetry/events.ts'
import { asLine, batchOf, entryOf, GROUP, lineItem, linesAt, openSink, type OpenSink, openTestDatabase, recordAt, startAt, type TestDatabase, TOPIC } from '../support/sink.ts' // prettier-ignore

let db: TestDatabase
let open: OpenSink
let sink: Sink<Decoded>
const count = { inserts: 0, commits: 0, savepoints: 0 }
/** What the sink tells of each batch that had a refused row. */
const told: number[] = []

/** Counts what goes to the database, from outside of the sink. */
const counting = (database: OpenSink['database']): OpenSink['database'] => ({
  ...database,
  async transaction(work) {
    const result = await database.transaction((tx) =>
      work({
        $queryRawUnsafe: tx.$queryRawUnsafe.bind(tx),
        $executeRawUnsafe: (sql, ...values) => {
          if (sql.startsWith('SAVEPOINT')) count.savepoints += 1
          return tx.$executeRawUnsafe(sql, ...values)
        },
        deadLetter: tx.deadLetter,
        ledgerEntry: {
          createMany: (args) => tx.ledgerEntry.createMany(args),
          createManyAndReturn: (args) => {
            count.inserts += 1
            return tx.ledgerEntry.createManyAndReturn(args)
          },
        },
      } satisfies Tx),
    )
    count.commits += 1
    return result
  },
})

const createSinkOf = () => {
  const breaker = { maxConsecutive: 0, maxRatio: 1 }
  const clock = { wall: systemClock.wall, now: () => 0 } // the budget of time is not what is tested here
  const { mappings, gate } = open
  const onIsolated = (statements: number) => void told.push(statements)
  const database = counting(open.database)
  return createSink({ database, mappings, gate, breaker, groupId: GROUP, topic: TOPIC, clock, onIsolated })
}

beforeAll(async () => {
  db = await openTestDatabase()
  open = openSink(db.url)
  sink = createSinkOf()
})
afterAll(async () => {
  await open.close()
  await db.close()
})
beforeEach(async () => {
  await db.query('TRUNCATE ledger_entry, dead_letter, inventory, consumer_offset, item, item_mapping')
  open.mappings.clear()
  await startAt(open, [0])
})
afterEach(async () => {
  const wrong = await db.query(`
    SELECT 1 FROM inventory i FULL JOIN (SELECT item_id, sum(quantity) AS quantity FROM ledger_entry GROUP BY item_id) l
      USING (item_id) WHERE i.quantity IS DISTINCT FROM l.quantity`)
  expect(wrong).toEqual([])
})

describe('a new item that the database refuses', () => {
  it('is the fault of its lines alone: the others are written, and the process goes on', async () => {
    await db.query(`ALTER TABLE item ADD CONSTRAINT no_gifts CHECK (name <> 'GIFT')`)
    try {
      const items = Array.from({ length: 40 }, (_, i) =>
        lineItem({ sku: `S${i}`, description: i % 20 === 7 ? 'GIFT' : `THING ${'abcdefghij'[i % 10]}` }),
      )
      const result = await sink.write(batchOf(linesAt(0, 0n, items)))
      expect(result).toMatchObject({ inserted: 38, deadLettered: 2 })
      expect(await db.query('SELECT record_offset AS o, code, sqlstate FROM dead_letter ORDER BY 1')).toEqual([
        { o: '7', code: 'ROW_REJECTED', sqlstate: '23514' },
        { o: '27', code: 'ROW_REJECTED', sqlstate: '23514' },
      ])
    } finally {
      await db.query('ALTER TABLE item DROP CONSTRAINT no_gifts')
    }
  })
})

const numbered = async (sql: string) => Number((await db.query<{ n: string }>(`SELECT count(*) AS n ${sql}`))[0]!.n)
/** A batch of `size` lines on 50 items; those at `bad` are what `spoil` makes of them. */
const batchWith = (size: number, bad: readonly number[], spoil: object) =>
  batchOf(
    linesAt(
      0,
      0n,
      Array.from({ length: size }, (_, i) =>
        lineItem({ sku: `S-${i % 50}`, quantity: '1', ...(bad.includes(i) && spoil) }),
      ),
    ),
  )
const write = async (batch: Batch<Decoded>) => {
  await open.mappings.mapLines(
    batch.entries.flatMap(({ decoded }) => (decoded.kind === 'line-item' ? [decoded.lineItem] : [])),
  )
  Object.assign(count, { inserts: 0, commits: 0, savepoints: 0 })
  return sink.write(batch)
}

it('costs a batch without a refused row no savepoint; after one with, the next batches are tried with care', async () => {
  await db.query("ALTER TABLE ledger_entry ADD CONSTRAINT no_bad CHECK (invoice_id <> 'BAD')")
  try {
    const fresh = createSinkOf()
    const next = async (bad: boolean, at: bigint) => {
      const item = lineItem({ sku: 'S-1', ...(bad && { invoiceId: 'BAD' }) })
      Object.assign(count, { inserts: 0, savepoints: 0 })
      const { inserted, deadLettered } = await fresh.write(batchOf(linesAt(0, at, [item])))
      return { inserted, deadLettered, ...count, commits: 0 }
    }
    const [written, refused] = [
      { inserted: 1, deadLettered: 0, inserts: 1, commits: 0 },
      { inserted: 0, deadLettered: 1, commits: 0 },
    ]
    told.length = 0
    expect(await next(false, 0n)).toEqual({ ...written, savepoints: 0 })
    expect(told).toEqual([])
    expect(await next(true, 1n)).toMatchObject({ ...refused, inserts: 2 })
    expect(await next(true, 2n)).toMatchObject({ ...refused, inserts: 1 })
    for (let at = 3n; at < 19n; at++) expect(await next(false, at)).toEqual({ ...written, savepoints: 2 })
    expect(await next(false, 19n)).toEqual({ ...written, savepoints: 0 })
    expect(told).toEqual([3, 2]) // into the ledger, twice and once, and the letter
  } finally {
    await db.query('ALTER TABLE ledger_entry DROP CONSTRAINT no_bad')
  }
})

// What makes the database refuse the rows of invoice BAD, what undoes it, and the SQLSTATE.
const KINDS = [
  ['a CHECK', "ALTER TABLE ledger_entry ADD CONSTRAINT no_bad CHECK (invoice_id <> 'BAD')", 'ALTER TABLE ledger_entry DROP CONSTRAINT no_bad', '23514'], // prettier-ignore
  ['a trigger that raises', `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.invoice_id = 'BAD' THEN RAISE EXCEPTION 'row %', NEW; END IF; RETURN NEW; END $$; CREATE TRIGGER refuse BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION refuse()`, 'DROP TRIGGER refuse ON ledger_entry; DROP FUNCTION refuse', 'P0001'], // prettier-ignore
  ['a constraint that waits for COMMIT', `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.invoice_id = 'BAD' THEN RAISE EXCEPTION 'row %', NEW; END IF; RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON ledger_entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()`, 'DROP TRIGGER refuse ON ledger_entry; DROP FUNCTION refuse', 'P0001'], // prettier-ignore
  ['NOT NULL by a later migration', `ALTER TABLE ledger_entry ADD COLUMN region text; CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.region = nullif(NEW.invoice_id, 'BAD'); RETURN NEW; END $$; CREATE TRIGGER fill BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION fill(); ALTER TABLE ledger_entry ALTER region SET NOT NULL`, 'DROP TRIGGER fill ON ledger_entry; DROP FUNCTION fill; ALTER TABLE ledger_entry DROP region', '23502'], // prettier-ignore
  ['a unique key of somebody else’s', "CREATE UNIQUE INDEX once ON ledger_entry (invoice_id) WHERE invoice_id = 'BAD'; INSERT INTO item (user_id, name) VALUES ('x', 'x'); INSERT INTO ledger_entry (event_id, user_id, item_id, invoice_id, line_number, quantity, unit_price, currency, occurred_at, payload_hash, topic, partition, record_offset) SELECT gen_random_uuid(), 'x', id, 'BAD', 1, 1, 1, 'GBP', now(), '', 'x', 0, 0 FROM item; INSERT INTO inventory SELECT id, 1 FROM item", 'DROP INDEX once', '23505'], // prettier-ignore
] as const

describe.each(KINDS)('a row refused by %s', (kind, provoke, undo, sqlstate) => {
  it.each([
    [1, [0]],
    [1024, [0]],
    [1024, [700]],
    [1024, [1023]],
    [1024, [3, 4, 900]],
    [1000, [0, 1, 2, 500, 501, 998, 999]],
  ])('is one dead letter, of %i with %j', async (size, bad) => {
    await db.query(provoke)
    try {
      const result = await write(batchWith(size, bad, { invoiceId: 'BAD' }))
      expect(result).toMatchObject({ inserted: size - bad.length, deadLettered: bad.length })
      expect(result.failed.map(({ offset, code }) => [Number(offset), code]).sort()).toEqual(
        bad.map((offset) => [offset, 'ROW_REJECTED']).sort(),
      )
      expect(await numbered(`FROM dead_letter WHERE sqlstate = '${sqlstate}' AND invoice_id = 'BAD'`)).toBe(bad.length)
      expect(await numbered("FROM ledger_entry WHERE invoice_id <> 'BAD'")).toBe(size - bad.length)
      expect(await numbered("FROM ledger_entry WHERE topic <> 'x' AND invoice_id = 'BAD'")).toBe(0)
      // At COMMIT it is nobody's fault in particular: the batch is tried once more with its constraints checked at once.
      const again = kind.includes('COMMIT') ? 1 : 0
      const k = bad.length
      expect(count.inserts - again).toBeLessThanOrEqual(2 * k * Math.log2(size / k) + 2 * k + 2)
      expect(count.commits).toBe(1)
    } finally {
      await db.query(`${undo}; TRUNCATE ledger_entry, inventory`)
    }
  })
})

it('a value out of range is a dead letter; an item that somebody deleted is made again; all else is written', async () => {
  await db.query('ALTER TABLE ledger_entry ADD CONSTRAINT item_exists FOREIGN KEY (item_id) REFERENCES item')
  try {
    await write(batchOf(linesAt(0, 0n, [lineItem({ sku: 'GONE', quantity: '1' })])))
    await db.query("DELETE FROM ledger_entry; DELETE FROM inventory; DELETE FROM item WHERE sku = 'GONE'")
    const rest = [
      lineItem({ sku: 'A', quantity: '1' }),
      lineItem({ sku: 'GONE', quantity: '1' }),
      lineItem({ sku: 'A', quantity: '1000000000000' }),
      lineItem({ sku: 'B', quantity: '2' }),
    ]
    const result = await sink.write(batchOf(linesAt(0, 1n, rest)))
    expect(result).toMatchObject({ inserted: 3, deadLettered: 1 })
    expect(await db.query('SELECT record_offset::int AS o, code, sqlstate FROM dead_letter ORDER BY 1')).toEqual([
      { o: 3, code: 'ROW_REJECTED', sqlstate: '22003' },
    ])
  } finally {
    await db.query('ALTER TABLE ledger_entry DROP CONSTRAINT item_exists')
  }
})

it('what a foreign key of somebody else refuses is a dead letter', async () => {
  await db.query(`CREATE TABLE customer (id text PRIMARY KEY); INSERT INTO customer VALUES ('u-1');
    ALTER TABLE ledger_entry ADD CONSTRAINT customer_exists FOREIGN KEY (user_id) REFERENCES customer`)
  try {
    const items = [lineItem(), lineItem({ userId: 'stranger' }), lineItem()]
    expect(await sink.write(batchOf(linesAt(0, 0n, items)))).toMatchObject({ inserted: 2, deadLettered: 1 })
    expect(await db.query('SELECT code, sqlstate, user_id FROM dead_letter')).toEqual([
      { code: 'ROW_REJECTED', sqlstate: '23503', user_id: 'stranger' },
    ])
  } finally {
    await db.query('ALTER TABLE ledger_entry DROP CONSTRAINT customer_exists; DROP TABLE customer')
  }
})

it('an item that was deleted and mapped anew meanwhile is looked up again, not blamed on the record', async () => {
  await db.query('ALTER TABLE ledger_entry ADD CONSTRAINT item_exists FOREIGN KEY (item_id) REFERENCES item')
  try {
    await open.mappings.mapLines([lineItem({ sku: 'MOVED' })])
    await db.query('DELETE FROM item; DELETE FROM item_mapping') // what is cached is stale now
    expect(await sink.write(batchOf(linesAt(0, 0n, [lineItem({ sku: 'MOVED' })])))).toMatchObject({ inserted: 1 })
    expect(await numbered('FROM dead_letter')).toBe(0)
  } finally {
    await db.query('ALTER TABLE ledger_entry DROP CONSTRAINT item_exists')
  }
})

describe('a fault that exists in company only', () => {
  const stock = (quantity: string) => db.query('UPDATE inventory SET quantity = $1', [quantity])
  const inLedger = () => db.query<{ q: number }>('SELECT quantity::int AS q FROM ledger_entry ORDER BY record_offset')

  it('(no stock below zero): who comes first has the room, the others are dead letters that say why', async () => {
    await db.query('ALTER TABLE inventory ADD CONSTRAINT no_negative CHECK (quantity >= 0)')
    try {
      await write(batchOf(linesAt(0, 0n, [lineItem({ quantity: '5', sku: 'S' })])))
      const lines = ['-3', '-4', '-2', '-1'].map((quantity) => lineItem({ quantity, sku: 'S' }))
      const result = await sink.write(batchOf(linesAt(0, 1n, [...lines, lineItem({ sku: 'OTHER', quantity: '1' })])))
      expect(result).toMatchObject({ inserted: 3, deadLettered: 2 })
      expect(result.failed.map(({ offset, code, error }) => [offset, code, error.length > 20])).toEqual([
        [2n, 'AGGREGATE_OVERFLOW', true],
        [4n, 'AGGREGATE_OVERFLOW', true],
      ])
      expect((await inLedger()).map(({ q }) => q)).toEqual([5, -3, -2, 1])
    } finally {
      await db.query('ALTER TABLE inventory DROP CONSTRAINT no_negative')
    }
  })

  it('(the sum leaves its range): what cancels out passes as one', async () => {
    await write(batchOf(linesAt(0, 0n, [lineItem({ quantity: '1', sku: 'S' })])))
    const full = '999999999999999999999999.999999'
    await stock(full)
    const lines = ['5', '-5'].map((quantity) => lineItem({ quantity, sku: 'S' }))
    expect(await sink.write(batchOf(linesAt(0, 1n, lines)))).toMatchObject({ inserted: 2, deadLettered: 0 })
    expect(await db.query('SELECT quantity FROM inventory')).toEqual([{ quantity: full }])
    await stock('1')
  })
})

it('a duplicate of an entry that a younger CHECK refuses is a duplicate, not a dead letter', async () => {
  const item = lineItem({ invoiceId: 'BAD', quantity: '1' })
  await write(batchOf(linesAt(0, 0n, [item])))
  await db.query("ALTER TABLE ledger_entry ADD CONSTRAINT younger CHECK (invoice_id <> 'BAD') NOT VALID")
  try {
    const other = lineItem({ invoiceId: 'BAD', quantity: '1' })
    const again = await sink.write(batchOf(linesAt(0, 1n, [item, other, lineItem({ quantity: '1' })])))
    expect(again).toMatchObject({ inserted: 1, duplicates: 1, deadLettered: 1 })
  } finally {
    await db.query('ALTER TABLE ledger_entry DROP CONSTRAINT younger')
  }
})

it('a batch that is mostly bad is given back and cut smaller; in the end all good ones are written', async () => {
  await db.query("ALTER TABLE ledger_entry ADD CONSTRAINT no_bad CHECK (invoice_id <> 'BAD')")
  const events: TelemetryEvent[] = []
  try {
    const size = 2_000
    const bad = Array.from({ length: size }, (_, i) => i).filter((i) => i % 5 !== 0)
    const waiting: Batch<Decoded>[] = [batchWith(size, bad, { invoiceId: 'BAD' })]
    await open.mappings.mapLines(waiting[0]!.entries.map(({ decoded }) => (decoded as Extract<Decoded, { kind: 'line-item' }>).lineItem)) // prettier-ignore
    count.inserts = 0
    for (let batch = waiting.shift(); batch; batch = waiting.shift()) {
      const settled = await settle(batch, {
        ...{ sink, owns: () => true, clock: systemClock, random: () => 0, held: async () => {}, failing: () => {} },
        abort: new AbortController().signal,
        emit: (event) => void events.push(event),
      })
      waiting.unshift(...settled.rest)
    }
    expect(await numbered('FROM ledger_entry')).toBe(400)
    expect(await numbered('FROM dead_letter')).toBe(1_600)
    expect(await numbered('FROM consumer_offset WHERE next_offset = 2000')).toBe(1)
    expect(events.filter(({ type }) => type !== 'write-tried')).toEqual([
      { type: 'batch-cut', code: 'TOO_MANY_REFUSED', records: size, maxRecords: 512 },
    ])
    expect(count.inserts).toBeLessThanOrEqual(2_048 + 2 * size)
  } finally {
    await db.query('ALTER TABLE ledger_entry DROP CONSTRAINT no_bad')
  }
})

it('a letter that the database refuses is written bare: coordinates, code and hash', async () => {
  const claimed = { userId: 'u-9', invoiceId: 'i-9', lineNumber: 3 }
  const bad = { kind: 'rejected', fault: faultOf('JSON_INVALID', '/a'), claimed } as const
  await db.query('ALTER TABLE dead_letter ADD CONSTRAINT small CHECK (length(value) < 3)')
  try {
    const records = ['ab', 'long', 'c'].map((value, i) => recordAt(0, BigInt(i), { value: Buffer.from(value) }))
    const batch = batchOf([
      ...records.map((record) => entryOf(record, bad)),
      entryOf(recordAt(0, 3n), asLine(lineItem())),
    ])
    expect(await sink.write(batch)).toMatchObject({ inserted: 1, deadLettered: 3 })
    const rows = await db.query(
      "SELECT value, encode(value_sha256, 'hex') AS sha, code FROM dead_letter ORDER BY record_offset",
    )
    expect(rows).toEqual([
      { value: Buffer.from('ab'), sha: null, code: 'JSON_INVALID' },
      { value: null, sha: createHash('sha256').update('long').digest('hex'), code: 'JSON_INVALID' },
      { value: Buffer.from('c'), sha: null, code: 'JSON_INVALID' },
    ])
  } finally {
    await db.query('TRUNCATE dead_letter; ALTER TABLE dead_letter DROP CONSTRAINT small')
  }
})
