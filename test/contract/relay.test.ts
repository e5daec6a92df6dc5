// From the outbox table to a real DLQ topic.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createRelay, type RelayDeps } from '../../src/dead-letters/relay.ts'
import { loadConfig } from '../../src/config.ts'
import { createAdmin, type KafkaAdmin } from '../../src/kafka/admin.ts'
import { createProducer, isTooLarge, type Producer } from '../../src/kafka/producer.ts'
import { readTopic } from '../../src/kafka/read-topic.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { faultOf } from '../../src/line-items/fault.ts'
import type { SourceRecord } from '../../src/pipeline/source-record.ts'
import { createOutbox } from '../../src/sink/outbox.ts'
import type { TelemetryEvent } from '../../src/telemetry/events.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { batchOf, entryOf, GROUP, openSink, type OpenSink, openTestDatabase, recordAt, startAt, type TestDatabase } from '../support/sink.ts' // prettier-ignore
import { stack, uniqueName } from '../support/stack.ts'

const log = createLog('silent')
let db: TestDatabase
let open: OpenSink
let admin: KafkaAdmin
let producer: Producer
let dlqTopic: string
const kafka = () => loadConfig({ KAFKA_BROKERS: stack().brokers.join(',') }, ['kafka']).kafka

beforeAll(async () => {
  db = await openTestDatabase()
  open = openSink(db.url)
  await startAt(open, [0])
  admin = createAdmin(kafka(), log)
  await admin.connect()
  producer = createProducer(kafka(), log)
  await producer.connect()
  const topic = uniqueName('relay')
  dlqTopic = `${topic}.dlq`
  await admin.createTopics({ topic, dlqTopic, partitions: 1, replicationFactor: 1 })
})
afterAll(async () => {
  await Promise.all([producer.disconnect(), admin.disconnect(), open.close()])
  await db.close()
})

let next = 0n
const deadLetters = (records: Partial<SourceRecord>[]) => {
  const claimed = { userId: null, invoiceId: null, lineNumber: null }
  const bad = { kind: 'rejected', fault: faultOf('JSON_INVALID'), claimed } as const
  const from = next
  next += BigInt(records.length)
  const entries = records.map((over, i) => entryOf(recordAt(0, from + BigInt(i), over), bad))
  return open.sink.write(batchOf(entries, [{ partition: 0, from, to: next }]))
}
const relay = (over: Partial<RelayDeps> = {}) => {
  const events: TelemetryEvent[] = []
  const outbox = createOutbox({ database: open.database, groupId: GROUP })
  const made = createRelay({
    ...{ outbox, isTooLarge, appVersion: '1', clock: systemClock, emit: (event) => void events.push(event) },
    send: (records) => producer.send(dlqTopic, records),
    ...over,
  })
  return { events, outbox, ...made }
}
const header = (headers: readonly (readonly [string, Buffer | null])[], name: string) =>
  headers.filter(([each]) => each === name).map(([, value]) => value?.toString() ?? null)

it('letters reach the topic byte for byte, once each; one that is too large is cut, with its size and hash', async () => {
  const huge = Buffer.alloc(1_500_000, 1) // more than the topic's 1 MiB + 64 KiB
  const headers = [['h', Buffer.from([0, 255])], ['h', null], ['e', Buffer.alloc(0)]] as const // prettier-ignore
  await deadLetters([{ key: null, value: Buffer.from([255]), headers }, { key: Buffer.from('k'), value: huge }, { value: Buffer.alloc(0) }]) // prettier-ignore
  const { end, outbox, events } = relay()
  await end(30_000)
  expect(await outbox.pending()).toBe(0)
  expect(events).toContainEqual({ type: 'dead-letters-published', count: 3 })

  const records = await readTopic(kafka(), dlqTopic, log)
  expect(records).toHaveLength(3)
  const byOffset = new Map(records.map((record) => [header(record.headers, 'dlq.original.offset')[0], record]))
  expect(byOffset.get('0')).toMatchObject({ key: null, value: Buffer.from([255]) })
  expect(byOffset.get('0')!.headers.slice(0, 3)).toEqual(headers)
  expect(byOffset.get('2')!.value).toEqual(Buffer.alloc(0))
  const cut = byOffset.get('1')!
  expect(cut.key).toEqual(Buffer.from('k'))
  expect(cut.value!.equals(huge.subarray(0, cut.value!.length))).toBe(true)
  expect(header(cut.headers, 'dlq.value.bytes')).toEqual(['1500000'])
  expect(header(cut.headers, 'dlq.value.sha256')).toEqual([createHash('sha256').update(huge).digest('hex')])
})

it('while the topic takes nothing letters wait, and go out when it does: none lost, their leases given back', async () => {
  await deadLetters([{ value: Buffer.from('waits') }])
  let down = true
  const { run, notify, end, outbox, events } = relay({
    send: (records) => (down ? Promise.reject(new Error('NOT_ENOUGH_REPLICAS')) : producer.send(dlqTopic, records)),
  })
  const running = run()
  while (!events.some(({ type }) => type === 'dead-letters-waiting')) await systemClock.sleep(10)
  expect(await outbox.pending()).toBe(1)
  down = false
  notify()
  while ((await outbox.pending()) > 0) await systemClock.sleep(10)
  await end(1_000)
  await running
  const values = (await readTopic(kafka(), dlqTopic, log)).map(({ value }) => value?.toString())
  expect(values.filter((value) => value === 'waits')).toHaveLength(1)
})
