// A producer in a thread of its own, for publishing files: reading and checking take one core, encoding, compressing and
// sending another (a third of the time of a publish was kafkajs's encoder).
import type { Worker } from 'node:worker_threads'
import type { KafkaConfig } from '../config.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { startThread } from '../lib/thread.ts'
import { pack } from './packed-records.ts'
import type { Answer, Request } from './producer-thread.ts'

export type ThreadedProducer = {
  connect(): Promise<void>
  /** As Producer.send, of keys and values. Sends are answered in any order. */
  send(topic: string, records: readonly { key: Buffer | null; value: Buffer | null }[]): Promise<void>
  disconnect(): Promise<void>
}

export function createThreadedProducer(config: KafkaConfig): ThreadedProducer {
  const thread: Worker = startThread(
    new URL(import.meta.url.replace(/threaded-producer(\.[jt]s)$/, 'producer-thread$1')),
    config,
  )
  const waiting = new Map<number, { resolve: () => void; reject: (error: unknown) => void }>()
  let nextId = 0
  /** Why the thread is gone: it answers nothing more. */
  let ended: Error | null = null
  const failAll = (error: Error) => {
    ended ??= error
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  thread.on('message', ({ id, fault }: Answer) => {
    const call = waiting.get(id)
    waiting.delete(id)
    if (fault)
      call?.reject(
        fault.remedy === null
          ? new Error(fault.message)
          : new OperatorError(fault.message, fault.remedy, fault.exitCode),
      )
    else call?.resolve()
  })
  thread.on('error', failAll)
  thread.on('exit', () => failAll(new Error('the producer thread ended')))

  const call = (request: Omit<Request, 'id'>, transfer: ArrayBuffer[] = []) =>
    new Promise<void>((resolve, reject) => {
      if (ended) return reject(ended)
      const id = nextId++
      waiting.set(id, { resolve, reject })
      thread.postMessage({ ...request, id }, transfer)
    })
  return {
    connect: () => call({ type: 'connect' }),
    send(topic, records) {
      const packed = pack(records)
      return call({ type: 'send', topic, packed }, [packed.bytes.buffer, packed.lengths.buffer])
    },
    async disconnect() {
      await call({ type: 'disconnect' }).catch(() => {}) // it may have ended by an error that a send has told
      await thread.terminate()
    },
  }
}
