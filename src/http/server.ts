// HTTP of a member: the probes, and what routes are added to them. Loaded only with HTTP_PORT. Nobody who asks, or does not, keeps
// a probe from its answer.
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import rateLimit from '@fastify/rate-limit'
import { fastify, type FastifyInstance } from 'fastify'
import { toJson } from '../lib/json.ts'
import type { OperatorError } from '../lib/operator-error.ts'
import * as answers from './answers.ts'
import { answered } from './answers.ts'
import { isForeign } from './guard.ts'
import type { Health } from './health.ts'
import { type HttpOptions, listen, type ListenDeps } from './listen.ts'
import { Refusal, tell } from './refusal.ts'

/** `port` is the one that was asked for while that is taken. */
export type HttpServer = { readonly port: number; close(): Promise<void> }
export type HttpParts = ListenDeps & {
  readonly health: () => Health
  /** Beside the probes. */
  readonly routes?: (app: FastifyInstance) => Promise<void>
  readonly explain?: (error: unknown) => OperatorError | null
  /** A fault of ours, for the log. */
  readonly fault?: (error: unknown) => void
}

const MAX_CONNECTIONS = 100
/** For all of a request. */
const REQUEST_MS = 2_000
const LOOK_MS = 1_000
const BODY_BYTES = 64 * 1024
/** From one address, beside probes. */
const REQUESTS = { max: 300, timeWindow: 10_000 }

const SECURITY = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // Everything the page needs comes from here, and it can be put into no other page.
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  // No connection is kept: many of them would be in the way of a probe, and whoever sends a body that is not wanted is cut off.
  connection: 'close',
}

/** As `listen` does: also without the port. */
export async function serveHttp(options: HttpOptions, parts: HttpParts): Promise<HttpServer> {
  const times = { headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: LOOK_MS }
  const app = fastify({
    serverFactory: (answer) => createServer(times, answer).on('connection', makeRoom()),
    ...{ bodyLimit: BODY_BYTES, forceCloseConnections: true, return503OnClosing: false },
    ...{ routerOptions: { maxParamLength: 300 }, logger: false },
  })
  app.setReplySerializer((value) => `${toJson(value)}\n`)
  // A form of another page can send text/plain, but no application/json.
  app.removeContentTypeParser('text/plain')
  app.setErrorHandler((error, _, reply) => {
    const { status, body } = tell(error, parts.explain ?? (() => null))
    if (status === 500) parts.fault?.(error)
    return reply.code(status).type('application/json').send(body)
  })
  app.addHook('onRequest', async ({ headers }, reply) => {
    reply.headers(SECURITY)
    if (isForeign(headers, options.host))
      return reply
        .code(403)
        .send({ error: refused('FOREIGN', 'ask for an address or localhost, and from no other page') })
  })
  // What is asked is checked where it is used (route.ts, `parsed`), and nothing is left out of an answer: schemas only describe.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => toJson)
  await app.register(rateLimit, {
    ...REQUESTS,
    allowList: ({ url }) => isProbe(url),
    errorResponseBuilder: (_, { after }) =>
      new Refusal(429, 'TOO_MANY_REQUESTS', 'too many requests', `try again in ${after}`),
  })
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (_, reply) =>
    reply.code(404).send({ error: refused('NOT_FOUND', 'there is nothing here') }),
  )
  if (parts.routes) await parts.routes(app)
  // After them, or the description that they make would lack the probes.
  addProbes(app, parts.health)
  await app.ready()
  const listening = await listen(app, options, parts)
  const address = app.server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    async close() {
      await listening.end()
      await app.close()
    },
  }
}

const refused = (code: string, message: string) => ({ code, message, remedy: '' })
const isProbe = (url: string) => /^\/(health|ready)(\?|$)/.test(url)

function addProbes(app: FastifyInstance, health: () => Health) {
  const response = answered(answers.health, { 503: answers.health })
  const probes = [
    ['/health', 'live', 'Would a restart help? 503: yes'],
    ['/ready', 'ready', 'Does this member work? 503: not now'],
  ] as const
  for (const [path, key, summary] of probes) {
    app.get(path, { schema: { summary, response } }, (_, reply) => {
      const { live, ready, reasons } = health()
      return reply.code({ live, ready }[key] ? 200 : 503).send({ live, ready, reasons })
    })
    app.route({
      ...{ method: ['POST', 'PUT', 'PATCH', 'DELETE'], url: path, schema: { hide: true } },
      handler: (_, reply) => reply.code(405).send({ error: 'GET only' }),
    })
  }
}

/**
 * The newest connection is taken and the oldest ended, not the other way round: others that connect and say nothing must not
 * make a member look dead. A probe is answered at once, and its connection closed.
 */
function makeRoom() {
  const open = new Set<Socket>()
  return (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    const [oldest] = open
    if (open.size > MAX_CONNECTIONS) oldest?.destroy()
  }
}
