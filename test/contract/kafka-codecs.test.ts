import { randomBytes } from 'node:crypto'
import type { EachMessagePayload } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import type { KafkaConfig } from '../../src/config.ts'
import { createKafka, headerPairs } from '../../src/kafka/client.ts'
import type { HeaderPair } from '../../src/kafka/headers.ts'
import { createProducer, type OutRecord, type Producer, type ProducerOptions } from '../../src/kafka/producer.ts'
import { isTooLarge } from '../../src/kafka/refusal.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { stack, uniqueName } from '../support/stack.ts'

const silent = createLog('silent')
const kafkaConfig = (): KafkaConfig => ({
  brokers: stack().brokers,
  clientId: 'contract',
  securityProtocol: 'PLAINTEXT',
  sasl: null,
  ssl: null,
})

type Received = {
  key: Buffer | null
  value: Buffer | null
  headers: readonly HeaderPair[]
  timestamp: string
  partition: number
}

const createTopic = async (
  configEntries: { name: string; value: string }[] = [],
  numPartitions = 1,
): Promise<string> => {
  const topic = uniqueName('codec')
  const admin = createKafka(kafkaConfig(), silent).admin()
  await admin.connect()
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions, replicationFactor: 1, configEntries }],
  })
  await admin.disconnect()
  return topic
}

const receive = async (topic: string, count: number): Promise<Received[]> => {
  const consumer = createKafka(kafkaConfig(), silent).consumer({ groupId: uniqueName('codec'), maxWaitTimeInMs: 200 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const received: Received[] = []
  try {
    await new Promise<void>((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
      const eachMessage = async ({ message, partition }: EachMessagePayload) => {
        const { key, value, timestamp } = message
        received.push({ key, value, timestamp, partition, headers: headerPairs(message) })
        if (received.length === count) resolve()
      }
      consumer.run({ eachMessage }).catch(reject)
    })
  } finally {
    await consumer.disconnect()
  }
  return received
}

const withProducer = async (work: (producer: Producer) => Promise<void>, options?: ProducerOptions): Promise<void> => {
  const producer = createProducer(kafkaConfig(), silent, options)
  await producer.connect()
  await work(producer).finally(() => producer.disconnect())
}

const bulk: OutRecord[] = Array.from({ length: 2_500 }, (_, i) => ({
  key: `invoice-${i % 7}`,
  value: Buffer.from(JSON.stringify({ line: i, text: 'WHITE HANGING HEART T-LIGHT HOLDER', more: (i * i) % 97 })),
  headers: [
    ['n', String(i)],
    ['n', null],
  ],
}))

describe('what the broker itself compresses', () => {
  test.each(['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'])('%s', async (codec) => {
    const topic = await createTopic([{ name: 'compression.type', value: codec }])
    await withProducer((producer) => producer.send(topic, bulk))
    const received = await receive(topic, bulk.length)
    expect(received.map(({ value }) => value?.toString())).toEqual(bulk.map(({ value }) => value?.toString()))
    expect(received.at(-1)?.headers).toEqual([
      ['n', Buffer.from('2499')],
      ['n', null],
    ])
  })

  test('incompressible bytes, in batches larger than a block', async () => {
    const records = Array.from({ length: 20 }, () => ({ key: null, value: randomBytes(100_000) }))
    for (const codec of ['snappy', 'lz4', 'zstd']) {
      const topic = await createTopic([{ name: 'compression.type', value: codec }])
      await withProducer((producer) => producer.send(topic, records))
      const received = await receive(topic, records.length)
      expect(received.every(({ value }, i) => records[i]?.value.equals(value ?? Buffer.alloc(0)))).toBe(true)
    }
  })
})

describe('the producer', () => {
  test('gzip', async () => {
    const topic = await createTopic()
    await withProducer((producer) => producer.send(topic, bulk), { compression: 'gzip' })
    expect(await receive(topic, bulk.length)).toHaveLength(bulk.length)
  })

  test('key, value, header order, nulls and timestamp arrive byte for byte', async () => {
    const topic = await createTopic()
    const headers: HeaderPair[] = [
      ['z', Buffer.from([0, 159, 146, 150])],
      ['1', Buffer.from('one')],
      ['z', null],
      ['__proto__', Buffer.alloc(0)],
      ['z', Buffer.from('last')],
    ]
    const key = Buffer.from([0xff, 0x00])
    await withProducer((producer) =>
      producer.send(topic, [
        { key, value: Buffer.from([0, 1, 2]), headers, timestamp: 1_291_191_960_000 },
        { key: null, value: null },
      ]),
    )
    const [first, tombstone] = await receive(topic, 2)
    expect(first).toEqual({ key, value: Buffer.from([0, 1, 2]), headers, timestamp: '1291191960000', partition: 0 })
    expect(tombstone).toMatchObject({ key: null, value: null, headers: [] })
  })

  test('a key goes to the partition where Java puts it', async () => {
    const topic = await createTopic([], 4)
    // Computed by Utils.toPositive(Utils.murmur2(key)) % 4 of kafka-clients 4.3.1.
    const java: Record<string, number> = { C536379: 0, ß: 2, a: 0, 'invoice-1': 3, 'invoice-22': 0 }
    Object.assign(java, { 536365: 2, 536366: 1, 581587: 1 })
    await withProducer((producer) =>
      producer.send(
        topic,
        Object.keys(java).map((key) => ({ key, value: Buffer.from('x') })),
      ),
    )
    const received = await receive(topic, Object.keys(java).length)
    expect(Object.fromEntries(received.map(({ key, partition }) => [String(key), partition]))).toEqual(java)
  })

  test('a record that is too large is told from other failures', async () => {
    const topic = await createTopic([{ name: 'max.message.bytes', value: '2000' }])
    await withProducer(async (producer) => {
      const error: unknown = await producer
        .send(topic, [{ key: null, value: randomBytes(5_000) }])
        .catch((reason: unknown) => reason)
      expect(isTooLarge(error)).toBe(true)
    })
  })

  test('a topic that is not there is not created, and is named', { timeout: 60_000 }, async () => {
    await withProducer(async (producer) => {
      await expect(producer.send(uniqueName('absent'), [{ key: null, value: null }])).rejects.toThrow('does not exist')
    })
  })
})
