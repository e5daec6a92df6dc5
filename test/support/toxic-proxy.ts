// A TCP proxy in front of one broker, with what networks do: delay, a narrow pipe, packets of one byte, a reset, a half-close,
// a refusal, and a black hole that answers nothing and closes nothing. Each of them in both directions or in one.
import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** up: to the broker. */
export type Way = 'up' | 'down'
export type Toxic = {
  readonly ways?: readonly Way[]
  readonly latencyMs?: number
  /** Up to so much more, by chance; the order is kept. */
  readonly jitterMs?: number
  readonly bytesPerSecond?: number
  /** The first bytes of whatever arrives (sizes, headers) one by one, the rest cut at an odd place. */
  readonly sliced?: boolean
  /** Connections are taken, bytes are swallowed, no end is told. A connection that lost bytes stays mute for good. */
  readonly hole?: boolean
}
export type ToxicProxy = Awaited<ReturnType<typeof openToxicProxy>>

const SLICED_BYTES = 64
const PIECE_BYTES = 8 * 1024
const QUEUE_BYTES = 256 * 1024

export const openToxicProxy = async (host: string, port: number, random: () => number) => {
  const pairs = new Set<{ client: Socket; upstream: Socket }>()
  let toxic: Toxic = {}
  let refusing = false
  const on = (way: Way): Toxic => (toxic.ways?.includes(way) === false ? {} : toxic)

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (refusing) return client.resetAndDestroy()
    const upstream = createConnection({ host, port, allowHalfOpen: true, noDelay: true })
    const pair = { client, upstream }
    pairs.add(pair)
    const mute = { now: false }
    pipe(client, upstream, mute, () => on('up'), random)
    pipe(upstream, client, mute, () => on('down'), random)
    const gone = () => {
      if (client.destroyed && upstream.destroyed) pairs.delete(pair)
    }
    client.once('close', gone)
    upstream.once('close', gone)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as { port: number }
  const reset = () => {
    for (const { client, upstream } of pairs) {
      client.resetAndDestroy()
      upstream.destroy()
    }
  }
  return {
    port: address.port,
    set: (next: Toxic) => void (toxic = next),
    /** RST to everybody who is connected. */
    reset,
    /** The broker's side ends (FIN) and goes on to read. */
    halfClose: () => pairs.forEach(({ client }) => client.end()),
    /** As when nobody listens: resets, and no new connection. */
    refuse: () => {
      refusing = true
      reset()
    },
    heal: () => {
      toxic = {}
      refusing = false
    },
    connections: () => pairs.size,
    async close(): Promise<void> {
      refusing = true
      for (const { client, upstream } of pairs) {
        client.destroy()
        upstream.destroy()
      }
      server.close()
      await once(server, 'close')
    },
  }
}

/** One direction of one connection. What arrives is passed on in order, each piece when it is due. */
const pipe = (from: Socket, to: Socket, mute: { now: boolean }, toxicNow: () => Toxic, random: () => number) => {
  let queued = 0
  let last = Promise.resolve()
  const holed = () => mute.now || toxicNow().hole === true
  const pass = async (bytes: Buffer, due: number) => {
    const early = due - performance.now()
    if (early > 0) await sleep(early)
    for (const piece of piecesOf(bytes, toxicNow())) {
      // A hole that opened meanwhile swallows what is still under way.
      if (holed()) mute.now = true
      if (mute.now || to.destroyed) break
      to.write(piece)
      const { bytesPerSecond, sliced } = toxicNow()
      if (bytesPerSecond) await sleep((piece.length / bytesPerSecond) * 1000)
      else if (sliced) await new Promise(setImmediate) // else they would leave in one packet
    }
    queued -= bytes.length
    if (queued < QUEUE_BYTES) from.resume()
  }
  from.on('data', (bytes: Buffer) => {
    if (holed()) return void (mute.now = true)
    const { latencyMs = 0, jitterMs = 0 } = toxicNow()
    const due = performance.now() + latencyMs + random() * jitterMs
    queued += bytes.length
    if (queued >= QUEUE_BYTES) from.pause()
    last = last.then(() => pass(bytes, due))
  })
  from.on('end', () => void last.then(() => holed() || to.end()))
  from.on('error', () => void (holed() || to.destroy()))
  from.on('close', () => void last.then(() => holed() || to.destroySoon()))
}

function* piecesOf(bytes: Buffer, { sliced, bytesPerSecond }: Toxic): Generator<Buffer> {
  let at = 0
  if (sliced) for (; at < Math.min(SLICED_BYTES, bytes.length); at++) yield bytes.subarray(at, at + 1)
  const most = bytesPerSecond ? Math.min(PIECE_BYTES, Math.ceil(bytesPerSecond / 10)) : sliced ? 1_337 : bytes.length
  for (; at < bytes.length; at += most) yield bytes.subarray(at, at + most)
}
