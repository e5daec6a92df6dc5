// What an orchestrator asks a member while things happen to it and around it.
import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import { QUICK_SESSION } from '../support/member.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openArena(2)
})
afterAll(() => world.close())

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0))
    })
  })

test('live from the start, ready in the group; neither pause nor drain makes it look dead; a taken port is refused', async () => {
  const HTTP_PORT = String(await freePort())
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${HTTP_PORT}${path}`).catch(() => null)
    return response && { status: response.status, ...((await response.json()) as { reasons: string[] }) }
  }
  const member = world.start('probed', { ...QUICK_SESSION, HTTP_PORT })
  const first = await until('it answers', () => ask('/health'))
  expect(first.status).toBe(200)
  await until('it is ready', async () => (await ask('/ready'))?.status === 200)
  await world.send([recordOf(event(), 0)])
  await world.drained()

  expect((await world.sluice(['pause', '--reason', 'stock-taking'])).exitCode).toBe(0)
  await until('it is not ready', async () => (await ask('/ready'))?.status === 503)
  expect((await ask('/ready'))?.reasons).toEqual(['the gate is closed: see `sluice resume`'])
  expect((await ask('/health'))?.status).toBe(200)
  expect((await world.sluice(['resume'])).exitCode).toBe(0)
  await until('it is ready again', async () => (await ask('/ready'))?.status === 200)

  const second = world.start('same port', { ...QUICK_SESSION, HTTP_PORT })
  expect(await second.ended).toMatchObject({ code: 2 })
  expect(second.tail()).toContain(`HTTP cannot listen on 127.0.0.1:${HTTP_PORT} (EADDRINUSE)`)

  member.kill('SIGTERM')
  expect(await member.ended).toMatchObject({ code: 0 })
  expect(await ask('/health')).toBeNull()
})
