// The faults of the network lane are worth what this proxy really does to a connection.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openToxicProxy, type ToxicProxy } from '../../support/toxic-proxy.ts'
import { until } from '../../support/until.ts'

let server: ReturnType<typeof createServer>
let proxy: ToxicProxy
let served: { socket: Socket; pieces: Buffer[]; ended: boolean }[]
beforeEach(async () => {
  served = []
  server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const seen = { socket, pieces: [] as Buffer[], ended: false }
    served.push(seen)
    socket.on('error', () => {})
    socket.on('end', () => (seen.ended = true))
    socket.on('data', (bytes: Buffer) => {
      seen.pieces.push(bytes)
      socket.write(bytes)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await openToxicProxy('127.0.0.1', (server.address() as { port: number }).port, () => 0.5)
})
afterEach(async () => {
  await proxy.close()
  for (const { socket } of served) socket.destroy()
  server.close()
})

const open = async () => {
  const socket = connect({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true, noDelay: true })
  const got = { text: '', ended: false, closed: false, error: '' }
  socket.on('data', (bytes: Buffer) => (got.text += bytes.toString()))
  socket.on('end', () => (got.ended = true))
  socket.on('close', () => (got.closed = true))
  socket.on('error', (error: NodeJS.ErrnoException) => (got.error = error.code ?? ''))
  await once(socket, 'connect')
  return { socket, got }
}
const echoed = async ({ socket, got }: Awaited<ReturnType<typeof open>>, text: string) => {
  const began = performance.now()
  const before = got.text
  socket.write(text)
  await until('the echo', () => got.text === before + text, { timeoutMs: 5_000, describe: () => got.text })
  return performance.now() - began
}

test('without a toxic everything passes, and an end too', async () => {
  const pair = await open()
  await echoed(pair, 'hello')
  pair.socket.end()
  await until('the end', () => served[0]!.ended)
})

test('latency is added each way, or one way only', async () => {
  const pair = await open()
  proxy.set({ latencyMs: 100, jitterMs: 100 })
  expect(await echoed(pair, 'both')).toBeGreaterThanOrEqual(295)
  proxy.set({ latencyMs: 100, jitterMs: 100, ways: ['down'] })
  const oneWay = await echoed(pair, 'down')
  expect(oneWay).toBeGreaterThanOrEqual(145)
})

test('a narrow pipe takes its time', async () => {
  const pair = await open()
  proxy.set({ bytesPerSecond: 10_000, ways: ['down'] })
  expect(await echoed(pair, 'x'.repeat(3_000))).toBeGreaterThanOrEqual(190)
})

test('sliced: the first bytes come one by one', async () => {
  const pair = await open()
  proxy.set({ sliced: true, ways: ['up'] })
  await echoed(pair, 'y'.repeat(100))
  expect(served[0]!.pieces.length).toBeGreaterThan(10)
})

test('a hole swallows, says nothing, and what it swallowed never comes; a new connection is well', async () => {
  const pair = await open()
  await echoed(pair, 'before')
  proxy.set({ hole: true })
  pair.socket.write('lost')
  const other = await open() // it is taken, and after it the bytes of the first are, too
  other.socket.write('lost too')
  await until('both are swallowed', () => proxy.connections() === 2 && pair.socket.bytesWritten > 0)
  proxy.heal()
  await echoed(await open(), 'new')
  pair.socket.write('still lost')
  await echoed(await open(), 'newer')
  expect(pair.got).toEqual({ text: 'before', ended: false, closed: false, error: '' })
  expect(Buffer.concat(served[0]!.pieces).toString()).toBe('before')
})

test('a hole of answers lets requests through', async () => {
  const pair = await open()
  proxy.set({ hole: true, ways: ['down'] })
  pair.socket.write('asked')
  await until('it is asked', () => Buffer.concat(served[0]?.pieces ?? []).toString() === 'asked')
  proxy.heal()
  await echoed(await open(), 'new')
  expect(pair.got.text).toBe('')
})

test('a reset is one, also for those who come while it refuses', async () => {
  const pair = await open()
  await echoed(pair, 'hello')
  proxy.refuse()
  await until('the reset', () => pair.got.closed)
  expect(pair.got.error).toBe('ECONNRESET')
  const late = connect({ host: '127.0.0.1', port: proxy.port })
  let refused = ''
  late.on('error', (error: NodeJS.ErrnoException) => (refused = error.code ?? ''))
  await until('the refusal', () => refused === 'ECONNRESET')
  proxy.heal()
  await echoed(await open(), 'new')
})

test('half-close: the end comes, what is written still arrives', async () => {
  const pair = await open()
  await echoed(pair, 'hello')
  proxy.halfClose()
  await until('the end', () => pair.got.ended)
  pair.socket.write('still there')
  await until('it arrives', () => Buffer.concat(served[0]!.pieces).toString() === 'hellostill there')
  expect(pair.got.closed).toBe(false)
  pair.socket.destroy()
})

test('a toxic for one client is felt by nobody else', async () => {
  const hello = (name: string) => `${'\0'.repeat(13)}${String.fromCharCode(name.length)}${name}`
  const [mine, other] = [await open(), await open()]
  await echoed(mine, hello('me'))
  await echoed(other, hello('you'))
  proxy.set({ hole: true, clientId: 'me' })
  mine.socket.write('lost')
  await echoed(other, 'hello')
  expect(mine.got.text).toBe(hello('me'))
})

/** The beginning of a request of Kafka's protocol, which says who asks. */
const requestOf = (clientId: string, more = '') => {
  const name = Buffer.alloc(14)
  name.writeInt16BE(clientId.length, 12)
  return Buffer.concat([name, Buffer.from(clientId + more)])
}

test('it counts what it did, and to whom', async () => {
  const [one, other] = [await open(), await open()]
  for (const [pair, name] of [
    [one, 'one'],
    [other, 'other'],
  ] as const) {
    pair.socket.write(requestOf(name))
    await until('the echo', () => pair.got.text.includes(name))
  }
  const some = proxy.felt('one')
  expect(some).toMatchObject({ up: 17, down: 17, swallowed: 0, delayed: 0, narrowed: 0, sliced: 0, reset: 0, lost: 0 })
  expect(proxy.felt()).toMatchObject({ up: 17 + 19 })
  proxy.forget()
  for (const [toxic, what] of [
    [{ latencyMs: 1 }, 'delayed'],
    [{ bytesPerSecond: 1e6 }, 'narrowed'],
    [{ sliced: true }, 'sliced'],
  ] as const) {
    proxy.set({ ...toxic, clientId: 'one', ways: ['up'] })
    await echoed(one, 'again')
    await echoed(other, 'again')
    expect({ what, bytes: proxy.felt('one')[what] }).toEqual({ what, bytes: 5 })
  }
  proxy.set({ hole: true, clientId: 'one' })
  one.socket.write('gone')
  await until('it is swallowed', () => proxy.felt('one').swallowed === 4)
  expect(proxy.felt('other')).toMatchObject({ swallowed: 0, delayed: 0, narrowed: 0, sliced: 0 })
  proxy.heal()
  proxy.halfClose()
  expect(proxy.felt('other').halfClosed).toBe(1)
  proxy.refuse()
  expect(proxy.felt('other').reset).toBe(1)
  await open().catch(() => {})
  await until('somebody is refused', () => proxy.felt('other').refused === 1)
  expect(proxy.connections()).toBe(0)
})

test('a connection is lost when the broker ends it, and not when the client does', async () => {
  const [stays, goes] = [await open(), await open()]
  await echoed(goes, 'hello')
  goes.socket.end()
  await until('the end', () => served.some(({ ended }) => ended))
  served.find(({ ended }) => ended)!.socket.end()
  await echoed(stays, 'hello')
  expect(proxy.felt().lost).toBe(0)
  for (const { socket } of served) socket.destroy()
  await until('it is lost', () => proxy.felt().lost === 1)
})
