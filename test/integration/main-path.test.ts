// The way of a file, end to end, with members that come, go and are killed. The tests of this file build on one another.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import type { Member } from '../support/member.ts'
import { notOk, proveWorld } from '../support/oracle.ts'
import { until } from '../support/until.ts'
import { holdFlushes, type World } from '../support/world.ts'

const RETAIL = fileURLToPath(new URL('../../../shared/data/online-retail-2010-12_2011-05.csv.gz', import.meta.url))
const LINES = 209_029
const retail = existsSync(RETAIL)
const COLUMNS = {
  invoiceId: 'InvoiceNo',
  sku: 'StockCode',
  description: 'Description',
  quantity: 'Quantity',
  unitPrice: 'UnitPrice',
  occurredAt: 'InvoiceDate',
}
const PUBLISH = retail
  ? [
      RETAIL,
      '--user',
      'u-1',
      '--currency',
      'GBP',
      ...Object.entries(COLUMNS).flatMap(([f, c]) => ['--column', `${f}=${c}`]),
    ]
  : ['--generate', String(LINES), '--seed', '7']

/** Row counts and a digest of every row (what and where; `item_id` and `created_at` too). */
const digest = async ({ query }: World) =>
  query(`SELECT t, count(*) AS rows, sum(hashtextextended(row, 0))::text AS digest FROM (
           SELECT 'ledger' AS t, l::text AS row FROM ledger_entry l UNION ALL
           SELECT 'inventory', i::text FROM inventory i) x GROUP BY t ORDER BY t`)

describe(`${LINES.toLocaleString('en')} line items, ${retail ? 'the retail file' : 'GENERATED: the retail file is not here'}`, () => {
  let world: World
  let survivors: Member[] = []
  beforeAll(async () => {
    console.log(retail ? `main path: the retail file` : `main path: NO RETAIL FILE, a generated set of the same size`)
    world = await openArena(6)
  })
  afterAll(() => world.close())

  test('are exact with three members, of which one leaves and one is killed in its flush and replaced', async () => {
    const [first, leaving, dying] = ['first', 'leaving', 'dying'].map((name) => world.start(name))
    for (const member of [first!, leaving!, dying!]) await member.logged('partitions assigned')
    const publishing = world.sluice(['publish', '--json', ...PUBLISH])

    await until('a fifth is settled', async () => (await world.settled()) > LINES / 5)
    leaving!.kill('SIGTERM')
    expect(await leaving!.ended, leaving!.tail()).toEqual({ code: 0, signal: null })

    const held = await holdFlushes(world)
    const backend = await held.blocked(dying!)
    dying!.kill('SIGKILL')
    expect(await dying!.ended).toEqual({ code: null, signal: 'SIGKILL' })
    await held.release()
    // PostgreSQL finds the connection closed and undoes what the dead member had written.
    await until(
      'its transaction is over',
      async () => (await world.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [backend])).length === 0,
    )
    survivors = [first!, world.start('replacement')]

    const { exitCode, stdout } = await publishing
    const report = JSON.parse(String(stdout)) as { published: number; faults: number }
    expect([exitCode, report]).toEqual([0, expect.objectContaining({ published: LINES, faults: 0 })])
    await world.drained(120_000)
    const { lines, expected, records } = await proveWorld(world)
    expect(notOk(lines)).toEqual([])
    expect(records).toHaveLength(LINES)
    if (retail) expect(expected.events.size).toBe(LINES)
    if (retail) expect(lines.at(-1)!.what).toContain('items (user, sku)')
  }, 240_000)

  test('change nothing when the file is published again', async () => {
    expect(survivors, 'the test before this one').toHaveLength(2)
    const before = await digest(world)
    const totals = await world.totals()
    const { exitCode } = await world.sluice(['publish', '--json', ...PUBLISH])
    expect(exitCode).toBe(0)
    await world.drained(120_000)
    expect(await digest(world)).toEqual(before)
    const { inserted, deadLettered, duplicate, ignored } = await world.totals()
    expect(inserted).toBe(totals.inserted)
    // A record that must fail fails again, at its new place; all others are known.
    const again = LINES - (deadLettered - totals.deadLettered) - (ignored - totals.ignored)
    expect(duplicate - totals.duplicate).toBe(again)
    if (retail) expect(again).toBe(LINES)
  }, 180_000)

  test('are not read again after a clean stop', async () => {
    expect(survivors, 'the first test').toHaveLength(2)
    for (const member of survivors) member.kill('SIGTERM')
    expect(await Promise.all(survivors.map((member) => member.ended))).toEqual(
      survivors.map(() => ({ code: 0, signal: null })),
    )
    const stopped = await world.standing()
    for (const { next, committed, end } of stopped) expect([committed, end]).toEqual([next, next])

    const next = world.start('next')
    for (const { partition } of stopped)
      expect(await next.logged('starting position', (line) => line['partition'] === partition)).not.toHaveProperty(
        'note',
      )
    expect(await world.standing()).toEqual(stopped)
    // One new record for each partition is all that it reads.
    await world.send(stopped.map(({ partition }) => recordOf(event(), partition)))
    await world.drained()
    next.kill('SIGTERM')
    expect(await next.ended).toEqual({ code: 0, signal: null })
    const sum = (field: string) => next.lines('flushed').reduce((total, line) => total + Number(line[field]), 0)
    expect([sum('records'), sum('inserted'), sum('duplicates')]).toEqual([6, 6, 0])
    expect(next.lines().filter(({ level }) => level !== 'info' && level !== 'debug')).toEqual([])
  })
})
