// A TCP proxy in front of one broker, with what networks do: delay, a narrow pipe, packets of one byte, a reset, a half-close,
// a refusal, and a black hole that answers nothing and closes nothing. Each of them in both directions or in one. It counts what it
// did, and to whom: a fault that nobody felt was none.
import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** up: to the broker. */
export type Way = 'up' | 'down'
export type Toxic = {
  readonly ways?: readonly Way[]
  /** Only for connections of this client id; one that has not said anything yet is nobody's. */
  readonly clientId?: string
  readonly latencyMs?: number
  /** Up to so much more, by chance; the order is kept. */
  readonly jitterMs?: number
  readonly bytesPerSecond?: number
  /** The first bytes of whatever arrives (sizes, headers) one by one, the rest cut at an odd place. */
  readonly sliced?: boolean
  /** Connections are taken, bytes are swallowed, no end is told. A connection that lost bytes stays mute for good. */
  readonly hole?: boolean
}

/** Bytes that came from the client (up) and from the broker (down), of them those that a toxic changed, and ends of connections. */
const NOTHING = {
  ...{ up: 0, down: 0 },
  ...{ swallowed: 0, delayed: 0, narrowed: 0, sliced: 0 },
  /** lost: the broker's side has ended it, or was not there any more. */
  ...{ reset: 0, halfClosed: 0, refused: 0, lost: 0 },
}
export type Felt = Readonly<typeof NOTHING>
export type ToxicProxy = Awaited<ReturnType<typeof openToxicProxy>>

const SLICED_BYTES = 64
const PIECE_BYTES = 8 * 1024
const QUEUE_BYTES = 256 * 1024

export const openToxicProxy = async (host: string, port: number, random: () => number) => {
  const pairs = new Set<Pair>()
  let toxic: Toxic = {}
  let refusing = false
  /** By client id; that of a connection which has not said anything is null. */
  const felt = new Map<string | null, typeof NOTHING>()
  const note = (what: keyof Felt, clientId: string | null, count = 1) => {
    const of = felt.get(clientId) ?? { ...NOTHING }
    of[what] += count
    felt.set(clientId, of)
  }
  const on = (way: Way, { clientId }: Pair): Toxic => {
    const other = toxic.clientId !== undefined && toxic.clientId !== clientId
    return other || toxic.ways?.includes(way) === false ? {} : toxic
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (refusing) {
      note('refused', null)
      return client.resetAndDestroy()
    }
    const upstream = createConnection({ host, port, allowHalfOpen: true, noDelay: true })
    const pair: Pair = { client, upstream, clientId: null }
    pairs.add(pair)
    client.once('data', (bytes: Buffer) => (pair.clientId = clientIdOf(bytes)))
    const mute = { now: false }
    const noteOf = (what: keyof Felt, count: number) => note(what, pair.clientId, count)
    pipe(client, upstream, { way: 'up', mute, toxicNow: () => on('up', pair), note: noteOf }, random)
    pipe(upstream, client, { way: 'down', mute, toxicNow: () => on('down', pair), note: noteOf }, random)
    const lost = () => {
      if (!client.readableEnded && !client.destroyed) note('lost', pair.clientId)
    }
    upstream.once('end', lost)
    upstream.once('error', lost)
    const gone = () => {
      if (client.destroyed && upstream.destroyed) pairs.delete(pair)
    }
    client.once('close', gone)
    upstream.once('close', gone)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as { port: number }
  const open = (clientId?: string) =>
    [...pairs].filter((pair) => !pair.client.destroyed && (clientId === undefined || pair.clientId === clientId))
  const reset = (): number => {
    const now = open()
    for (const { client, upstream, clientId } of now) {
      note('reset', clientId)
      client.resetAndDestroy()
      upstream.destroy()
    }
    return now.length
  }
  return {
    port: address.port,
    set: (next: Toxic) => void (toxic = next),
    /** RST to everybody who is connected; how many. */
    reset,
    /** The broker's side ends (FIN) and goes on to read. */
    halfClose(): void {
      for (const { client, clientId } of open()) {
        if (!client.writable) continue
        note('halfClosed', clientId)
        client.end()
      }
    },
    /** As when nobody listens: resets, and no new connection. */
    refuse: () => {
      refusing = true
      reset()
    },
    heal: () => {
      toxic = {}
      refusing = false
    },
    connections: (clientId?: string) => open(clientId).length,
    /** Since the last `forget`, by this client (and by whoever never said who it is), or by all. */
    felt(clientId?: string): Felt {
      const sum = { ...NOTHING }
      for (const [id, each] of felt) {
        if (clientId !== undefined && id !== null && id !== clientId) continue
        for (const what of Object.keys(sum) as (keyof Felt)[]) sum[what] += each[what]
      }
      return sum
    },
    forget: () => felt.clear(),
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

type Pair = { client: Socket; upstream: Socket; clientId: string | null }

/** A request begins with its size, key, version, correlation id and the client's id (a length of two bytes, or -1). */
const clientIdOf = (request: Buffer): string | null => {
  const at = 4 + 2 + 2 + 4
  if (request.length < at + 2) return null
  const length = request.readInt16BE(at)
  return length < 0 ? null : request.toString('utf8', at + 2, at + 2 + length)
}

type Pipe = {
  readonly way: Way
  /** Shared by both directions. */
  readonly mute: { now: boolean }
  readonly toxicNow: () => Toxic
  readonly note: (what: keyof Felt, count: number) => void
}

/** One direction of one connection. What arrives is passed on in order, each piece when it is due. */
const pipe = (from: Socket, to: Socket, { way, mute, toxicNow, note }: Pipe, random: () => number) => {
  let queued = 0
  let last = Promise.resolve()
  const holed = () => mute.now || toxicNow().hole === true
  const pass = async (bytes: Buffer, due: number) => {
    const early = due - performance.now()
    if (early > 0) await sleep(early)
    let passed = 0
    for (const piece of piecesOf(bytes, toxicNow())) {
      // A hole that opened meanwhile swallows what is still under way.
      if (holed()) mute.now = true
      if (mute.now || to.destroyed) break
      to.write(piece)
      passed += piece.length
      const { bytesPerSecond, sliced } = toxicNow()
      if (bytesPerSecond) {
        note('narrowed', piece.length)
        await sleep((piece.length / bytesPerSecond) * 1000)
      } else if (sliced) {
        note('sliced', piece.length)
        await new Promise(setImmediate) // else they would leave in one packet
      }
    }
    if (mute.now) note('swallowed', bytes.length - passed)
    queued -= bytes.length
    if (queued < QUEUE_BYTES) from.resume()
  }
  from.on('data', (bytes: Buffer) => {
    note(way, bytes.length)
    if (holed()) {
      note('swallowed', bytes.length)
      return void (mute.now = true)
    }
    const { latencyMs = 0, jitterMs = 0 } = toxicNow()
    const due = performance.now() + latencyMs + random() * jitterMs
    if (latencyMs > 0) note('delayed', bytes.length)
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
