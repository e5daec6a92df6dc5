// `sluice reconcile` while members write: it never finds what is not there, and finds what is. The tests of this file build on one
// another.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import { QUICK_SESSION } from '../support/member.ts'
import { notOk, proveWorld } from '../support/oracle.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

type Found = { ok: boolean; heldMs: number; checks: { name: string; compared: number; wrong: number; examples: string[] }[] } // prettier-ignore

let world: World
beforeAll(async () => {
  world = await openArena(4)
})
afterAll(() => world.close())

const reconcile = async () => {
  const { exitCode, stdout, stderr } = await world.sluice(['reconcile', '--json'])
  expect(stderr).toBe('')
  return { exitCode, ...(JSON.parse(String(stdout)) as Found) }
}
const wrongIn = ({ checks }: Found) => checks.filter(({ wrong }) => wrong > 0).map(({ name }) => name)
const entriesIn = ({ checks }: Found) => checks.find(({ name }) => name === 'ledger-items')!.compared

test('finds nothing, run after run, while two members write and one of them is killed', async () => {
  const [staying, dying] = ['staying', 'dying'].map((name) =>
    world.start(name, { ...QUICK_SESSION, FLUSH_MAX_RECORDS: '100' }),
  )
  for (const member of [staying!, dying!]) await member.logged('partitions assigned')
  await world.send([recordOf(event({ invoiceId: 'BAD-1', quantity: '0' }), 0)]) // for `sluice invoice` below
  const publishing = world.sluice(['publish', '--generate', '500000', '--seed', '3', '--rate', '500'])
  const runs: (Found & { exitCode: number | undefined })[] = []
  let inserted = 0
  while (runs.length < 6) {
    // Each run is in the middle of it.
    await until('more is written', async () => (await world.totals()).inserted > inserted)
    runs.push(await reconcile())
    ;({ inserted } = await world.totals())
    if (runs.length === 2) dying!.kill('SIGKILL')
    if (runs.length === 3) world.start('replacement', QUICK_SESSION)
  }
  publishing.kill('SIGINT')
  expect((await publishing).exitCode).toBe(130)
  await world.drained(120_000)
  runs.push(await reconcile())
  expect(runs.map((run) => [run.exitCode, ...wrongIn(run)])).toEqual(runs.map(() => [0]))
  const seen = runs.map(entriesIn)
  expect(seen.every((entries, at) => at === 0 || entries > seen[at - 1]!)).toBe(true)
  expect(notOk((await proveWorld(world)).lines)).toEqual([])
}, 180_000)

test('finds nothing after a reset, when every record was read again', async () => {
  const running = world.members.filter((member) => member.running())
  for (const member of running) member.kill('SIGTERM')
  await Promise.all(running.map((member) => member.ended))
  await until('the group is empty', async () => (await world.admin.groupMembers(world.config.groupId)) === 0)
  const before = await world.settled()
  const { exitCode } = await world.sluice(['offsets', 'reset', '--to', 'earliest', '--yes'])
  expect(exitCode).toBe(0)
  expect(wrongIn(await reconcile())).toEqual([])
  const again = world.start('again', { FLUSH_MAX_RECORDS: '100' })
  await again.logged('partitions assigned')
  await until('half of it is read again', async () => (await world.settled()) > before / 2)
  expect(wrongIn(await reconcile())).toEqual([])
  await world.drained(120_000)
  const last = await reconcile()
  expect([last.exitCode, last.ok, wrongIn(last)]).toEqual([0, true, []])
  again.kill('SIGTERM')
  await again.ended
}, 180_000)

