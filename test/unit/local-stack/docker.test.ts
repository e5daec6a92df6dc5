import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { probeDocker } from '../../../src/local-stack/docker.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const listening = (server: Server | ReturnType<typeof createServer>, where: object) =>
  new Promise<void>((resolve) => {
    closing.push(() => server.close())
    server.listen(where, resolve)
  })

describe('probeDocker', () => {
  it('finds the engine behind a Unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'))
    closing.push(() => rm(folder, { recursive: true }))
    const path = join(folder, 'docker.sock')
    await listening(
      createHttpServer((_, response) => response.end('OK')),
      { path },
    )
    expect(await probeDocker({ DOCKER_HOST: `unix://${path}` })).toEqual({ reachable: true, address: `unix://${path}` })
  })

  it('gives up after two seconds on an address that accepts and says nothing', async () => {
    const mute = createServer((socket) => socket.on('error', () => undefined))
    await listening(mute, { host: '127.0.0.1', port: 0 })
    const host = `tcp://127.0.0.1:${(mute.address() as AddressInfo).port}`
    const start = performance.now()
    const probe = await probeDocker({ DOCKER_HOST: host })
    expect(probe).toEqual({ reachable: false, why: `no Docker engine answers at ${host}` })
    expect(performance.now() - start).toBeLessThan(3000)
  })

  it('takes an address that it cannot read for no engine', async () => {
    const probe = await probeDocker({ DOCKER_HOST: 'not a url' })
    expect(probe.reachable).toBe(false)
  })
})
