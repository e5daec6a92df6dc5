// GET /health and GET /ready, for probes. Nothing here changes anything, or says what is in a record.
import { createServer, type IncomingMessage } from 'node:http'
import { isIP, type Socket } from 'node:net'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import type { Health } from './health.ts'

export type HttpOptions = { readonly host: string; readonly port: number }
export type HttpServer = { readonly port: number; close(): Promise<void> }

const MAX_CONNECTIONS = 100
/** For all of a request, which has no body. */
const REQUEST_MS = 2_000
const LOOK_MS = 1_000

/**
 * A page in a browser must not get here by a name of its own that leads to our address (DNS rebinding): asked for must be an
 * address, localhost, or the name we listen on. Probes and scrapers do so, and send no Origin.
 */
const isForeign = ({ headers }: IncomingMessage, host: string) => {
  if (headers.origin !== undefined) return true
  const name = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return !(name === '' || name === 'localhost' || name === host || isIP(name) !== 0)
}

/** @throws OperatorError when it cannot listen there. */
export async function serveHealth({ host, port }: HttpOptions, health: () => Health): Promise<HttpServer> {
  const answer = (request: IncomingMessage): [number, object] => {
    if (isForeign(request, host)) return [403, { error: 'ask for an address or localhost, without an Origin' }]
    const [path] = (request.url ?? '').split('?')
    if (path !== '/health' && path !== '/ready') return [404, { error: 'there are /health and /ready' }]
    if (request.method !== 'GET' && request.method !== 'HEAD') return [405, { error: 'GET only' }]
    const { live, ready, reasons } = health()
    return [(path === '/health' ? live : ready) ? 200 : 503, { live, ready, reasons }]
  }
  const times = { headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: LOOK_MS }
  const server = createServer(times, (request, response) => {
    const [status, body] = answer(request)
    const headers = {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    }
    // No body is wanted: whoever sends one is cut off rather than read.
    response.writeHead(status, { ...headers, connection: 'close' })
    response.end(request.method === 'HEAD' ? undefined : `${JSON.stringify(body)}\n`)
  })
  server.on('connection', makeRoom())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  }).catch((error: unknown) => {
    throw cannotListen(error, host, port)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
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

const cannotListen = (cause: unknown, host: string, port: number) =>
  new OperatorError(
    `HTTP cannot listen on ${host}:${port} (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`,
    'set HTTP_PORT to a free port, one for each member on a host, or leave it unset to go without',
    ExitCode.usage,
    { cause },
  )