test('says which item and which partition when a ledger entry is gone, with exit code 1', async () => {
  const [gone] = await world.query<{ item: string; partition: number }>(`
    DELETE FROM ledger_entry WHERE (event_id, user_id) = (SELECT event_id, user_id FROM ledger_entry LIMIT 1)
    RETURNING item_id::text AS item, partition`)
  const found = await reconcile()
  expect([found.exitCode, found.ok, wrongIn(found)]).toEqual([1, false, ['inventory', 'ledger-counters']])
  const examples = found.checks.flatMap((check) => check.examples)
  expect(examples).toEqual([
    expect.stringMatching(`^item ${gone!.item}: `),
    expect.stringContaining(`${world.config.topic}[${gone!.partition}]: `),
  ])
  const { stdout, exitCode } = await world.sluice(['reconcile'])
  expect(exitCode).toBe(1)
  expect(stdout).toContain('2 of 8 checks NOT ok')
  for (const example of examples) expect(stdout).toContain(example)
})

test('gives up at its time-out, and at Ctrl-C, and nothing goes on in the database', async () => {
  const holder = await world.connect()
  await holder.query('BEGIN; LOCK TABLE item IN ACCESS EXCLUSIVE MODE')
  const sessions = () => world.query(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'sluice-reconcile' AND wait_event_type = 'Lock'`) // prettier-ignore
  try {
    const late = await world.sluice(['reconcile', '--timeout', '1'])
    expect([late.exitCode, late.stdout]).toEqual([3, ''])
    expect(late.stderr).toMatch(/could not be read within 1 s.*\n.*--timeout/)

    const stopped = world.sluice(['reconcile'])
    await until('it waits for the lock', async () => (await sessions()).length > 0)
    stopped.kill('SIGINT')
    const { exitCode, stderr } = await stopped
    expect([exitCode, stderr]).toEqual([130, expect.stringContaining('interrupted')])
    expect(await sessions()).toEqual([])
  } finally {
    await holder.query('ROLLBACK')
    holder.release()
  }
})

test('says so with exit code 3 when PostgreSQL cannot be reached, as `sluice invoice` does', async () => {
  const env = { ...world.env, DATABASE_URL: 'postgresql://postgres:x@127.0.0.1:1/x' }
  for (const command of [['reconcile'], ['invoice', 'I-1']]) {
    const { exitCode, stderr } = await world.sluice(command, { env })
    expect([exitCode, stderr]).toEqual([3, expect.stringMatching(/^sluice: PostgreSQL cannot be reached/)])
  }
})

test('`sluice invoice` answers for people and for machines, with an exit code', async () => {
  const [letter] = await world.query<{ id: string; invoice: string; user: string; message: string }>(`
    SELECT id, invoice_id AS invoice, user_id AS user, message FROM dead_letter d
    WHERE invoice_id IS NOT NULL AND user_id IS NOT NULL ORDER BY id LIMIT 1`)
  const args = ['invoice', letter!.invoice, '--user', letter!.user]
  const failed = await world.sluice(args)
  expect(failed.exitCode).toBe(1)
  for (const part of [letter!.message, letter!.id.slice(0, 12), 'sluice dlq show', letter!.invoice])
    expect(failed.stdout).toContain(part)

  const [whole] = await world.query<{ invoice: string; user: string; lines: number }>(`
    SELECT invoice_id AS invoice, user_id AS user, count(*)::integer AS lines FROM ledger_entry l
    WHERE NOT EXISTS (SELECT 1 FROM dead_letter d WHERE d.invoice_id = l.invoice_id OR d.key = convert_to(l.invoice_id, 'UTF8'))
    GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 1`)
  const good = await world.sluice(['invoice', whole!.invoice, '--user', whole!.user, '--json'])
  expect([good.exitCode, JSON.parse(String(good.stdout))]).toEqual([
    0,
    expect.objectContaining({ status: 'success', itemsProcessed: whole!.lines, itemsFailed: 0, failedItems: [] }),
  ])

  const unknown = await world.sluice(['invoice', '\u001b[31mno-such-invoice'])
  expect([unknown.exitCode, unknown.stdout]).toEqual([1, expect.stringContaining('no-such-invoice: unknown')])
  expect(unknown.stdout).not.toContain('\u001b')
})
