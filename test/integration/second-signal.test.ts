import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { QUICK_SESSION } from '../support/member.ts'
import { notOk, proveWorld } from '../support/oracle.ts'
import { holdFlushes, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openArena(2)
})
afterAll(() => world.close())

test('a second SIGTERM ends at once, with exit code 130, and loses nothing', async () => {
  const impatient = world.start('impatient', QUICK_SESSION)
  await impatient.logged('starting position')
  const held = await holdFlushes(world)
  await world.sluice(['publish', '--generate', '5000', '--seed', '11'])
  await held.blocked(impatient)
  impatient.kill('SIGTERM')
  await impatient.logged('draining')
  expect(impatient.running()).toBe(true)
  const began = performance.now()
  impatient.kill('SIGTERM')
  expect(await impatient.ended).toEqual({ code: 130, signal: null })
  expect(performance.now() - began).toBeLessThan(2_000)
  await held.release()

  world.start('next', QUICK_SESSION)
  await world.drained()
  const { lines, records } = await proveWorld(world)
  expect(records).toHaveLength(5_000)
  expect(notOk(lines)).toEqual([])
})
