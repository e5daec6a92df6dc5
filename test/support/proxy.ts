// A TCP proxy in front of one server: cut every connection and refuse new ones, swallow everything in silence, or cut a
// connection at the very COMMIT of a flush.
import { createConnection, createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { createStatementReader } from './pg-frames.ts'

/** lost: the COMMIT does not reach the server · unanswered: the server has done it, and its answer is lost. */
export type CommitCut = 'lost' | 'unanswered'

type Armed = { how: CommitCut; done: (cut: boolean) => void; off: boolean }

export type Proxy = Awaited<ReturnType<typeof openProxy>>

export const openProxy = async (host: string, port: number) => {
  const sockets = new Set<Socket>()
  const clients = new Set<Socket>()
  let mode: 'open' | 'down' | 'silent' = 'open'
  const armed: Armed[] = []
  /** What it did: connections cut and refused, bytes that it swallowed. */
  const did = { cut: 0, refused: 0, swallowed: 0 }

  const server = createServer((client) => {
    if (mode === 'down') {
      did.refused += 1
      return client.destroy()
    }
    clients.add(client)
    client.once('close', () => clients.delete(client))
    const upstream = createConnection({ host, port })
    const cut = () => {
      client.destroy()
      upstream.destroy()
    }
    const watch = createCommitWatch(armed, cut)
    for (const [from, to, passes] of [
      [client, upstream, watch.sent],
      [upstream, client, watch.answered],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes: Buffer) => {
        if (mode !== 'open') did.swallowed += bytes.length
        else if (passes(bytes)) to.write(bytes)
      })
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
  const cut = (): number => {
    const count = clients.size
    did.cut += count
    for (const socket of sockets) socket.destroy()
    return count
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
    /** Cuts the connection at the next COMMIT of a transaction that moved an offset; true when it was done, false when it never came to it. */
    cutAtCommit: (how: CommitCut, signal?: AbortSignal) =>
      new Promise<boolean>((done) => {
        const one: Armed = { how, done, off: false }
        armed.push(one)
        signal?.addEventListener('abort', () => {
          // Its COMMIT may be on the way already, on a connection that ends without an answer.
          one.off = true
          const at = armed.indexOf(one)
          if (at >= 0) armed.splice(at, 1)
          done(false)
        })
      }),
    /** Every connection of now; the next ones work. How many. */
    cut: () => cut(),
    /** So far. */
    did: (): Readonly<typeof did> => ({ ...did }),
    close: async () => {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Of one connection. Each function says whether the bytes may pass. */
const createCommitWatch = (armed: Armed[], cut: () => void) => {
  const read = createStatementReader()
  let moved = false
  let unanswered: Armed | undefined
  const end = ({ done }: Armed) => {
    cut()
    done(true)
    return false
  }
  const sent = (bytes: Buffer): boolean => {
    for (const statement of read(bytes)) {
      if (statement.includes('UPDATE consumer_offset')) moved = true
      else if (/^(COMMIT|ROLLBACK)/.test(statement)) {
        const next = moved && statement.startsWith('COMMIT') ? armed.shift() : undefined
        moved = false
        if (next?.how === 'lost') return end(next)
        unanswered = next
      }
    }
    return true
  }
  const answered = (): boolean => (unanswered && !unanswered.off ? end(unanswered) : true)
  return { sent, answered }
}
