// `sluice offsets`: what it would do is said first, live members are not pulled from under, and what is skipped is counted.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import { ERROR, useKafkaProxy } from '../support/kafka-proxy.ts'
import { stack } from '../support/stack.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

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

const committed = async () => {
  const found = await world.admin.committedOffsets(world.config.groupId, world.config.topic)
  return [0, 1].map((partition) => Number(found.get(partition)))
}
const ends = async () =>
  (await world.standing()).sort((a, b) => a.partition - b.partition).map(({ end }) => Number(end))

test('to an offset: of one partition, inside of the log, and done', async () => {
  const [, end] = await ends()
  for (const [args, says] of [
    [['--to', '3'], /an offset is of one partition\n.*--partition/],
    [['--to', '3', '--partition', '0', '1'], /an offset is of one partition/],
    [['--to', String(end! + 1), '--partition', '1', '--yes'], new RegExp(`offset ${end! + 1} is not in the topic\n.*it holds 0 to ${end}`)],
    [['--to', '3', '--partition', '7', '--yes'], /the topic has no partition 7\n.*0 to 1/],
    [['--to', '-1', '--partition', '1', '--yes'], /earliest, latest, kafka, an offset/],
  ] as const) {
    const { exitCode, stderr } = await offsets('reset', ...args)
    expect([exitCode, stderr], args.join(' ')).toEqual([2, expect.stringMatching(says)])
  }
  const before = await positions()
  const { exitCode, stdout } = await offsets('reset', '--to', '3', '--partition', '1', '--yes')
  expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^partition 1: 5 → 3 {3}2 offsets read again\n.*\ngroup .* begins there now$/)])
  expect([await positions(), await committed()]).toEqual([[before[0], 3], [before[0], 3]])
  const [audited] = await world.query("SELECT detail FROM audit_entry WHERE action = 'offsets.reset' ORDER BY id DESC LIMIT 1")
  expect(audited).toMatchObject({ detail: { partitions: [{ partition: 1, from: 5, to: 3 }] } })
}) // prettier-ignore

test('to what the group committed in Kafka; a commit outside of the log is of another topic, and means its beginning', async () => {
  const { groupId, topic } = world.config
  await world.admin.commitOffsets(groupId, topic, new Map([[0, 2n], [1, 99n]])) // prettier-ignore
  expect((await offsets('reset', '--to', 'kafka')).stdout).toContain('partition 0: 6 → 2   4 offsets read again')
  expect((await offsets('reset', '--to', 'kafka', '--yes')).exitCode).toBe(0)
  expect([await positions(), await committed()]).toEqual([[2, 0], [2, 0]]) // prettier-ignore
})

test('to the latest, done: what lies between is never read', async () => {
  const { exitCode, stdout } = await offsets('reset', '--to', 'latest', '--yes')
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('9 offsets never read: their lines will be missing')])
  expect([await positions(), await committed()]).toEqual([await ends(), await ends()])
  await world.send([recordOf(event(), 1)])
  await consumeAll()
  expect(await world.totals()).toMatchObject({ inserted: 1, duplicate: 0 })
})

test('with --force, while a member lives: it goes on from there at its next batch', async () => {
  const member = world.start('forced')
  await member.logged('partitions assigned')
  expect((await offsets('reset', '--to', 'earliest', '--force', '--yes')).exitCode).toBe(0)
  await world.send([0, 1].map((partition) => recordOf(event(), partition)))
  await until('all is read again', async () => {
    const { inserted, duplicate, ignored } = await world.totals()
    const all = (await ends()).reduce((sum, end) => sum + end)
    return inserted + duplicate + ignored === all
  })
  await world.drained()
  member.kill('SIGTERM')
  expect(await member.ended, member.tail()).toEqual({ code: 0, signal: null })
  expect((await world.sluice(['reconcile'])).exitCode).toBe(0)
})

test.each<[string, (at: number) => string[], (at: number, other: number) => number[]]>([
  ['reset', () => ['--to', 'earliest', '--yes'], () => [0, 0]],
  ['skip', (at) => ['--partition', '0', '--offset', String(at), '--reason', 'x', '--yes'], (at, other) => [at + 1, other]],
])('%s: Kafka fails when PostgreSQL has it: that is said, and the next member tells Kafka', async (command, args, expected) => {
  const proxy = await useKafkaProxy(stack().brokers)
  const through = { env: { ...world.env, KAFKA_BROKERS: proxy.brokers.join(',') } }
  await world.send([recordOf(event(), 0)])
  const [[at = 0, other = 0], before] = [await positions(), await committed()]
  const down = proxy.rule({ api: 'OffsetCommit', times: 100, fault: { refuse: ERROR.notCoordinator } })
  const { exitCode, stderr } = await world.sluice(['offsets', command, ...args(at)], through)
  expect([exitCode, String(stderr)]).toEqual([1, expect.stringMatching(/^sluice: the position has moved in PostgreSQL, which is what counts; Kafka's commit has not \(.*\)\n.*the next member tells Kafka/)])
  expect(down.hits()).toBeGreaterThan(0)
  expect([await positions(), await committed()]).toEqual([expected(at, other), before])
  await consumeAll()
  expect(await committed()).toEqual(await ends())
}) // prettier-ignore
