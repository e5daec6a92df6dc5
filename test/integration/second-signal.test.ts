import { spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { sluicePath } from '../support/built.ts'
import { QUICK_SESSION } from '../support/member.ts'
import { notOk, proveWorld } from '../support/oracle.ts'
import { until } from '../support/until.ts'
import { holdFlushes, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openArena(2)
})
afterAll(() => world.close())

test('who started it is gone before it has loaded: it ends, and never joins', async () => {
  const child = spawn(process.execPath, [sluicePath(), 'consume'], {
    env: world.env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  child.disconnect()
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream!.on('data', (text: Buffer) => (said += text.toString()))
  onTestFinished(() => void child.kill('SIGKILL'))
  await until('it ends, or says that it begins', () => child.exitCode !== null || said !== '')
  expect([child.exitCode, said]).toEqual([130, ''])
})

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
