// A transactional producer that goes on through broker faults: every third transaction is aborted, what breaks is aborted too,
// or fenced by the next producer with the same id. What came of it the topic says, read as read_committed.
import type { Transaction } from 'kafkajs'
import type { KafkaStage } from './kafka-stage.ts'
import { newEvents } from './kafka-topic-steps.ts'

const RECORDS = 20
const ABORT_EVERY = 3
/** Records behind a transaction that nobody ends are not to be read until the broker ends it. */
const OPEN_MS = 10_000

export type Transactions = { committed: number; aborted: number; broken: number }

export const startTransactions = (stage: KafkaStage) => {
  const { kafka, world } = stage
  const { topic } = world.config
  const done: Transactions = { committed: 0, aborted: 0, broken: 0 }
  let wanted = true

  const create = async () => {
    const producer = kafka.client.producer({
      ...{ idempotent: true, maxInFlightRequests: 1, transactionalId: `${topic}-tx`, transactionTimeout: OPEN_MS },
      retry: { retries: 3 },
    })
    await producer.connect()
    return producer
  }

  const one = async (open: Transaction, nth: number) => {
    await open.send({ topic, messages: newEvents(stage, nth, RECORDS) })
    const abort = nth % ABORT_EVERY === 0
    await (abort ? open.abort() : open.commit())
    done[abort ? 'aborted' : 'committed'] += 1
  }

  const run = async () => {
    let producer = await create()
    for (let nth = 1; wanted; nth++) {
      let open: Transaction | undefined
      try {
        open = await producer.transaction()
        await one(open, nth)
      } catch {
        done.broken += 1
        await open?.abort().catch(() => {})
        await producer.disconnect().catch(() => {})
        producer = await create()
      }
    }
    await producer.disconnect()
  }
  const running = run()
  running.catch(() => {}) // stop() tells
  return {
    done,
    async stop(): Promise<void> {
      wanted = false
      await running
    },
  }
}
