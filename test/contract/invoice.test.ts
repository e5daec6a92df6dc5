// What became of an invoice, from what the real sink wrote and from letters moved through their life by hand.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { invoiceCommand } from '../../src/cli/invoice.ts'
import { faultOf } from '../../src/line-items/fault.ts'
import { type InvoiceResult, invoiceResults, MAX_USERS } from '../../src/line-items/invoice-result.ts'
import { readInvoice } from '../../src/sink/invoice-report.ts'
import { batchOf, entryOf, lineItem, linesAt, openSink, type OpenSink, openTestDatabase, recordAt, startAt, type TestDatabase, TOPIC } from '../support/sink.ts' // prettier-ignore

const INVOICE = 'I-1'

describe('an invoice', () => {
  let db: TestDatabase
  let open: OpenSink
  let at = 0n
  beforeAll(async () => {
    db = await openTestDatabase()
    open = openSink(db.url)
  })
  afterAll(async () => {
    await open.close()
    await db.close()
  })
  beforeEach(async () => {
    await db.query('TRUNCATE ledger_entry, dead_letter, inventory, consumer_offset')
    at = 0n
    await startAt(open, [0])
  })

  const ask = async (userId: string | null = null, invoiceId = INVOICE, limit = 1_000): Promise<InvoiceResult[]> => {
    const asked = { invoiceId, userId, limit }
    return invoiceResults(asked, await readInvoice(open.database, asked))
  }
  const write = async (...lines: Parameters<typeof lineItem>[0][]) => {
    const items = lines.map((over) => lineItem({ invoiceId: INVOICE, ...over }))
    await open.sink.write(batchOf(linesAt(0, at, items)))
    at += BigInt(lines.length)
  }
  type Claims = { userId?: string | null; invoiceId?: string | null; lineNumber?: number | null; key?: string }
  /** A dead letter; its record claims as much as is given. */
  const refuse = async ({ key = INVOICE, ...claims }: Claims) => {
    const claimed = { userId: null, invoiceId: null, lineNumber: null, ...claims }
    const record = recordAt(0, at, { key: Buffer.from(key) })
    await open.sink.write(batchOf([entryOf(record, { kind: 'rejected', fault: faultOf('NUMERIC_SCALE', '/quantity'), claimed })])) // prettier-ignore
    at += 1n
  }
  const move = (status: string) => db.query('UPDATE dead_letter SET status = $1', [status])

  /** `sluice invoice`: what it writes to stderr, and its exit code. */
  const command = async () => {
    const said = { stdout: '', stderr: '', code: -1 }
    const stdout = { write: (text: string) => (said.stdout += text) } as unknown as NodeJS.WriteStream
    const stderr = { write: (text: string) => (said.stderr += text) } as unknown as NodeJS.WriteStream
    const io = { stdout, stderr, env: { DATABASE_URL: db.url }, drain: new AbortController().signal }
    await invoiceCommand(io, (code) => (said.code = code)).parseAsync([INVOICE], { from: 'user' })
    return said
  }

  const success = { status: 'success', itemsFailed: 0, itemsDiscarded: 0, failedItems: [] }

  it('of which every line is in the ledger succeeded, for each user who has one of that id', async () => {
    await write({ userId: 'u-1' }, { userId: 'u-2' }, { userId: 'u-1' }, { userId: 'u-3', invoiceId: 'I-10' })
    expect(await ask()).toMatchObject([
      { invoiceId: INVOICE, userId: 'u-1', itemsProcessed: 2, ...success },
      { invoiceId: INVOICE, userId: 'u-2', itemsProcessed: 1, ...success },
    ])
    expect(await ask('u-2')).toMatchObject([{ userId: 'u-2', itemsProcessed: 1, ...success }])
  })

  it('that nobody knows is unknown, with a user or without', async () => {
    await write({ invoiceId: 'I-2' })
    await refuse({ key: 'I-2', userId: 'u-1', invoiceId: 'I-2' })
    const unknown = { status: 'unknown', itemsProcessed: 0, itemsFailed: 0, itemsUnread: 0, failedItems: [], processedLines: [], moreProcessedLines: false, processingTimeMs: null, firstSettledAt: null, lastSettledAt: null } // prettier-ignore
    expect(await ask()).toEqual([{ invoiceId: INVOICE, userId: null, itemsDiscarded: 0, ...unknown }])
    expect(await ask('u-1')).toEqual([{ invoiceId: INVOICE, userId: 'u-1', itemsDiscarded: 0, ...unknown }])
  })

  it('partly succeeded when a line of it is a dead letter, which is listed with why and where', async () => {
    await write({}, {})
    await refuse({ userId: 'u-1', invoiceId: INVOICE, lineNumber: 7 })
    await refuse({ userId: 'u-1', invoiceId: INVOICE, lineNumber: 3 })
    const [letter] = await db.query<{ id: string }>('SELECT id FROM dead_letter WHERE line_number = 3')
    const [result, ...more] = await ask()
    expect(more).toEqual([])
    expect(result).toMatchObject({ status: 'partial_success', itemsProcessed: 2, itemsFailed: 2, itemsDiscarded: 0 })
    expect(result!.failedItems).toEqual([
      {
        userId: 'u-1',
        line: 3,
        code: 'NUMERIC_SCALE',
        error: 'The number has more than 6 decimals.',
        path: '/quantity',
        deadLetterId: letter!.id,
        status: 'open',
        group: 'test-group',
        topic: TOPIC,
        partition: 0,
        offset: 3n,
      },
      expect.objectContaining({ line: 7, offset: 2n }),
    ])
  })

  it('failed when nothing of it is in the ledger', async () => {
    await refuse({ userId: 'u-1', invoiceId: INVOICE })
    expect(await ask()).toMatchObject([{ userId: 'u-1', status: 'failed', itemsProcessed: 0, itemsFailed: 1 }])
  })

  it.each(['open', 'replayed', 'parked'])('has a failed line while its letter is %s', async (status) => {
    await write({})
    await refuse({ userId: 'u-1', invoiceId: INVOICE })
    await move(status)
    expect(await ask()).toMatchObject([{ status: 'partial_success', itemsFailed: 1, failedItems: [{ status }] }])
  })

  it('succeeded when all its letters are resolved', async () => {
    await write({})
    await refuse({ userId: 'u-1', invoiceId: INVOICE })
    await move('resolved')
    expect(await ask()).toMatchObject([{ itemsProcessed: 1, ...success }])
  })

  it('succeeded without the lines that somebody discarded, which are listed; with nothing else it failed', async () => {
    await refuse({ userId: 'u-1', invoiceId: INVOICE })
    await move('discarded')
    const discarded = { itemsFailed: 0, itemsDiscarded: 1, failedItems: [{ status: 'discarded' }] }
    expect(await ask()).toMatchObject([{ status: 'failed', itemsProcessed: 0, ...discarded }])
    await write({})
    expect(await ask()).toMatchObject([{ status: 'success', itemsProcessed: 1, ...discarded }])
  })

  it('has the records with its id as their key that could not be read: counted to every user of it, listed once', async () => {
    await write({ userId: 'u-1' }, { userId: 'u-2' })
    await refuse({ key: INVOICE })
    const missing = { status: 'partial_success', itemsFailed: 1, itemsUnread: 1, failedItems: [] }
    const unread = { userId: null, status: 'failed', itemsFailed: 1, itemsUnread: 0, failedItems: [{ line: null }] }
    expect(await ask()).toMatchObject([{ userId: 'u-1', ...missing }, { userId: 'u-2', ...missing }, unread])
    expect(await ask('u-2')).toMatchObject([{ userId: 'u-2', ...missing }, unread])
    expect((await command()).code).toBe(1)
    await move('discarded')
    expect(await command()).toMatchObject({ code: 0, stderr: '' })
    await move('resolved')
    expect(await ask()).toMatchObject([success, success])
  })

  it('has the record without a readable invoice id by its key, for the user that it names', async () => {
    await write({ userId: 'u-1' })
    await refuse({ key: INVOICE, userId: 'u-2', lineNumber: 4 })
    expect(await ask()).toMatchObject([
      { userId: 'u-1', ...success },
      { userId: 'u-2', status: 'failed', failedItems: [{ line: 4 }] },
    ])
    expect(await ask('u-1')).toMatchObject([success])
  })

  it('is of nobody when none of its records could be read', async () => {
    await refuse({ key: INVOICE })
    await refuse({ key: 'other', invoiceId: INVOICE })
    expect(await ask()).toMatchObject([{ userId: null, status: 'failed', itemsFailed: 2 }])
  })

  it('has no record that claims another invoice, whatever its key', async () => {
    await write({})
    await refuse({ key: INVOICE, userId: 'u-1', invoiceId: 'I-2' })
    expect(await ask()).toMatchObject([success])
  })

  it('took from the first to the last time that a record of it was settled', async () => {
    await write({}, {})
    const [first] = await ask()
    expect(first).toMatchObject({ processingTimeMs: 0, firstSettledAt: first!.lastSettledAt })
    await refuse({ key: INVOICE })
    await db.query(`UPDATE dead_letter SET created_at = $1::timestamptz + interval '1500 ms'`, [first!.firstSettledAt])
    const [both] = await ask()
    expect(both).toMatchObject({ processingTimeMs: 1_500, firstSettledAt: first!.firstSettledAt })
    await db.query(`UPDATE dead_letter SET created_at = $1::timestamptz - interval '2 s'`, [first!.firstSettledAt])
    expect(await ask()).toMatchObject([
      { processingTimeMs: 2_000, lastSettledAt: first!.lastSettledAt },
      { userId: null },
    ])
  })

  it('lists as many failed lines as are asked for, and counts all', async () => {
    for (const userId of ['u-1', 'u-1', 'u-1', null, null, null]) await refuse({ key: INVOICE, userId })
    const results = await ask(null, INVOICE, 2)
    expect(results.map(({ itemsFailed, failedItems }) => [itemsFailed, failedItems.length])).toEqual([
      [6, 2],
      [3, 2],
    ])
  })

  it('tells which lines are in the ledger, each once and as many ranges as are asked for; whether there are more', async () => {
    const largest = 2 ** 31 - 1
    for (const lineNumber of [7, 1, 3, 2, 2, largest]) await write({ lineNumber })
    await write({ userId: 'u-2', lineNumber: 5 })
    await refuse({ userId: 'u-1', invoiceId: INVOICE, lineNumber: 4 })
    const told = async (limit: number) =>
      (await ask(null, INVOICE, limit)).map((each) => [each.processedLines, each.moreProcessedLines])
    const all = [{ from: 1, to: 3 }, { from: 7, to: 7 }, { from: largest, to: largest }] // prettier-ignore
    expect(await told(3)).toEqual([[all, false], [[{ from: 5, to: 5 }], false]]) // prettier-ignore
    expect((await told(2))[0]).toEqual([all.slice(0, 2), true])
    expect((await command()).stdout).toContain(`lines in the ledger: 1–3, 7, ${largest}\n`)
  })

  it('of more users than are told of says so, and these are complete: the first of ledger and letters together', async () => {
    const names = Array.from({ length: MAX_USERS + 10 }, (_, at) => `u-${String(at).padStart(3, '0')}`)
    await write(...names.filter((_, at) => at % 2 === 0).map((userId) => ({ userId })))
    for (const userId of names.filter((_, at) => at % 3 === 0))
      await refuse({ key: 'other', userId, invoiceId: INVOICE })
    await refuse({ key: INVOICE, userId: names[1]! })
    const has = (at: number) => at % 2 === 0 || at % 3 === 0 || at === 1
    const expected = names.flatMap((userId, at) =>
      has(at) ? [[userId, at % 2 === 0 ? 1 : 0, at % 3 === 0 || at === 1 ? 1 : 0]] : [],
    )
    const told = async () =>
      (await ask()).map(({ userId, itemsProcessed, itemsFailed }) => [userId, itemsProcessed, itemsFailed])
    expect(await told()).toEqual(expected)
    for (const userId of ['z-1', 'z-2', 'z-3', 'z-4', 'z-5', 'z-6', 'z-7', 'z-8', 'z-9', 'z-a']) await write({ userId })
    const asked = { invoiceId: INVOICE, userId: null, limit: 1 }
    const facts = await readInvoice(open.database, asked)
    expect(facts.more).toBe(true)
    expect((await command()).stderr).toContain('more than 50 users')
    expect(invoiceResults(asked, facts)).toHaveLength(MAX_USERS)
    expect((await told()).slice(0, expected.length)).toEqual(expected.slice(0, MAX_USERS))
  })

  it('is found among many users by looks into an index, not by reading the ledger', async () => {
    await db.query(`
      INSERT INTO ledger_entry (event_id, user_id, item_id, invoice_id, line_number, quantity, unit_price, currency,
        occurred_at, payload_hash, topic, partition, record_offset)
      SELECT gen_random_uuid(), 'user-' || g % 300, 1, 'I-' || g / 300, 1, 1, 1, 'GBP', now(), '', 't', 0, g
      FROM generate_series(1, 30000) g;
      ANALYZE ledger_entry`)
    const one = openSink(db.url, { poolSize: 1 })
    const rowsRead = async () => {
      await one.database.client().$queryRawUnsafe('SELECT 1 FROM (SELECT pg_stat_force_next_flush()) f')
      const [row] = await db.query<{ n: string }>(
        `SELECT seq_tup_read + idx_tup_fetch + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes
           WHERE relname = 'ledger_entry') AS n FROM pg_stat_user_tables WHERE relname = 'ledger_entry'`,
      )
      return Number(row!.n)
    }
    const before = await rowsRead()
    const { tallies, more } = await readInvoice(one.database, { invoiceId: 'I-42', userId: null, limit: 9 })
    expect([tallies.length, more]).toEqual([MAX_USERS, true])
    const read = (await rowsRead()) - before
    expect(read).toBeGreaterThan(0)
    // Twice for each user that is told of, and once for each looked at; not for the 300 there are.
    expect(read).toBeLessThan(600)
    await one.close()
  })
})
