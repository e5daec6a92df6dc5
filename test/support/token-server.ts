// An authorisation server that knows one client and one grant.
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

export type TokenServer = Awaited<ReturnType<typeof startTokenServer>>
type Answer = { status?: number; body: object }

/** `answer` is asked for every request of the client that gave its right secret. */
export const startTokenServer = async (
  client: { id: string; secret: string },
  answer: (form: URLSearchParams) => Answer,
) => {
  const basic = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`
  const seen: URLSearchParams[] = []
  let down = false
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (part: Buffer) => (text += part.toString()))
    request.on('end', () => {
      const form = new URLSearchParams(text)
      seen.push(form)
      const known = request.headers.authorization === basic
      const { status = 200, body } = known ? answer(form) : { status: 401, body: { error: 'invalid_client' } }
      if (down) return void response.writeHead(503).end()
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    /** The forms that were sent. */
    seen,
    setDown: (value: boolean) => void (down = value),
    async stop(): Promise<void> {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
