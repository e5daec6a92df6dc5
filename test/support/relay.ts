// Dead letters in a database of one's own, a DLQ topic of one's own, and relays between the two.
import { createRelay, type RelayDeps } from '../../src/dead-letters/relay.ts'
import { loadConfig } from '../../src/config.ts'
import { createAdmin } from '../../src/kafka/admin.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { createProducer } from '../../src/kafka/producer.ts'
import { readTopic } from '../../src/kafka/read-topic.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { faultOf } from '../../src/line-items/fault.ts'
import type { Header, SourceRecord } from '../../src/pipeline/source-record.ts'
import { createOutbox } from '../../src/sink/outbox.ts'
import type { TelemetryEvent } from '../../src/telemetry/events.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { batchOf, entryOf, GROUP, openSink, openTestDatabase, recordAt, startAt } from './sink.ts'
import { stack, uniqueName } from './stack.ts'

const log = createLog('silent')

export type TopicConfig = Readonly<Record<string, string>>

export const openRelayWorld = async () => {
  const brokers = stack().brokers
  const { kafka } = loadConfig({ KAFKA_BROKERS: brokers.join(',') }, ['kafka'])
  const db = await openTestDatabase()
  const open = openSink(db.url)
  await startAt(open, [0])
  const admin = createKafka(kafka, log).admin()
  const topics = createAdmin(kafka, log)
  const producer = createProducer(kafka, log)
  await Promise.all([admin.connect(), topics.connect(), producer.connect()])
  const made: string[] = []
  const relays: { end(ms: number): Promise<void> }[] = []
  let next = 0n

  const createTopic = async (topic: string, partitions = 1, config: TopicConfig = {}) => {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }],
    })
    made.push(topic)
  }

  return {
    ...{ db, open, admin, topics, producer, brokers, createTopic },
    async newTopic(partitions?: number, config?: TopicConfig): Promise<string> {
      const topic = `${uniqueName('relay')}.dlq`
      await createTopic(topic, partitions, config)
      return topic
    },
    /** One dead letter for each record, at consecutive offsets of partition 0, written by the sink. */
    async deadLetters(records: readonly Partial<SourceRecord>[]): Promise<bigint[]> {
      const claimed = { userId: null, invoiceId: null, lineNumber: null }
      const bad = { kind: 'rejected', fault: faultOf('JSON_INVALID'), claimed } as const
      const from = next
      next += BigInt(records.length)
      const entries = records.map((over, i) => entryOf(recordAt(0, from + BigInt(i), over), bad))
      await open.sink.write(batchOf(entries, [{ partition: 0, from, to: next }]))
      return records.map((_, i) => from + BigInt(i))
    },
    relay(topic: string, over: Partial<RelayDeps> = {}) {
      const events: TelemetryEvent[] = []
      const outbox = createOutbox({ database: open.database, groupId: GROUP })
      const relay = createRelay({
        ...{ outbox, appVersion: '1', headerCompat: 'none', clock: systemClock },
        emit: (event) => void events.push(event),
        send: (records) => producer.sendEach(topic, records),
        ...over,
      })
      relays.push(relay)
      return { ...relay, events, outbox, told: (type: TelemetryEvent['type']) => events.filter((e) => e.type === type) }
    },
    published: (topic: string) => readTopic(kafka, topic, log),
    /** dlq.original.offset of each record of the topic, in order of partition and offset. */
    async publishedOffsets(topic: string): Promise<bigint[]> {
      const records = await readTopic(kafka, topic, log)
      return records.map(({ headers }) => BigInt(headerText(headers, 'dlq.original.offset')[0] ?? -1))
    },
    endRelays: async () => void (await Promise.all(relays.splice(0).map((relay) => relay.end(0)))),
    async close(): Promise<void> {
      await admin.deleteTopics({ topics: made }).catch(() => {}) // a test may have deleted one
      await Promise.all([producer.disconnect(), admin.disconnect(), topics.disconnect(), open.close()])
      await db.close()
    },
  }
}
export type RelayWorld = Awaited<ReturnType<typeof openRelayWorld>>

export const headerText = (headers: readonly Header[], name: string) =>
  headers.filter(([each]) => each === name).map(([, value]) => value?.toString() ?? null)

export const sorted = (offsets: readonly bigint[]) => offsets.toSorted((a, b) => (a < b ? -1 : 1))
