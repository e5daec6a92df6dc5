import { CompressionTypes, type Message } from 'kafkajs'
import type { KafkaConfig } from '../config.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import type { Log } from '../telemetry/log.ts'
import { createBoundedKafka } from './client.ts'
import { explained } from './explain.ts'
import { headersOf, type HeaderOut } from './headers.ts'
import { createPartitioning } from './partitioning.ts'
import { sendEach, type SendFailure } from './send-each.ts'

export type OutRecord = {
  readonly key: Buffer | string | null
  readonly value: Buffer | null
  /** In order; names may repeat, values may be null. */
  readonly headers?: readonly HeaderOut[]
  readonly partition?: number
  readonly timestamp?: number
}

export type Producer = {
  connect(): Promise<void>
  /** Resolves when every in-sync replica has all of them. A failed send may have delivered some: sending again is safe only for readers that deduplicate. */
  send(topic: string, records: readonly OutRecord[]): Promise<void>
  /** The same, and of every single record it is known whether the topic has it: null, or why not. Never rejects. */
  sendEach(topic: string, records: readonly OutRecord[]): Promise<readonly (SendFailure | null)[]>
  disconnect(): Promise<void>
}

export type ProducerOptions = { compression?: 'gzip' | 'none' }

// One send is one record batch per partition, refused whole above max.message.bytes (1 MiB); and kafkajs groups by partition
// in quadratic time (20,000 records block the event loop for 2.4 s).
const SEND_MAX_RECORDS = 1_000
const SEND_MAX_BYTES = 800_000

const lengthOf = (part: Buffer | string | null): number => (part === null ? 0 : Buffer.byteLength(part))

const bytesOf = ({ key, value, headers = [] }: OutRecord): number =>
  headers.reduce(
    (sum, [name, each]) => sum + name.length * 3 + lengthOf(each) + 4,
    lengthOf(key) + lengthOf(value) + 24,
  )

/** Cuts what goes into one request; a record above the limit goes alone. */
export const chunks = (records: readonly OutRecord[]): OutRecord[][] => {
  const out: OutRecord[][] = []
  let current: OutRecord[] = []
  let bytes = 0
  for (const record of records) {
    const size = bytesOf(record)
    if (current.length > 0 && (current.length >= SEND_MAX_RECORDS || bytes + size > SEND_MAX_BYTES)) {
      out.push(current)
      current = []
      bytes = 0
    }
    current.push(record)
    bytes += size
  }
  if (current.length > 0) out.push(current)
  return out
}

const toMessage = ({ key, value, headers, partition, timestamp }: OutRecord): Message => ({
  key,
  value,
  ...(headers && headers.length > 0 ? { headers: headersOf(headers) } : {}),
  ...(partition === undefined ? {} : { partition }),
  ...(timestamp === undefined ? {} : { timestamp: String(timestamp) }),
})

/**
 * When a topic's partitions or their leaders change during a send, kafkajs leaves records out and resolves all the same:
 * those of a partition that is gone, and those whose new leader has answered before for another partition.
 */
const unanswered = (topic: string, partition: number | undefined) =>
  new OperatorError(
    `Kafka has not taken what was sent to partition ${partition} of topic "${topic}": its partitions changed meanwhile`,
    'try again',
    ExitCode.unavailable,
  )

export const createProducer = (
  config: KafkaConfig,
  log: Log,
  { compression = 'none' }: ProducerOptions = {},
): Producer => {
  // Not idempotent: kafkajs rolls a sequence back after an unclear failure and loses records silently. acks=all repeats instead.
  const { kafka, connect } = createBoundedKafka(config, log)
  const partitioning = createPartitioning()
  const producer = kafka.producer({
    idempotent: false,
    allowAutoTopicCreation: false,
    createPartitioner: () => partitioning.choose,
    retry: { initialRetryTime: 300, retries: 8, maxRetryTime: 5_000 },
  })
  const codec = compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None
  const request = async (topic: string, records: readonly OutRecord[]) => {
    const answered = await producer.send({
      ...{ topic, acks: -1, timeout: 30_000, compression: codec },
      messages: records.map(toMessage),
    })
    const partitions = new Set(answered.map(({ partition }) => partition))
    const lost = records.find(({ partition }) => partition !== undefined && !partitions.has(partition))
    if (lost) throw unanswered(topic, lost.partition)
  }
  const send = (topic: string, records: readonly OutRecord[]) =>
    explained(
      config,
      async () => {
        for (const chunk of chunks(records)) await request(topic, partitioning.place(topic, chunk))
      },
      { topic },
    )
  return {
    connect: () => explained(config, () => connect(producer)),
    disconnect: () => producer.disconnect(),
    send,
    sendEach: (topic, records) =>
      sendEach(records, {
        cut: chunks,
        send: (some) => send(topic, some),
        partitionOf: (record) => partitioning.partitionOf(topic, record),
      }),
  }
}
