// `sluice offsets`: what it would do is said first, live members are not pulled from under, and what is skipped is counted.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import { type World } from '../support/world.ts'

let world: World
/** Between the two halves of the topic. */
let between: Date
beforeAll(async () => {
  world = await openArena(2)
  await world.send([0, 0, 0, 1].map((partition) => recordOf(event(), partition)))
  await new Promise((resolve) => setTimeout(resolve, 20)) // timestamps of records are in milliseconds
  between = new Date()
  await world.send([0, 0, 1].map((partition) => recordOf(event(), partition)))
  await consumeAll()
})
afterAll(() => world.close())

async function consumeAll() {
  const member = world.start('member')
  await world.drained()
  member.kill('SIGTERM')
  expect(await member.ended, member.tail()).toEqual({ code: 0, signal: null })
}

const offsets = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await world.sluice(['offsets', ...args])
  return { exitCode, stdout: String(stdout), stderr: String(stderr) }
}
const positions = async () =>
  (await world.standing()).sort((a, b) => a.partition - b.partition).map(({ next }) => Number(next))

test('what would be read again is said, and without --yes, or with --dry-run, nothing is changed', async () => {
  for (const extra of [[], ['--dry-run'], ['--dry-run', '--yes']]) {
    const { exitCode, stdout } = await offsets('reset', '--to', 'earliest', ...extra)
    expect([exitCode, stdout.split('\n')]).toEqual([
      0,
      [
        'partition 0: 5 → 0   5 offsets read again',
        'partition 1: 2 → 0   2 offsets read again',
        '7 offsets read again: what is in the ledger counts as duplicate, and dead letters are tried again',
        'nothing was changed; add --yes to do it',
      ],
    ])
  }
  expect(await positions()).toEqual([5, 2])
})

test('to a time: the first record with it or later, and the end where there is none', async () => {
  const { stdout } = await offsets('reset', '--to', between.toISOString())
  expect(stdout).toContain('partition 0: 5 → 3   2 offsets read again\npartition 1: 2 → 1   1 offset read again')
  expect((await offsets('reset', '--to', '2999-01-01')).stdout).toContain('partition 0: 5 → 5   no move')
  expect(await offsets('reset', '--to', '2026-02-30')).toMatchObject({ exitCode: 2, stdout: '' })
})

test('read again, nothing is counted twice; to the latest, what is never read is said', async () => {
  expect((await offsets('reset', '--to', between.toISOString(), '--yes')).exitCode).toBe(0)
  expect((await offsets('reset', '--to', 'latest')).stdout).toContain('partition 0: 3 → 5   2 offsets never read')
  await consumeAll()
  expect(await world.totals()).toMatchObject({ duplicate: 3 })
  expect((await world.query('SELECT count(*)::int AS rows FROM ledger_entry'))[0]).toEqual({ rows: 7 })
})

test('live members are not pulled from under', async () => {
  await world.sluice(['pause', '--reason', 'to hold the position'])
  const member = world.start('alive')
  await member.logged('partitions assigned')
  await world.send([recordOf(event(), 0)])
  for (const args of [
    ['reset', '--to', 'earliest', '--yes'],
    ['skip', '--partition', '0', '--offset', '5', '--reason', 'x', '--yes'],
  ]) {
    const { exitCode, stderr } = await offsets(...args)
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/has 1 live member; nothing was changed/)])
  }
  expect(await positions()).toEqual([5, 2])
  await world.sluice(['resume'])
  await world.drained()
  member.kill('SIGTERM')
  expect((await member.ended).code).toBe(0)
})

test('skip passes by exactly the position, for a reason, and is counted as what it is', async () => {
  await world.send([1, 1, 1].map((partition) => recordOf(event(), partition)))
  const skip = (...args: string[]) => offsets('skip', '--partition', '1', ...args)
  const refusals: [string[], RegExp][] = [
    [['--offset', '3', '--reason', 'x', '--yes'], /position of partition 1 is 2, not 3.*\n.*settle 2 to 2 first/],
    [['--offset', '1', '--reason', 'x', '--yes'], /is 2, not 1.*\n.*settled already/],
    [['--offset', '2', '--through', '5', '--reason', 'x', '--yes'], /offset 5 is not in the topic/],
    [['--offset', '2', '--through', '1', '--reason', 'x', '--yes'], /--through 1 is below --offset 2/],
    [['--offset', '2', '--reason', ' ', '--yes'], /1 to 500 characters/],
    [['--offset', '2', '--yes'], /--reason/],
  ]
  for (const [args, says] of refusals) {
    const { exitCode, stderr } = await skip(...args)
    expect([exitCode, stderr], args.join(' ')).toEqual([2, expect.stringMatching(says)])
  }
  expect((await skip('--offset', '2', '--reason', 'ticket 4711')).stdout).toContain('add --yes')
  expect((await positions())[1]).toBe(2)

  const { exitCode, stdout } = await skip('--offset', '2', '--through', '3', '--reason', 'ticket 4711', '--yes')
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('partition 1: 2 → 4   2 offsets never read')])
  const shown = JSON.parse((await offsets('show', '--json')).stdout) as { partitions: object[] }
  expect(shown.partitions[1]).toMatchObject({ position: 4, committed: 4, skipped: 2, lag: 1 })
  const [audited] = await world.query("SELECT detail FROM audit_entry WHERE action = 'offsets.skip'")
  expect(audited).toMatchObject({ detail: { partition: 1, from: 2, to: 4, reason: 'ticket 4711' } })
  await consumeAll()
  const ledger = await world.query('SELECT record_offset::int AS at FROM ledger_entry WHERE partition = 1 ORDER BY 1')
  expect(ledger.map(({ at }) => Number(at))).toEqual([0, 1, 4])
  expect((await world.sluice(['reconcile'])).exitCode).toBe(0)
})
