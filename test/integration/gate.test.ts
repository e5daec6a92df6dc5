// A flood of bad records: the gate closes before the topic moves into the DLQ, for every member and after every restart,
// and `sluice resume` opens it.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import { QUICK_SESSION } from '../support/member.ts'
import { notOk, proveWorld } from '../support/oracle.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

const LIMIT = 50
const BREAKER = { ...QUICK_SESSION, DLQ_MAX_CONSECUTIVE: String(LIMIT) }
const FLOOD = 2_000
const CLOSED = 'the gate is closed; nothing is written until `sluice resume`'

let world: World
beforeAll(async () => {
  world = await openArena(2)
})
afterAll(() => world.close())

const letters = async () => (await world.query<{ n: number }>('SELECT count(*)::int AS n FROM dead_letter'))[0]!.n
const good = (partition: number) => recordOf(event(), partition)
const bad = (partition: number) => ({ partition, key: 'I-1', value: Buffer.from('{') })

test('a flood of bad records closes the gate for all members, also restarted ones, and makes no dead letters', async () => {
  const [first, second] = [world.start('first', BREAKER), world.start('second', BREAKER)]
  for (const member of [first, second]) await member.logged('partitions assigned')
  await world.send([good(0), good(1)])
  await world.drained()

  await world.send(Array.from({ length: FLOOD }, () => bad(0)))
  for (const member of [first, second]) {
    const line = await member.logged(CLOSED)
    expect(line).toMatchObject({ level: 'error', code: 'JSON_INVALID', partition: 0 })
    expect(line['reason']).toContain(`dead letters in a row (limit ${LIMIT}) in partition 0`)
  }
  await world.send([good(1)]) // a healthy partition waits as well: somebody has to look
  const before = await world.settled()
  expect(await letters()).toBeLessThanOrEqual(LIMIT)

  second.kill('SIGKILL')
  await second.ended
  const third = world.start('third', BREAKER)
  await third.logged(CLOSED)
  expect(await world.settled()).toBe(before)
  expect(first.running(), first.tail()).toBe(true)
  expect(await world.admin.groupMembers(world.config.groupId)).toBeGreaterThanOrEqual(2)
  expect(first.lines('partitions revoked').length).toBeLessThanOrEqual(1) // for the killed one

  const shown = await world.sluice(['offsets', 'show'])
  expect(shown.stdout).toContain('the gate is closed since')
  expect(shown.stdout).toContain('JSON_INVALID')
  // Not mended: the same records close it again, before a letter is written.
  expect((await world.sluice(['resume'])).stdout).toMatch(/is open; it was closed since .* \(JSON_INVALID\)/)
  await until('it is closed again', async () => (await world.query('SELECT 1 FROM consumer_gate WHERE closed_at IS NOT NULL')).length) // prettier-ignore
  expect(await letters()).toBeLessThanOrEqual(LIMIT)
})

test('a member stops at once and in order while the gate is closed', async () => {
  const member = world.members.find(({ name }) => name === 'third')!
  const began = performance.now()
  member.kill('SIGTERM')
  expect(await member.ended, member.tail()).toEqual({ code: 0, signal: null })
  expect(performance.now() - began).toBeLessThan(15_000)
})

test('with an allowance the bad records become dead letters, the rest is written, and the totals are exact', async () => {
  expect((await world.sluice(['resume', '--allow', String(FLOOD)])).stdout).toContain('2,000 dead letters may pass')
  await world.drained(60_000)
  expect(await letters()).toBe(FLOOD)
  const { lines } = await proveWorld(world)
  expect(notOk(lines)).toEqual([])
})

test('`sluice pause` holds the group until `sluice resume`', async () => {
  expect((await world.sluice(['pause', '--reason', 'index rebuild'])).stdout).toContain('is closed')
  const first = world.members.find(({ name }) => name === 'first')!
  await first.logged('the gate is closed by an operator; nothing is written until `sluice resume`')
  const before = await world.settled()
  await world.send([good(0), good(1)])
  expect((await world.sluice(['pause', '--reason', 'again'])).stdout).toContain('PAUSED): index rebuild')
  expect(await world.settled()).toBe(before)
  expect((await world.sluice(['resume'])).exitCode).toBe(0)
  await world.drained()
  expect(await world.settled()).toBe(before + 2)
  first.kill('SIGTERM')
  expect(await first.ended, first.tail()).toEqual({ code: 0, signal: null })
})
