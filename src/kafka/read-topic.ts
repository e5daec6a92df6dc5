// Reads a topic from its beginning to where it ends now, apart from any consumer group of ours: for proofs and tests.
import type { KafkaConfig } from '../config.ts'
import type { Log } from '../telemetry/log.ts'
import { createAdmin } from './admin.ts'
import { createKafka, headerPairs } from './client.ts'

export type ReadRecord = {
  partition: number
  offset: bigint
  /** Milliseconds since the epoch. */
  timestamp: number
  key: Buffer | null
  value: Buffer | null
  headers: readonly (readonly [string, Buffer | null])[]
}

/** All records, in order of offset within each partition. Holds the topic in memory. */
export async function readTopic(config: KafkaConfig, topic: string, log: Log): Promise<ReadRecord[]> {
  const groupId = `sluice-read-${crypto.randomUUID()}`
  const admin = createAdmin(config, log)
  await admin.connect()
  const kafka = createKafka(config, log)
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200, sessionTimeout: 30_000 })
  try {
    const ends = new Map([...(await admin.endOffsets(topic))].filter(([, { low, high }]) => high > low))
    const records: ReadRecord[] = []
    if (ends.size > 0) await collect(consumer, topic, new Map([...ends].map(([p, { high }]) => [p, high])), records)
    return records
  } finally {
    await consumer.disconnect()
    const cleaner = kafka.admin()
    await cleaner.connect()
    await cleaner.deleteGroups([groupId]).catch(() => {}) // nothing was committed: it expires by itself
    await cleaner.disconnect()
    await admin.disconnect()
  }
}

async function collect(
  consumer: ReturnType<ReturnType<typeof createKafka>['consumer']>,
  topic: string,
  ends: Map<number, bigint>,
  into: ReadRecord[],
) {
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    const passed = (partition: number, last: string) => {
      const end = ends.get(partition)
      if (end !== undefined && BigInt(last) + 1n >= end) ends.delete(partition)
      if (ends.size === 0) resolve()
    }
    // Batches of transaction markers only never reach eachBatch.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => passed(payload.partition, payload.lastOffset))
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
    const next = new Map<number, bigint>()
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          for (const message of batch.messages) {
            const offset = BigInt(message.offset)
            if (offset < (next.get(batch.partition) ?? 0n)) continue // delivered again after a rejoin
            next.set(batch.partition, offset + 1n)
            const { key, value } = message
            const timestamp = Number(message.timestamp)
            into.push({ partition: batch.partition, offset, timestamp, key, value, headers: headerPairs(message) })
          }
        },
      })
      .catch(reject)
  })
}
