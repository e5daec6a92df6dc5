import { once } from 'node:events'
import { createServer, type Server, Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import '../../../src/kafka/patches.ts'
import { internal } from '../../../src/kafka/kafkajs-internals.ts'

type Connection = { connect(): Promise<unknown>; disconnect(): Promise<unknown> }
const Connection = internal('src/network/connection.js') as new (options: object) => Connection
const logger: object = { namespace: () => logger, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** A connection whose sockets are made by `make`; and these. */
const connectionTo = (make: () => Socket) => {
  const sockets: Socket[] = []
  const socketFactory = ({ onConnect }: { onConnect: () => void }) => {
    const socket = make()
    socket.once('connect', onConnect)
    sockets.push(socket)
    return socket
  }
  const connection = new Connection({
    ...{ host: '127.0.0.1', port: 1, logger, socketFactory },
    ...{ requestTimeout: 1_000, connectionTimeout: 50 },
  })
  onTestFinished(() => sockets.forEach((socket) => socket.destroy()))
  return { connection, sockets }
}

const listen = async (): Promise<Server> => {
  const server = createServer(() => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return server
}

describe('an attempt to connect', () => {
  test('that is not answered leaves no socket behind (unpatched: half closed, until the other end says something)', async () => {
    const { connection, sockets } = connectionTo(() => new Socket())
    await expect(connection.connect()).rejects.toThrow('Connection timeout')
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true])
  })

  test('whose socket closes before it is up fails at once (unpatched: for ever, when it ends in order)', async () => {
    const { connection, sockets } = connectionTo(() => new Socket())
    const connected = connection.connect()
    sockets[0]!.destroy()
    await expect(connected).rejects.toMatchObject({ name: 'KafkaJSConnectionError', retriable: true })
  })

  test('is shared by all that want one (unpatched: two connections, read into one buffer)', async () => {
    const server = await listen()
    const { port } = server.address() as { port: number }
    const { connection, sockets } = connectionTo(() => new Socket().connect(port, '127.0.0.1'))
    await Promise.all([connection.connect(), connection.connect()])
    expect(sockets).toHaveLength(1)
    await connection.disconnect()
    await connection.connect()
    expect(sockets).toHaveLength(2)
  })
})
