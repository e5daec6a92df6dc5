import { randomInt } from 'node:crypto'
import { createServer, type Server } from 'node:net'

/**
 * `count` ports of 127.0.0.1 that nobody listens on. Below the ranges that systems take for outgoing connections
 * (Linux from 32768, macOS from 49152): there, a client could be given the port between our look and the server's bind.
 */
export const freePorts = async (count: number): Promise<number[]> => {
  const held: Server[] = []
  const ports: number[] = []
  try {
    for (let tries = 0; ports.length < count; tries++) {
      const port = randomInt(20_000, 32_000)
      const server = await hold(port)
      if (server === null) {
        if (tries > 1000) throw new Error('no free port between 20000 and 32000')
        continue
      }
      held.push(server)
      ports.push(port)
    }
    return ports
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}

const hold = (port: number): Promise<Server | null> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(null))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => resolve(server))
  })
