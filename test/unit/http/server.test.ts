import { once } from 'node:events'
import { request } from 'node:http'
import { connect, createServer } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Health } from '../../../src/http/health.ts'
import { type HttpServer, serveHttp } from '../../../src/http/server.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { createLog } from '../../../src/telemetry/log.ts'
import { until } from '../../support/until.ts'

let health: Health = { live: true, ready: false, reasons: ['draining'] }
let server: HttpServer
const parts = { health: () => health, clock: systemClock, log: createLog('silent') }
beforeAll(async () => (server = await serveHttp({ host: '127.0.0.1', port: 0 }, parts)))
afterAll(() => server.close())

const ask = (path: string, { method = 'GET', headers = {} }: { method?: string; headers?: object } = {}) =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.port, path, method, headers: { ...headers } }
    const sent = request(options, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    sent.on('error', reject).end()
  })

test('health and readiness, each by itself', async () => {
  expect(await ask('/health')).toEqual({ status: 200, body: '{"live":true,"ready":false,"reasons":["draining"]}\n' })
  expect((await ask('/ready?verbose')).status).toBe(503)
  health = { live: false, ready: false, reasons: ['a write that has not ended'] }
  expect((await ask('/health')).status).toBe(503)
  health = { live: true, ready: true, reasons: [] }
  expect((await ask('/ready')).status).toBe(200)
  expect(await ask('/ready', { method: 'HEAD' })).toEqual({ status: 200, body: '' })
})

test('nothing else', async () => {
  expect((await ask('/metrics')).status).toBe(404)
  expect((await ask('/health', { method: 'POST' })).status).toBe(405)
})

// A page that was opened in a browser on this machine, by a name that leads here.
test.each([
  ['another name', { host: 'evil.example' }],
  ['an origin', { origin: 'https://evil.example' }],
  ['an origin of our own address', { origin: 'http://127.0.0.1' }],
])('refuses %s', async (_, headers) => expect((await ask('/health', { headers })).status).toBe(403))

test.each(['localhost', 'localhost:8080', '127.0.0.1', '[::1]:8080', '10.1.2.3:8080'])('takes %s', async (host) => {
  expect((await ask('/health', { headers: { host } })).status).toBe(200)
})

const silent = async () => {
  const socket = connect(server.port, '127.0.0.1').resume()
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

test('whoever connects and says nothing keeps nobody from an answer', async () => {
  const sockets = await Promise.all(Array.from({ length: 150 }, silent))
  for (let probe = 0; probe < 5; probe += 1) expect((await ask('/health')).status).toBe(200)
  for (const socket of sockets) socket.destroy()
})

test('and is sent away', async () => {
  const socket = await silent()
  const began = performance.now()
  await once(socket, 'close')
  expect(performance.now() - began).toBeLessThan(4_500)
})

test('what others ask for costs a probe nothing', async () => {
  for (let round = 0; round < 4; round += 1) {
    await Promise.all(Array.from({ length: 50 }, () => ask('/x')))
    expect((await ask('/health')).status).toBe(200)
  }
})

test('too many requests from one address are told so, in the words of all refusals', async () => {
  const routes = async (app: FastifyInstance) => void app.get('/x', () => ({}))
  const other = await serveHttp({ host: '127.0.0.1', port: 0 }, { ...parts, routes })
  const url = `http://127.0.0.1:${other.port}/x`
  for (let round = 0; round < 6; round += 1) {
    const all = await Promise.all(Array.from({ length: 50 }, () => fetch(url)))
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]))
  }
  const refused = await fetch(url)
  expect(refused.status).toBe(429)
  expect(await refused.json()).toEqual({
    error: {
      code: 'TOO_MANY_REQUESTS',
      message: 'too many requests',
      remedy: expect.stringMatching(/^try again in \d/) as string,
    },
  })
  await other.close()
})

test('whoever asks for what is not there is counted too', async () => {
  const other = await serveHttp({ host: '127.0.0.1', port: 0 }, parts)
  const url = `http://127.0.0.1:${other.port}`
  const found = new Set<number>()
  for (let round = 0; round < 7; round += 1)
    for (const { status } of await Promise.all(Array.from({ length: 50 }, (_, i) => fetch(`${url}/no/${i}`))))
      found.add(status)
  expect(found).toEqual(new Set([404, 429]))
  expect((await fetch(`${url}/health`)).status).toBe(200)
  await other.close()
})

/** Somebody else on a port, and what a member says that wants it. */
const rivalry = async () => {
  const rival = createServer().listen(0, '127.0.0.1')
  await once(rival, 'listening')
  const { port } = rival.address() as { port: number }
  const said: [string, string, object][] = []
  const log = { info: (fields: object, words: string) => said.push(['info', words, fields]), error: (fields: object, words: string) => said.push(['error', words, fields]) } as unknown as typeof parts.log // prettier-ignore
  const waiting = await serveHttp({ host: '127.0.0.1', port }, { ...parts, log })
  expect(said).toEqual([
    ['error', 'the HTTP port is taken; the pipeline works without it', { host: '127.0.0.1', port, remedy: expect.stringContaining('HTTP_PORT') as string }], // prettier-ignore
  ])
  return { rival, port, said, waiting }
}

test('a port that is taken is told once and waited for', async () => {
  const { rival, port, said, waiting } = await rivalry()
  rival.close()
  await until('it has it', () => said.length > 1)
  expect(said.slice(1)).toEqual([['info', 'HTTP: probes, metrics, API, dashboard', { host: '127.0.0.1', port }]])
  expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200)
  await waiting.close()
})

test('the end of a member does not wait for it, nor take it afterwards', async () => {
  const { rival, port, said, waiting } = await rivalry()
  await waiting.close()
  rival.close()
  const next = createServer().listen(port, '127.0.0.1')
  await once(next, 'listening')
  next.close()
  expect(said).toHaveLength(1)
})

test('an address that is not of this host is refused: waiting would not help', async () => {
  await expect(serveHttp({ host: '192.0.2.1', port: 0 }, parts)).rejects.toMatchObject({
    message: 'HTTP cannot listen on 192.0.2.1:0 (EADDRNOTAVAIL)',
    exitCode: 2,
  })
})
