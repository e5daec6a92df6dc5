import { fastify } from 'fastify'
import { expect, test } from 'vitest'
import { accessOf } from '../../../src/http/guard.ts'
import { tell } from '../../../src/http/refusal.ts'
import { limitTries } from '../../../src/http/tries.ts'

const TOKEN = 'the-right-token-of-some-length'

const open = () => {
  let now = 0
  const app = fastify()
  app.setErrorHandler((error, _, reply) => {
    const { status, body } = tell(error, () => null)
    return reply.code(status).send(body)
  })
  limitTries(app, TOKEN, { now: () => now })
  for (const path of ['/api/one', '/api/two/:id'])
    app.get(path, { schema: { security: [{ token: [] }] } }, ({ headers }, reply) =>
      reply.code(accessOf(headers, TOKEN) === 'refused' ? 401 : 200).send({}),
    )
  app.get('/api/state', () => ({}))
  const ask = async (url: string, authorization?: string, remoteAddress = '10.0.0.1') =>
    (await app.inject({ url, remoteAddress, headers: authorization === undefined ? {} : { authorization } })).statusCode
  return { ask, pass: (ms: number) => void (now += ms) }
}
const RIGHT = `Bearer ${TOKEN}`

test('thirty wrong tokens, over all routes; then not even the right one is told from them, until they are over', async () => {
  const { ask, pass } = open()
  // %61 is an a: another spelling is no other route.
  const paths = ['/api/one', '/api/two/1', '/%61pi/two/2']
  const first = await Promise.all(Array.from({ length: 30 }, (_, i) => ask(paths[i % 3]!, 'Bearer wrong')))
  expect(new Set(first)).toEqual(new Set([401]))
  for (const path of paths) expect(await ask(path, 'Bearer wrong')).toBe(429)
  expect(await ask('/api/one', RIGHT)).toBe(429)
  expect(await ask('/api/one', RIGHT, '10.0.0.2')).toBe(200)
  expect(await ask('/api/one')).toBe(200)
  expect(await ask('/api/state', 'Bearer wrong')).toBe(200)
  pass(10_000)
  expect(await ask('/api/one', RIGHT)).toBe(200)
})

test('whoever has the token is not counted, nor is a login at a proxy', async () => {
  const { ask } = open()
  for (let i = 0; i < 40; i += 1) {
    expect(await ask('/api/one', RIGHT)).toBe(200)
    await ask('/api/one', 'Basic dTpw')
  }
  expect(await ask('/api/one', RIGHT)).toBe(200)
})
