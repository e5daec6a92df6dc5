// Tokens by the client credentials grant, of a real HTTP server.
import { afterEach, expect, test } from 'vitest'
import type { OauthConfig } from '../../../src/config-kafka.ts'
import { createTokenSource } from '../../../src/kafka/oauth-token.ts'
import { OperatorError } from '../../../src/lib/operator-error.ts'
import { startTokenServer, type TokenServer } from '../../support/token-server.ts'

/** Both need encoding in the header. */
const CLIENT = { id: 'me:and you', secret: 'planted+secret/%' }
const ENCODED = { id: 'me%3Aand+you', secret: 'planted%2Bsecret%2F%25' }

let server: TokenServer | undefined
afterEach(() => server?.stop())

let answered = 0
const serve = async (answer: object, status = 200): Promise<OauthConfig> => {
  answered = 0
  server = await startTokenServer(ENCODED, () => ({ status, body: { access_token: `t${++answered}`, ...answer } }))
  return {
    mechanism: 'OAUTHBEARER',
    tokenUrl: server.url,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    scope: 'a b',
  }
}
const faultOf = async (config: OauthConfig) => {
  const error: unknown = await createTokenSource(config, () => 0)().catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(OperatorError)
  const { message, remedy } = error as OperatorError
  expect(message + remedy).not.toContain('planted')
  return error as OperatorError & { retriable?: boolean }
}

test('the form, and the client in the header', async () => {
  const token = createTokenSource(await serve({ expires_in: 300 }), () => 0)
  expect(await token()).toEqual({ value: 't1' })
  expect(Object.fromEntries(server!.seen[0]!)).toEqual({ grant_type: 'client_credentials', scope: 'a b' })
})

test('a token is used again until a fifth of its life is left, and asked for once by all who wait', async () => {
  let now = 0
  const token = createTokenSource(await serve({ expires_in: '300' }), () => now)
  expect(await Promise.all([token(), token(), token()])).toEqual(Array(3).fill({ value: 't1' }))
  now = 239_000
  expect(await token()).toEqual({ value: 't1' })
  now = 240_001
  expect(await token()).toEqual({ value: 't2' })
})

test.each([15, undefined])('a token of %s seconds is not used twice: its session would end at once', async (life) => {
  const token = createTokenSource(await serve({ expires_in: life }), () => 0)
  expect([await token(), await token()]).toEqual([{ value: 't1' }, { value: 't2' }])
})

test('a refusal is told with its code, and not tried again', async () => {
  const config = await serve({ error: 'invalid_scope' }, 400)
  const error = await faultOf(config)
  expect(error.message).toMatch(
    /^the authorisation server at http:.*token gives the client "me:and you" no token \(HTTP 400, invalid_scope\)$/,
  )
  expect(error.retriable).toBe(false)
  expect((await faultOf({ ...config, clientSecret: 'planted-no' })).message).toContain('HTTP 401, invalid_client')
})

test.each([
  [503, {}, '(HTTP 503)'],
  [429, {}, '(HTTP 429)'],
  [200, { access_token: 'two words' }, 'something else than a token'],
  [200, { access_token: undefined }, 'something else than a token'],
])('an answer %i %o passes: tried again', async (status, body, text) => {
  const error = await faultOf(await serve(body, status))
  expect(error.message).toContain(text)
  expect(error.retriable).toBe(true)
})

test('words of a stranger are not repeated', async () => {
  expect((await faultOf(await serve({ error: 'planted <script>' }, 403))).message).toContain('(HTTP 403)')
})

test('nobody there: the query of the URL stays unsaid', async () => {
  const config = await serve({})
  await server!.stop()
  server = undefined
  const { message } = await faultOf({ ...config, tokenUrl: `${config.tokenUrl}?key=planted` })
  expect(message).toBe(`cannot get a token from ${config.tokenUrl} (ECONNREFUSED)`)
})

test('after a fault the next one asks again', async () => {
  let status = 503
  server = await startTokenServer(ENCODED, () => ({ status, body: { access_token: 't', expires_in: 300 } }))
  const config = {
    mechanism: 'OAUTHBEARER',
    tokenUrl: server.url,
    clientId: CLIENT.id,
    clientSecret: CLIENT.secret,
    scope: null,
  } as const
  const token = createTokenSource(config, () => 0)
  await expect(token()).rejects.toThrow('HTTP 503')
  status = 200
  expect(await token()).toEqual({ value: 't' })
})
