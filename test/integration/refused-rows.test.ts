// A CHECK that a thousandth of the rows break: exactly those become dead letters, everything else is in the ledger. The CHECK
// goes, they are replayed, and the ledger is whole. SLUICE_WHOLE_FILE=1 takes the whole retail file. The tests of this file build
// on one another.
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createGunzip } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectedOf } from '../../src/demo/oracle.ts'
import { readTopic } from '../../src/kafka/read-topic.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { openArena } from '../support/arena.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

const RETAIL = fileURLToPath(new URL('../../../shared/data/online-retail-2010-12_2011-05.csv.gz', import.meta.url))
const retail = existsSync(RETAIL)
const LINES = process.env['SLUICE_WHOLE_FILE'] ? 209_029 : 40_000
const COLUMNS = {
  invoiceId: 'InvoiceNo',
  sku: 'StockCode',
  description: 'Description',
  quantity: 'Quantity',
  unitPrice: 'UnitPrice',
  occurredAt: 'InvoiceDate',
}
const FROM_CSV = ['--user', 'u-1', '--currency', 'GBP', ...Object.entries(COLUMNS).flatMap(([f, c]) => ['--column', `${f}=${c}`])] // prettier-ignore

/** Four of 4,096 beginnings of an event id, which is a hash of what the line is: the same lines in every run. */
const REFUSED = ['0a7', '3c1', '77e', 'd05']
const CHECK = `CHECK (substr(event_id::text, 1, 3) NOT IN (${REFUSED.map((start) => `'${start}'`).join(', ')}))`
const isRefused = (eventId: string) => REFUSED.includes(eventId.toLowerCase().slice(0, 3))

async function* firstLines(count: number) {
  let taken = 0
  for await (const line of createInterface({ input: createReadStream(RETAIL).pipe(createGunzip()) })) {
    yield `${line}\n`
    if (++taken === count) return
  }
}

