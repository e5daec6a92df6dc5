// The database goes away under load and comes back: the member stays, nothing is lost, no dead letter is made of it.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { QUICK_SESSION } from '../support/member.ts'
import { notOk, proveWorld } from '../support/oracle.ts'
import { openProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

let world: World
let proxy: Awaited<ReturnType<typeof openProxy>>
let throughProxy: string
beforeAll(async () => {
  world = await openArena(2)
  const url = new URL(world.env['DATABASE_URL']!)
  proxy = await openProxy(url.hostname, Number(url.port || 5432))
  url.host = `127.0.0.1:${proxy.port}`
  throughProxy = url.href
})
afterAll(async () => {
  await world.close()
  await proxy.close()
})

test('PostgreSQL is gone for longer than the session time-out: membership kept, 0 dead letters of it, working again at once', async () => {
  const member = world.start('member', { ...QUICK_SESSION, DATABASE_URL: throughProxy })
  await member.logged('starting position')
  const publishing = world.sluice(['publish', '--generate', '36000', '--seed', '21', '--rate', '3000'])
  await until('some records are settled', async () => (await world.settled()) > 3_000)

  proxy.down()
  await member.logged('cannot reach the sink or it refuses for now; trying again')
  const downAt = performance.now()
  await until('it is down for longer than the session time-out of 6 s', () => performance.now() - downAt > 9_000)
  const before = await world.settled()
  expect(member.running(), member.tail()).toBe(true)

  proxy.up()
  const upAt = performance.now()
  await until('it works again', async () => (await world.settled()) > before, { timeoutMs: 30_000 })
  expect(performance.now() - upAt).toBeLessThan(5_000)
  await publishing
  await world.drained()
  expect(member.lines('partitions assigned')).toHaveLength(1) // never left the group
  const { lines, records } = await proveWorld(world)
  expect(records).toHaveLength(36_000)
  expect(notOk(lines)).toEqual([])

  member.kill('SIGTERM')
  expect(await member.ended).toEqual({ code: 0, signal: null })
})

test('a database that answers nothing does not hold up the shutdown beyond its deadline; nothing is lost', async () => {
  const member = world.start('impatient', { ...QUICK_SESSION, DATABASE_URL: throughProxy, SHUTDOWN_TIMEOUT_MS: '2000' })
  await member.logged('starting position')
  proxy.silent()
  const { exitCode } = await world.sluice(['publish', '--generate', '2000', '--seed', '22'])
  expect(exitCode).toBe(0)
  await until('records wait', async () => (await world.standing()).some(({ next, end }) => end > next))
  member.kill('SIGTERM')
  const began = performance.now()
  expect((await member.ended).code, member.tail()).not.toBe(0)
  expect(performance.now() - began).toBeLessThan(10_000)
  proxy.up()

  const next = world.start('next', QUICK_SESSION)
  await world.drained()
  const { lines } = await proveWorld(world)
  expect(notOk(lines)).toEqual([])
  next.kill('SIGTERM')
  expect(await next.ended).toEqual({ code: 0, signal: null })
})
