// One suite for both writers: what PRISMA_WRITER=fast stores, returns, refuses and rolls back is what Prisma's own does.
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { classifyError, sqlstateOf } from '../../src/sink/classify.ts'
import { createDatabase, type Database } from '../../src/sink/database.ts'
import type { DeadLetterInput, Tx } from '../../src/sink/writer.ts'
import { openTestDatabase, type TestDatabase } from '../support/sink.ts'
import { until } from '../support/until.ts'

type LedgerInput = Parameters<Tx['ledgerEntry']['createMany']>[0]['data'][number]
const ids = { eventId: true, userId: true } as const
const uuid = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`

const row = (over: Partial<LedgerInput> = {}): LedgerInput => ({
  eventId: randomUUID(),
  userId: 'u-1',
  itemId: 1n,
  invoiceId: '536365',
  lineNumber: 1,
  quantity: '6',
  unitPrice: '2.55',
  currency: 'GBP',
  occurredAt: '2010-12-01T08:26:00.000Z',
  payloadHash: new Uint8Array([1, 2, 3]),
  topic: 't',
  partition: 0,
  recordOffset: 0n,
  ...over,
})

const letter = (over: Partial<DeadLetterInput> = {}): DeadLetterInput => ({
  id: randomUUID(),
  groupId: 'g',
  topic: 't',
  partition: 0,
  recordOffset: 7n,
  headers: new Uint8Array(Buffer.from('[]')),
  stage: 'decode',
  code: 'JSON_INVALID',
  message: 'm',
  failedAt: new Date('2026-11-22T00:00:00.123Z'),
  ...over,
})

const TEXTS = [
  '',
  ' ',
  'NULL',
  'null',
  '{}',
  '{"a","b"}',
  '"',
  '""',
  '\\',
  '\\"',
  '\\\\x00',
  "o'brien; --",
  'comma, tab\t newline\n return\r',
  '日本語 ünïcödé 😀 \u200b\u202e',
  '$1 ${x} %s',
  'x'.repeat(10_000),
]
const NUMBERS = ['6', '-6', '0.000001', '-0.000001', '999999999999.999999', '-999999999999.999999', '2.50', '1e3']

describe.each(['fast', 'stock'] as const)('the %s writer', (writer) => {
  let db: TestDatabase
  let database: Database
  beforeAll(async () => {
    db = await openTestDatabase()
    database = createDatabase({ url: db.url, poolSize: 3, writer })
  })
  afterAll(async () => {
    await database.close()
    await db.close()
  })
  beforeEach(async () => void (await db.query('TRUNCATE ledger_entry, dead_letter')))
  const client = () => database.client()

  it('stores every column of a ledger entry as it was given', async () => {
    const texts = TEXTS.map((text, i) =>
      row({ eventId: uuid(i), userId: text, invoiceId: text, currency: text, topic: text }),
    )
    const numbers = NUMBERS.map((n, i) => row({ eventId: uuid(100 + i), quantity: n, unitPrice: n }))
    const others = [
      row({ eventId: uuid(200), itemId: 9223372036854775807n, recordOffset: -9223372036854775808n }),
      row({ eventId: uuid(201), itemId: 5, recordOffset: 6, lineNumber: 2147483647, partition: -1 }),
      row({ eventId: uuid(202), occurredAt: new Date('2000-02-29T23:59:59.999Z') }),
      row({ eventId: uuid(203), payloadHash: new Uint8Array([0, 255, 92, 34, 123]) }),
      row({ eventId: uuid(204), payloadHash: new Uint8Array(0) }),
      row({ eventId: 'ABCDEF00-0000-4000-8000-000000000001' }),
    ]
    const all = [...texts, ...numbers, ...others]
    expect(await client().ledgerEntry.createMany({ data: all })).toEqual({ count: all.length })
    const stored = await db.query("SELECT *, created_at > now() - interval '1 minute' AS fresh FROM ledger_entry")
    const byId = new Map(stored.map((entry) => [entry['event_id'] as string, entry]))
    for (const given of all) {
      expect(byId.get(given.eventId.toLowerCase())).toMatchObject({
        user_id: given.userId,
        item_id: String(given.itemId),
        invoice_id: given.invoiceId,
        line_number: given.lineNumber,
        currency: given.currency,
        occurred_at: new Date(given.occurredAt),
        payload_hash: Buffer.from(given.payloadHash),
        topic: given.topic,
        partition: given.partition,
        record_offset: String(given.recordOffset),
        fresh: true,
      })
    }
    const [same] = await db.query<{ count: string }>(
      'SELECT count(*) FROM ledger_entry l JOIN unnest($1::uuid[], $2::numeric[]) v (id, n) ON l.event_id = v.id WHERE quantity = n AND unit_price = n',
      [numbers.map((n) => n.eventId), NUMBERS],
    )
    expect(same?.count).toBe(String(NUMBERS.length))
  })

  it('stores a given created_at, and null where there is no value', async () => {
    const createdAt = new Date('2020-01-02T03:04:05.006Z')
    await client().ledgerEntry.createMany({ data: [row({ createdAt })] })
    expect(await db.query('SELECT created_at FROM ledger_entry')).toEqual([{ created_at: createdAt }])
  })

  it('stores every column of a dead letter as it was given', async () => {
    const full = letter({
      id: 'full',
      recordTimestamp: new Date('2026-01-01T00:00:00Z'),
      key: new Uint8Array([0, 1, 2]),
      value: new Uint8Array(Buffer.from('\0{"')),
      sqlstate: '22003',
      path: '/a"\\b',
      attempts: 2,
      seenCount: 3,
      replayCount: 4,
      userId: 'u',
      invoiceId: 'NULL',
      lineNumber: 5,
      status: 'parked',
      publishedAt: new Date('2026-01-02T00:00:00Z'),
      claimedUntil: new Date('2026-01-03T00:00:00Z'),
      createdAt: new Date('2026-01-04T00:00:00Z'),
      valueSha256: new Uint8Array([3]),
      replayHash: new Uint8Array([4]),
      replaySentAt: new Date('2026-01-05T00:00:00Z'),
      replayClaimedUntil: new Date('2026-01-06T00:00:00Z'),
      resolvedAt: new Date('2026-01-07T00:00:00Z'),
      discardReason: 'r',
      deferredUntil: new Date('2026-01-08T00:00:00Z'),
    })
    expect(await client().deadLetter.createMany({ data: [full] })).toEqual({ count: 1 })
    expect(await client().deadLetter.createMany({ data: [letter({ id: 'bare' })] })).toEqual({ count: 1 })
    const [bare, stored] = await db.query('SELECT * FROM dead_letter ORDER BY id')
    expect(stored).toEqual({
      id: 'full',
      group_id: 'g',
      topic: 't',
      partition: 0,
      record_offset: '7',
      record_timestamp: full.recordTimestamp,
      key: Buffer.from([0, 1, 2]),
      value: Buffer.from('\0{"'),
      headers: Buffer.from('[]'),
      stage: 'decode',
      code: 'JSON_INVALID',
      sqlstate: '22003',
      path: '/a"\\b',
      message: 'm',
      attempts: 2,
      seen_count: 3,
      replay_count: 4,
      user_id: 'u',
      invoice_id: 'NULL',
      line_number: 5,
      status: 'parked',
      failed_at: full.failedAt,
      published_at: full.publishedAt,
      claimed_until: full.claimedUntil,
      created_at: full.createdAt,
      value_sha256: Buffer.from([3]),
      replay_hash: Buffer.from([4]),
      replay_sent_at: full.replaySentAt,
      replay_claimed_until: full.replayClaimedUntil,
      resolved_at: full.resolvedAt,
      discard_reason: 'r',
      deferred_until: full.deferredUntil,
    })
    const nothing = { key: null, value: null, sqlstate: null, path: null, user_id: null, published_at: null }
    expect(bare).toMatchObject({ ...nothing, record_timestamp: null, attempts: 1, seen_count: 1, status: 'open' })
  })

  it('returns the ids of exactly the rows that were new', async () => {
    const first = [row(), row(), row({ userId: '"quoted" \\ {user}' })]
    await client().ledgerEntry.createMany({ data: first.slice(0, 2) })
    const returned = await client().ledgerEntry.createManyAndReturn({ data: first, skipDuplicates: true, select: ids })
    expect(returned).toEqual([{ eventId: first[2]!.eventId, userId: first[2]!.userId }])
    const all = [row({ eventId: uuid(2) }), row({ eventId: uuid(1) })]
    const both = await client().ledgerEntry.createManyAndReturn({ data: all, select: ids })
    expect(both.map((key) => key.eventId).sort()).toEqual([uuid(1), uuid(2)])
  })

  it('counts only new rows with skipDuplicates, and refuses the batch without', async () => {
    const [a, b] = [row(), row()]
    await client().ledgerEntry.createMany({ data: [a] })
    await expect(client().ledgerEntry.createMany({ data: [b, a] })).rejects.toSatisfy((e) => sqlstateOf(e) === '23505')
    expect(await db.query('SELECT event_id FROM ledger_entry')).toEqual([{ event_id: a.eventId }])
    expect(await client().ledgerEntry.createMany({ data: [b, a], skipDuplicates: true })).toEqual({ count: 1 })
    const l = letter()
    await client().deadLetter.createMany({ data: [l] })
    expect(await client().deadLetter.createMany({ data: [l, letter()], skipDuplicates: true })).toEqual({ count: 1 })
  })

  it('takes an empty list', async () => {
    expect(await client().ledgerEntry.createMany({ data: [] })).toEqual({ count: 0 })
    expect(await client().ledgerEntry.createManyAndReturn({ data: [], select: ids })).toEqual([])
  })

  it.each([
    ['a number too large for the column', { quantity: '1000000000000' }, '22003', 'row'],
    ['a NUL in a text', { invoiceId: 'a\0b' }, '22021', 'row'],
  ] as const)('reports %s by its SQLSTATE', async (_, over, sqlstate, fate) => {
    const error: unknown = await client()
      .ledgerEntry.createMany({ data: [row(), row(over)] })
      .catch((e: unknown) => e)
    expect(classifyError(error)).toMatchObject({ sqlstate, fate })
    expect(await db.query('SELECT 1 FROM ledger_entry')).toEqual([])
  })

  it.each([
    ['a line number too large for the column', { lineNumber: 2147483648 }],
    ['something that is no uuid', { eventId: 'no-uuid' }],
    ['a quantity that is no number', { quantity: 'NaN' }],
  ] as const)('stores nothing when a row has %s', async (_, over) => {
    await expect(client().ledgerEntry.createMany({ data: [row(), row(over)] })).rejects.toThrow()
    expect(await db.query('SELECT 1 FROM ledger_entry')).toEqual([])
  })

  it('reports a value that a CHECK refuses by its SQLSTATE', async () => {
    const error: unknown = await client()
      .deadLetter.createMany({ data: [letter(), letter({ stage: 'nowhere' })] })
      .catch((e: unknown) => e)
    expect(classifyError(error)).toMatchObject({ sqlstate: '23514', fate: 'row' })
    expect(await db.query('SELECT 1 FROM dead_letter')).toEqual([])
  })

  it('refuses a field that does not exist', async () => {
    const wrong = { ...row(), colour: 'red' } as LedgerInput
    const error: unknown = await client()
      .ledgerEntry.createMany({ data: [wrong] })
      .catch((e: unknown) => e)
    expect(classifyError(error)).toMatchObject({ fate: 'fatal', sqlstate: null })
  })

  it('writes inside the transaction: a rollback takes it along', async () => {
    const left = database.transaction(async (tx) => {
      await tx.ledgerEntry.createMany({ data: [row()] })
      await tx.ledgerEntry.createManyAndReturn({ data: [row()], skipDuplicates: true, select: ids })
      await tx.deadLetter.createMany({ data: [letter()] })
      const [seen] = await tx.$queryRawUnsafe<{ n: bigint }[]>('SELECT count(*) AS n FROM ledger_entry')
      throw new Error(`saw ${seen?.n}`)
    })
    await expect(left).rejects.toThrow('saw 2')
    expect(await db.query('SELECT 1 FROM ledger_entry UNION ALL SELECT 1 FROM dead_letter')).toEqual([])
  })

  it('goes on after a refused row when a savepoint was set', async () => {
    const good = row()
    await database.transaction(async (tx) => {
      await tx.$executeRawUnsafe('SAVEPOINT s')
      await expect(tx.ledgerEntry.createMany({ data: [row({ quantity: 'NaN' })] })).rejects.toThrow()
      await tx.$executeRawUnsafe('ROLLBACK TO SAVEPOINT s')
      await tx.ledgerEntry.createMany({ data: [good] })
    })
    expect(await db.query('SELECT event_id FROM ledger_entry')).toEqual([{ event_id: good.eventId }])
  })
})

describe('what only the fast writer can be asked', () => {
  it('refuses loudly what it does not support', async () => {
    const db = await openTestDatabase()
    const database = createDatabase({ url: db.url, poolSize: 1, writer: 'fast' })
    const entries = database.client().ledgerEntry
    const wide = { eventId: true, userId: true, quantity: true } as unknown as typeof ids
    await expect(entries.createManyAndReturn({ data: [row()], select: wide })).rejects.toThrow(/select both/)
    const omit = { data: [row()], omit: {} } as Parameters<typeof entries.createMany>[0]
    await expect(entries.createMany(omit)).rejects.toThrow(/does not support omit/)
    const mixed = [row({ createdAt: new Date() }), row()]
    await expect(entries.createMany({ data: mixed })).rejects.toThrow(/created_at: a value is missing/)
    expect(await db.query('SELECT 1 FROM ledger_entry')).toEqual([])
    await database.close()
    await db.close()
  })
})

describe('COPY into the ledger, behind createManyAndReturn in a transaction', () => {
  let db: TestDatabase
  let database: Database
  beforeAll(async () => {
    db = await openTestDatabase()
  })
  afterAll(() => db.close())
  beforeEach(async () => {
    await db.query('TRUNCATE ledger_entry')
    database = createDatabase({ url: db.url, poolSize: 2, writer: 'fast' })
  })
  afterEach(() => database.close())

  /** Enough of them for COPY. */
  const many = (n: number, over: (index: number) => Partial<LedgerInput> = () => ({})) =>
    Array.from({ length: n }, (_, index) => row({ lineNumber: index, ...over(index) }))
  const insert = (tx: Tx, data: LedgerInput[]) =>
    tx.ledgerEntry.createManyAndReturn({ data, skipDuplicates: true, select: ids })
  const put = (data: LedgerInput[]) => database.transaction((tx) => insert(tx, data))
  const fault = (data: LedgerInput[]) => put(data).catch((error: unknown) => classifyError(error))
  const idsOf = (rows: readonly { eventId: string }[]) => rows.map(({ eventId }) => eventId).sort()
  const stored = async () =>
    idsOf(await db.query<{ eventId: string }>('SELECT event_id AS "eventId" FROM ledger_entry'))
  /** Of the transaction that is open: what it was done by. */
  const lastStatement = async () => {
    const [session] = await db.query<{ query: string }>(
      `SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`,
    )
    return session?.query
  }

  it('stores what the other ways store, whatever the texts and numbers are', async () => {
    const given = many(200, (index) => {
      const [text, n] = [TEXTS[index % TEXTS.length]!, NUMBERS[index % NUMBERS.length]!]
      const payloadHash = new Uint8Array([index, 0, 92, 10, 9])
      return {
        eventId: uuid(index),
        userId: text,
        invoiceId: text,
        currency: text,
        topic: text,
        quantity: n,
        unitPrice: n,
        payloadHash,
      }
    })
    expect(await put(given)).toHaveLength(200)
    const columns = `event_id, user_id, item_id, invoice_id, line_number, quantity, unit_price, currency, occurred_at,
      payload_hash, topic, partition, record_offset`
    const byCopy = await db.query(`SELECT ${columns} FROM ledger_entry ORDER BY event_id`)
    await db.query('TRUNCATE ledger_entry')
    // Too few at a time for COPY.
    await database.client().ledgerEntry.createMany({ data: given })
    expect(await db.query(`SELECT ${columns} FROM ledger_entry ORDER BY event_id`)).toEqual(byCopy)
    expect(byCopy).toHaveLength(200)
  })

  it('says which rows were new when some were there, in the same transaction, and goes on without COPY for a while', async () => {
    const [old, fresh] = [many(100), many(100)]
    await put(old)
    expect(idsOf(await put([...fresh, ...old]))).toEqual(idsOf(fresh))
    const later = many(100)
    const used = await database.transaction(async (tx) => {
      await insert(tx, later)
      return lastStatement()
    })
    expect(used).toMatch(/unnest/)
    expect(await stored()).toEqual(idsOf([...old, ...fresh, ...later]))
  })

  it.each([
    ['a number too large', { quantity: '1000000000000' }, '22003'],
    ['a NUL in a text', { invoiceId: 'a\0b' }, '22021'],
    ['no uuid', { eventId: 'no-uuid' }, '22P02'],
  ] as const)('refuses %s by its SQLSTATE, with nothing left', async (_, over, sqlstate) => {
    expect(await fault([...many(100), row(over)])).toMatchObject({ sqlstate, fate: 'row' })
    expect(await stored()).toEqual([])
  })

  it('waits for another who writes the same event, and then knows it', async () => {
    const both = many(100)
    const other = await db.connect()
    await other.query('BEGIN')
    const first = both[0]!
    await other.query(
      `INSERT INTO ledger_entry (event_id, user_id, item_id, invoice_id, line_number, quantity, unit_price, currency,
         occurred_at, payload_hash, topic, partition, record_offset)
       VALUES ($1, $2, 1, 'i', 1, 1, 1, 'GBP', now(), 'x', 't', 0, 0)`,
      [first.eventId, first.userId],
    )
    const writing = put(both)
    await until('it to wait', async () => {
      const [waiting] = await db.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
      return (waiting?.n ?? 0) > 0
    })
    await other.query('COMMIT')
    other.release()
    expect(idsOf(await writing)).toEqual(idsOf(both.slice(1)))
  })

  it('leaves it alone where the table does not take it: row-level security knows INSERT only', async () => {
    await db.query(
      `DROP ROLE IF EXISTS copy_guest; CREATE ROLE copy_guest; GRANT ALL ON ALL TABLES IN SCHEMA public TO copy_guest`,
    )
    await db.query(`ALTER TABLE ledger_entry ENABLE ROW LEVEL SECURITY`)
    await db.query(`CREATE POLICY all_rows ON ledger_entry USING (true) WITH CHECK (true)`)
    try {
      const rows = many(100)
      const found = await database.transaction(async (tx) => {
        await tx.$executeRawUnsafe('SET LOCAL ROLE copy_guest')
        return insert(tx, rows)
      })
      expect(idsOf(found)).toEqual(idsOf(rows))
      expect(await stored()).toEqual(idsOf(rows))
    } finally {
      await db.query(`DROP POLICY all_rows ON ledger_entry; ALTER TABLE ledger_entry DISABLE ROW LEVEL SECURITY`)
      await db.query(`DROP OWNED BY copy_guest; DROP ROLE copy_guest`)
    }
  })

  it('knows which rows a trigger passed over', async () => {
    await db.query(`CREATE FUNCTION pass_over() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.line_number = 7 THEN RETURN NULL; END IF; RETURN NEW; END $$`)
    await db.query('CREATE TRIGGER pass_over BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION pass_over()')
    try {
      const rows = many(100)
      expect(idsOf(await put(rows))).toEqual(idsOf(rows.filter(({ lineNumber }) => lineNumber !== 7)))
    } finally {
      await db.query('DROP FUNCTION pass_over CASCADE')
    }
  })

  it('is undone with the transaction', async () => {
    const left = database.transaction(async (tx) => {
      expect(await insert(tx, many(100))).toHaveLength(100)
      expect(await lastStatement()).toMatch(/^SAVEPOINT copied; COPY ledger_entry/)
      throw new Error('rolled back')
    })
    await expect(left).rejects.toThrow('rolled back')
    expect(await stored()).toEqual([])
  })

  it('ends with the statement time-out, and with a connection that is cut', async () => {
    const holder = await db.connect()
    await holder.query('BEGIN; LOCK TABLE ledger_entry IN SHARE MODE')
    const hasty = createDatabase({ url: db.url, poolSize: 1, writer: 'fast', statementTimeoutMs: 300 })
    const slow = await hasty.transaction((tx) => insert(tx, many(100))).catch((error: unknown) => classifyError(error))
    expect(slow).toMatchObject({ sqlstate: '57014', fate: 'transient' })
    await hasty.close()
    const cut = put(many(100)).catch((error: unknown) => classifyError(error))
    const waiting = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    const [{ pid } = { pid: 0 }] = await until('it to wait', async () => {
      const found = await db.query<{ pid: number }>(waiting)
      return found.length > 0 ? found : null
    })
    await db.query('SELECT pg_terminate_backend($1)', [pid])
    expect(await cut).toMatchObject({ sqlstate: '57P01', fate: 'transient' })
    await holder.query('ROLLBACK')
    holder.release()
    expect(await put(many(100))).toHaveLength(100)
  })
})
