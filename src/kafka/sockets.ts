import type { Socket } from 'node:net'
import type { ISocketFactory } from 'kafkajs'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { internal } from './kafkajs-internals.ts'

const createDefault = internal('src/network/socketFactory.js') as () => ISocketFactory

/** kafkajs has no way to give up on a connection; its sockets would keep the process alive for another half minute. */
export const trackSockets = (): { factory: ISocketFactory; abandon(brokers: readonly string[]): OperatorError } => {
  const create = createDefault()
  const open = new Set<Socket>()
  let abandoned = false
  return {
    factory: (args) => {
      if (abandoned) throw new Error('given up')
      const socket = create(args)
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      return socket
    },
    abandon(brokers) {
      abandoned = true
      for (const socket of open) socket.destroy(new Error('given up'))
      return new OperatorError(
        `cannot reach Kafka at ${brokers.join(', ')} (no answer)`,
        'check KAFKA_BROKERS and KAFKA_SECURITY_PROTOCOL: something took the connection, but does not speak Kafka there',
        ExitCode.unavailable,
      )
    },
  }
}
