// `sluice lag` against Kafka's own kafka-consumer-groups, and against what the world knows; with members and without.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LagReport } from '../../src/cli/lag-report.ts'
import { openArena } from '../support/arena.ts'
import { describedGroup } from '../support/consumer-groups.ts'
import { event, recordOf } from '../support/events.ts'
import { QUICK_SESSION } from '../support/member.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openArena(3)
})
afterAll(() => world.close())

type Json = Omit<LagReport, 'partitions'> & {
  readonly partitions: readonly (Record<'partition' | 'position' | 'committed' | 'end' | 'lag', number | null> & {
    readonly lagSeconds: number | null
    readonly verdict: string
    readonly why: string
    readonly member: string | null
  })[]
}
const lag = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await world.sluice(['lag', ...args])
  expect(stderr).toBe('')
  return { exitCode, stdout: String(stdout) }
}
const look = async () => {
  const { exitCode, stdout } = await lag('--json')
  return { exitCode, report: JSON.parse(stdout) as Json }
}
const verdicts = ({ partitions }: Json) => partitions.map(({ verdict }) => verdict)
const send = (...partitions: number[]) => world.send(partitions.map((partition) => recordOf(event(), partition)))
/** Kafka's tool prints "-" for "never committed" and leaves out what nobody owns. */
const number = (text: string | undefined) => (text === undefined || text === '-' ? null : Number(text))

test('while no member ever ran: everything waits, since the first record', async () => {
  const before = Date.now()
  await send(0, 0, 1)
  const { exitCode, report } = await look()
  expect(exitCode).toBe(1)
  expect(report.partitions.map(({ lag, position }) => [lag, position])).toEqual([[2, null], [1, null], [0, null]]) // prettier-ignore
  expect(verdicts(report)).toEqual(['stopped', 'stopped', 'ok'])
  expect(report.partitions[0]?.lagSeconds).toBeGreaterThan(0)
  expect(report.partitions[0]?.lagSeconds).toBeLessThanOrEqual((Date.now() - before) / 1_000)
})

test('as kafka-consumer-groups sees it: offsets, lag, members, hosts; caught up, and with the gate closed', async () => {
  const members = ['lag-a', 'lag-b'].map((name) => world.start(name, QUICK_SESSION))
  await until('both own partitions', async () => {
    const { state, members: found } = await world.admin.group(world.config.groupId, world.config.topic)
    return state === 'Stable' && found.length === 2 && found.every(({ partitions }) => partitions.length > 0)
  })
  await world.drained()
  const well = await look()
  expect([well.exitCode, verdicts(well.report)]).toEqual([0, ['ok', 'ok', 'ok']])
  await same(well.report)

  await world.sluice(['pause', '--reason', 'to let it pile up'])
  await members[0]!.logged('the gate is closed by an operator; nothing is written until `sluice resume`')
  const sent = Date.now()
  await send(0, 1, 1, 2)
  const closed = await look()
  expect([closed.exitCode, verdicts(closed.report)]).toEqual([1, ['stopped', 'stopped', 'stopped']])
  expect(closed.report.partitions[0]?.why).toMatch(/^the gate is closed since .*to let it pile up/)
  for (const { lagSeconds } of closed.report.partitions) {
    expect(lagSeconds).toBeGreaterThan(0)
    expect(lagSeconds).toBeLessThanOrEqual((Date.now() - sent) / 1_000)
  }
  await same(closed.report)

  await world.sluice(['resume'])
  await world.drained()
  for (const member of members) member.kill('SIGTERM')
  await Promise.all(members.map((member) => member.ended))
})

/** Not our code: the group's coordinator, read by Kafka's own client. */
async function same(report: Json) {
  const { brokers } = world.config.kafka
  const rows = await describedGroup(brokers, world.config.groupId)
  const theirs = rows
    .map((row) => ({
      partition: number(row['PARTITION']),
      committed: number(row['CURRENT-OFFSET']),
      end: number(row['LOG-END-OFFSET']),
      lag: number(row['LAG']),
      member: row['CLIENT-ID'],
      host: row['HOST']?.replace('/', ''),
    }))
    .sort((a, b) => (a.partition ?? 0) - (b.partition ?? 0))
  const hostOf = (name: string | null) => report.members.find(({ clientId }) => clientId === name)?.host
  const ours = report.partitions.map(({ partition, committed, end, lag, member }) => ({ partition, committed, end, lag, member, host: hostOf(member) })) // prettier-ignore
  expect(ours).toEqual(theirs)
}

test('behind a held lock the position stands still, and that is said without a guess', async () => {
  const member = world.start('held', QUICK_SESSION)
  await member.logged('partitions assigned')
  const holder = await world.connect()
  await holder.query('BEGIN; LOCK TABLE inventory IN SHARE MODE')
  await send(0)
  await until('the record is older than what is fresh', async () => {
    const { report } = await look()
    const [first] = report.partitions
    return first?.verdict === 'behind' && /has not moved for \d+ s; it counts as stalled from 1 min on/.test(first.why)
  })
  await holder.query('ROLLBACK')
  await world.drained()
  member.kill('SIGTERM')
  await member.ended
})

test('a position that is set back is rewound; a topic that was made again stops members', async () => {
  // As a fail-over to a standby that lacks the last commits; `sluice offsets reset` takes Kafka's commit along.
  await world.query(`UPDATE consumer_offset SET next_offset = start_offset, inserted = 0, duplicate = 0, ignored = 0`)
  const { report, exitCode } = await look()
  expect([exitCode, verdicts(report)]).toEqual([1, ['rewound', 'rewound', 'rewound']])
  await world.query(`UPDATE consumer_offset SET topic_id = '00000000-0000-0000-0000-000000000001' WHERE partition = 1`)
  const remade = (await look()).report.partitions[1]
  expect(remade).toMatchObject({ verdict: 'stopped' })
  expect(remade?.why).toMatch(/refuse to begin: the topic was deleted and made again/)
})

test('for people: a table, why, and what to do; --watch goes on until it is told to end; never the password', async () => {
  const { stdout } = await lag()
  expect(stdout).toMatch(/^group lines-\w+-group, topic lines-\w+: 0 members \(Empty in Kafka\); 2 looks over \d+ s\n┌/)
  expect(stdout).toMatch(/lag \d+ records, the oldest of them .+ old/)
  expect(stdout).toMatch(/partition 1 stopped: members refuse to begin: .*\n {2}→ stop the members, then decide/)

  const watching = world.sluice(['lag', '--watch', '--json', '--interval', '1'])
  let lines = ''
  watching.stdout!.on('data', (text: Buffer) => (lines += text.toString()))
  await until('it has looked three times', () => lines.split('\n').length > 3)
  watching.kill('SIGINT')
  expect((await watching).exitCode).toBe(0)
  const looks = lines.trim().split('\n').map((line) => JSON.parse(line) as Json) // prettier-ignore
  expect(looks.slice(0, 3).map((each) => each.looks)).toEqual([1, 2, 3])
  const { password } = new URL(world.config.databaseUrl)
  for (const text of [stdout, lines]) expect(text).not.toMatch(/databaseUrl|postgres(ql)?:\/\//)
  if (password !== '') for (const text of [stdout, lines]) expect(text).not.toContain(password)
})
