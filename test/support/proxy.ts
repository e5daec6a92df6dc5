// A TCP proxy in front of one server: cut every connection and refuse new ones, or swallow everything in silence.
import { createConnection, createServer, type Socket } from 'node:net'
import { once } from 'node:events'

export const openProxy = async (host: string, port: number) => {
  const sockets = new Set<Socket>()
  let mode: 'open' | 'down' | 'silent' = 'open'
  const server = createServer((client) => {
    if (mode === 'down') return client.destroy()
    const upstream = createConnection({ host, port })
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      // prettier-ignore
      sockets.add(from)
      from.on('data', (bytes) => mode === 'open' && to.write(bytes))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as { port: number }
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: address.port,
    /** As when the server is gone: resets, then refusals. */
    down: () => {
      mode = 'down'
      cut()
    },
    /** As when the network swallows everything. */
    silent: () => (mode = 'silent'),
    up: () => {
      if (mode === 'silent') cut() // what was swallowed is lost: those connections are out of step
      mode = 'open'
    },
    close: async () => {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
