// Between the members of the demo and its PostgreSQL, so that it can be taken away from them, wherever it comes from.
import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'

export type CutProxy = {
  /** The same database, by way of us. */
  readonly url: string
  /** Connections are reset, and refused until `mend`. */
  readonly cut: () => void
  readonly mend: () => void
  readonly close: () => Promise<void>
}

/** Null: not possible, as the server's name is looked at (TLS), or there is no TCP. */
export const openCutProxy = async (databaseUrl: string): Promise<CutProxy | null> => {
  const url = new URL(databaseUrl)
  const [host, port] = [url.hostname.replace(/^\[(.*)\]$/, '$1'), Number(url.port || 5432)]
  if (host === '' || url.searchParams.has('sslmode') || url.searchParams.has('host')) return null
  const sockets = new Set<Socket>()
  let open = true
  const server = createServer((client) => {
    if (!open) return client.resetAndDestroy()
    const upstream = createConnection({ host, port })
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: ours } = server.address() as { port: number }
  url.hostname = '127.0.0.1'
  url.port = String(ours)
  const cut = () => {
    open = false
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    url: url.href,
    cut,
    mend: () => (open = true),
    close: async () => {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