describe(`${LINES.toLocaleString('en')} line items, ${retail ? 'from the retail file' : 'GENERATED: the retail file is not here'}, of which a CHECK refuses a thousandth`, () => {
  let world: World
  let folder = ''
  /** Recomputed from the topic. */
  let events: { eventId: string; quantityMicros: bigint }[] = []
  beforeAll(async () => {
    world = await openArena(4)
    folder = await mkdtemp(join(tmpdir(), 'sluice-refused-'))
  })
  afterAll(async () => {
    await world.close()
    await rm(folder, { recursive: true })
  })

  const publish = async () => {
    const file = join(folder, 'lines.csv')
    if (retail) await pipeline(Readable.from(firstLines(LINES + 1)), createWriteStream(file))
    const input = retail ? [file, ...FROM_CSV] : ['--generate', String(LINES), '--seed', '7', '--bad', '0']
    const { exitCode, stderr } = await world.sluice(['publish', '--json', ...input])
    expect(exitCode, String(stderr)).toBe(0)
    const records = await readTopic(world.config.kafka, world.config.topic, createLog('silent'))
    events = [...expectedOf(records).events.values()]
  }
  const ledger = async () =>
    (await world.query<{ id: string }>('SELECT event_id::text AS id FROM ledger_entry')).map(({ id }) => id).sort()
  const letters = () =>
    world.query<{ code: string; sqlstate: string; status: string; id: string }>(
      `SELECT code, sqlstate, status, convert_from(value, 'UTF8')::jsonb ->> 'eventId' AS id
         FROM dead_letter WHERE code = 'ROW_REJECTED'`,
    )
  /** Σ quantity, and items whose quantity on hand is not the sum of their entries. */
  const inventory = async () => {
    const [row] = await world.query<{ total: string; wrong: string }>(
      `SELECT (sum(i.quantity) * 1000000)::bigint AS total, count(*) FILTER (WHERE i.quantity IS DISTINCT FROM l.quantity) AS wrong
         FROM inventory i FULL JOIN (SELECT item_id, sum(quantity) AS quantity FROM ledger_entry GROUP BY 1) l USING (item_id)`,
    )
    return { total: BigInt(row!.total), wrong: Number(row!.wrong) }
  }
  const total = (some: typeof events) => some.reduce((sum, { quantityMicros }) => sum + quantityMicros, 0n)
  const idsOf = (some: typeof events) => some.map(({ eventId }) => eventId.toLowerCase()).sort()
  const reconciled = async () => {
    const { exitCode, stdout } = await world.sluice(['reconcile', '--json'])
    return { exitCode, ok: (JSON.parse(String(stdout)) as { ok: boolean }).ok }
  }

  test('exactly those are dead letters, all others are in the ledger, and the inventory is exact', async () => {
    await world.query(`ALTER TABLE ledger_entry ADD CONSTRAINT a_thousandth ${CHECK}`)
    const member = world.start('member')
    await member.logged('partitions assigned')
    await publish()
    await world.drained(120_000)

    const refused = events.filter(({ eventId }) => isRefused(eventId))
    const good = events.filter(({ eventId }) => !isRefused(eventId))
    if (retail) expect(events).toHaveLength(LINES)
    expect(refused.length).toBeGreaterThan(LINES / 2_000)
    expect(refused.length).toBeLessThan(LINES / 500)
    expect(await ledger()).toEqual(idsOf(good))
    const dead = await letters()
    expect([...new Set(dead.map(({ id }) => id.toLowerCase()))].sort()).toEqual(idsOf(refused))
    if (retail) expect(dead).toHaveLength(refused.length)
    const kinds = new Set(dead.map(({ code, sqlstate, status }) => `${code} ${sqlstate} ${status}`))
    expect([...kinds]).toEqual(['ROW_REJECTED 23514 open'])
    expect(await inventory()).toEqual({ total: total(good), wrong: 0 })
    expect(await reconciled()).toEqual({ exitCode: 0, ok: true })
    if (retail) expect((await world.totals()).deadLettered).toBe(dead.length)
  }, 240_000)

  test('an invoice with one of them tells which line, and why', async () => {
    const [letter] = await world.query<{ id: string; invoice: string; user: string; line: number }>(
      `SELECT id, invoice_id AS invoice, user_id AS "user", line_number AS line FROM dead_letter
        WHERE code = 'ROW_REJECTED' ORDER BY id LIMIT 1`,
    )
    const { exitCode, stdout } = await world.sluice(['invoice', letter!.invoice, '--user', letter!.user, '--json'])
    const result = JSON.parse(String(stdout)) as Record<string, unknown>
    const [counts] = await world.query<{ written: number }>(
      'SELECT count(*)::integer AS written FROM ledger_entry WHERE invoice_id = $1 AND user_id = $2',
      [letter!.invoice, letter!.user],
    )
    expect([exitCode, result]).toEqual([
      1,
      expect.objectContaining({
        status: counts!.written > 0 ? 'partial_success' : 'failed',
        itemsProcessed: counts!.written,
        failedItems: expect.arrayContaining([
          expect.objectContaining({ line: letter!.line, code: 'ROW_REJECTED', deadLetterId: letter!.id }),
        ]) as unknown,
      }),
    ])
  })

  test('once the CHECK is gone, a replay of their code brings the ledger to the full set', async () => {
    expect(events.length, 'the first test').toBeGreaterThan(0)
    const before = (await letters()).length
    await world.query('ALTER TABLE ledger_entry DROP CONSTRAINT a_thousandth')
    const { exitCode, stdout, stderr } = await world.sluice(['dlq', 'replay', '--code', 'ROW_REJECTED', '--yes'])
    expect(exitCode, `${String(stdout)}${String(stderr)}`).toBe(0)
    await until(
      'every letter is resolved',
      async () => (await letters()).every(({ status }) => status === 'resolved'),
      {
        timeoutMs: 60_000,
      },
    )
    await world.drained()
    expect(await ledger()).toEqual(idsOf(events))
    // Not a second letter of any.
    expect(await letters()).toHaveLength(before)
    expect(await inventory()).toEqual({ total: total(events), wrong: 0 })
    expect(await reconciled()).toEqual({ exitCode: 0, ok: true })
  }, 120_000)
})
