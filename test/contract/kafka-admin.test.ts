import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { topicsCommand } from '../../src/cli/topics.ts'
import type { KafkaConfig } from '../../src/config.ts'
import { createAdmin, type KafkaAdmin } from '../../src/kafka/admin.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { createProducer } from '../../src/kafka/producer.ts'
import { DEAD_LETTER_ROOM } from '../../src/kafka/topics.ts'
import { OperatorError } from '../../src/lib/operator-error.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { ERROR, openKafkaProxy } from '../support/kafka-proxy.ts'
import { stack, uniqueName } from '../support/stack.ts'

const silent = createLog('silent')
const kafkaConfig = (more: Partial<KafkaConfig> = {}): KafkaConfig => ({
  brokers: stack().brokers,
  clientId: 'contract',
  securityProtocol: 'PLAINTEXT',
  sasl: null,
  ssl: null,
  ...more,
})

let admin: KafkaAdmin
beforeAll(async () => {
  admin = createAdmin(kafkaConfig(), silent)
  await admin.connect()
})
afterAll(() => admin.disconnect())

const two = () => {
  const topic = uniqueName('lines')
  return { topic, dlqTopic: `${topic}.dlq`, partitions: 3, replicationFactor: 1 }
}

/** A topic as somebody else made it. */
const foreignTopic = async (
  topic: string,
  configEntries: { name: string; value: string }[] = [],
  numPartitions = 1,
) => {
  const other = createKafka(kafkaConfig(), silent).admin()
  await other.connect()
  await other.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions, replicationFactor: 1, configEntries }],
  })
  await other.disconnect()
}
const deleteTopic = async (topic: string) => {
  const other = createKafka(kafkaConfig(), silent).admin()
  await other.connect()
  await other.deleteTopics({ topics: [topic] })
  await other.disconnect()
}

describe('creating topics', () => {
  test('both are made, the dead letters with room for their headers; a second time changes nothing', async () => {
    const topics = two()
    const first = await admin.createTopics(topics)
    expect(first).toMatchObject([
      { topic: topics.topic, outcome: 'created', partitions: 3, warnings: [] },
      { topic: topics.dlqTopic, outcome: 'created', partitions: 3, warnings: [] },
    ])
    expect(first[1]?.maxMessageBytes).toBe((first[0]?.maxMessageBytes ?? 0) + DEAD_LETTER_ROOM)
    expect(await admin.settings(topics.topic)).toMatchObject({ compacted: false })
    expect(await admin.settings(topics.dlqTopic)).toMatchObject({ compacted: false, retentionMs: null })
    const second = await admin.createTopics(topics)
    expect(second).toEqual(first.map((report) => ({ ...report, outcome: 'existed' })))
  })

  test('what exists and differs is left alone, and said', async () => {
    const topics = two()
    await foreignTopic(topics.dlqTopic, [
      { name: 'max.message.bytes', value: '1000' },
      { name: 'cleanup.policy', value: 'compact,delete' },
      { name: 'retention.ms', value: '129600000' },
    ])
    const [, dlq] = await admin.createTopics(topics)
    expect(dlq).toMatchObject({ outcome: 'existed', partitions: 1, maxMessageBytes: 1000 })
    expect(dlq?.warnings).toEqual([
      'it has 1 partitions, not 3',
      expect.stringContaining('max.message.bytes is 1000, below') as string,
      expect.stringContaining('it is compacted') as string,
      expect.stringContaining('retention.ms is 129600000 (1.5 days), counted from the time of the original') as string,
    ])
  })

  test('a compacted source topic is refused', async () => {
    const topics = two()
    await foreignTopic(topics.topic, [{ name: 'cleanup.policy', value: 'compact,delete' }])
    await expect(admin.createTopics(topics)).rejects.toThrow(`topic "${topics.topic}" is compacted`)
    await foreignTopic(topics.dlqTopic)
    await expect(admin.checkTopics(topics)).rejects.toThrow('compaction deletes line items')
  })

  test('more replicas than brokers', async () => {
    await expect(admin.createTopics({ ...two(), replicationFactor: 99 })).rejects.toThrow(
      'larger than the number of brokers',
    )
  })
})

describe('looking at topics', () => {
  test('both missing topics are named at once, with what to do', async () => {
    const { topic, dlqTopic } = two()
    const error: unknown = await admin.checkTopics({ topic, dlqTopic }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(OperatorError)
    expect(error).toMatchObject({ message: `topics "${topic}" and "${dlqTopic}" do not exist`, exitCode: 3 })
    expect((error as OperatorError).remedy).toContain('sluice topics create')
  })

  test('the id is stable, and another one after the topic was deleted and made again', async () => {
    const topics = two()
    await admin.createTopics(topics)
    const before = await admin.describeTopic(topics.topic)
    expect(before).toMatchObject({
      partitions: 3,
      topicId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string,
    })
    expect(await admin.topicId(topics.topic)).toBe(before?.topicId)
    await deleteTopic(topics.topic)
    await expect.poll(() => admin.describeTopic(topics.topic)).toBeNull()
    expect(await admin.topicId(topics.topic)).toBeNull()
    await admin.createTopics(topics)
    expect(await admin.topicId(topics.topic)).not.toBe(before?.topicId)
  })

  test('end offsets, asked of a broker that does not lead (any more): it looks who does (unpatched: an error)', async () => {
    const { topic } = two()
    await foreignTopic(topic)
    const proxy = await openKafkaProxy(stack().brokers)
    const behind = createAdmin(kafkaConfig({ brokers: proxy.brokers }), silent)
    await behind.connect()
    onTestFinished(() => behind.disconnect())
    proxy.rule({ api: 'ListOffsets', times: 2, fault: { error: ERROR.notLeader } })
    const asked = () => proxy.counts.Metadata ?? 0
    expect(await behind.endOffsets(topic)).toEqual(new Map([[0, { low: 0n, high: 0n }]]))
    const before = asked()
    proxy.rule({ api: 'ListOffsets', fault: { error: ERROR.notLeader } })
    expect(await behind.offsetsAt(topic, new Date(0))).toEqual(new Map([[0, 0n]]))
    expect(asked()).toBeGreaterThan(before)
  })

  test('end offsets and committed positions', async () => {
    const topics = two()
    await admin.createTopics(topics)
    const producer = createProducer(kafkaConfig(), silent)
    await producer.connect()
    await producer.send(
      topics.topic,
      [1, 2, 3].map((n) => ({ key: null, value: Buffer.from([n]), partition: 1 })),
    )
    await producer.disconnect()
    expect(await admin.endOffsets(topics.topic)).toEqual(
      new Map([
        [0, { low: 0n, high: 0n }],
        [1, { low: 0n, high: 3n }],
        [2, { low: 0n, high: 0n }],
      ]),
    )
    const groupId = uniqueName('group')
    const never = new Map([0, 1, 2].map((partition) => [partition, null]))
    expect(await admin.committedOffsets(groupId, topics.topic)).toEqual(never)
    const other = createKafka(kafkaConfig(), silent).admin()
    await other.connect()
    await other.setOffsets({ groupId, topic: topics.topic, partitions: [{ partition: 1, offset: '2' }] })
    await other.disconnect()
    expect(await admin.committedOffsets(groupId, topics.topic)).toEqual(new Map([...never, [1, 2n]]))
  })
})

describe('a broker that does not speak as configured', () => {
  const fault = async (config: KafkaConfig): Promise<unknown> =>
    createAdmin(config, silent)
      .connect()
      .catch((reason: unknown) => reason)

  test('TLS to a listener without', async () => {
    const ssl = { ca: null, cert: null, key: null, keyPassphrase: null }
    const error = await fault(kafkaConfig({ securityProtocol: 'SSL', ssl }))
    expect(error).toBeInstanceOf(OperatorError)
    expect((error as OperatorError).message).toContain('does not speak TLS there')
  })

  test('SASL to a listener without', async () => {
    const sasl = { mechanism: 'PLAIN' as const, username: 'jane', password: 'sesame' }
    const error = await fault(kafkaConfig({ securityProtocol: 'SASL_PLAINTEXT', sasl }))
    expect(error).toBeInstanceOf(OperatorError)
    expect((error as OperatorError).message).toContain('does not expect SASL')
  })
})

describe('sluice topics', () => {
  const run = async (args: string[], env: NodeJS.ProcessEnv) => {
    let out = ''
    const stdout = new Writable({
      write: (chunk: Buffer, _, done) => ((out += chunk.toString()), done()),
    }) as unknown as NodeJS.WriteStream
    const codes: number[] = []
    const io = { stdout, stderr: stdout, env, drain: new AbortController().signal }
    await topicsCommand(io, (code) => codes.push(code))
      .exitOverride()
      .parseAsync(args, { from: 'user' })
    return { out, codes }
  }

  test('create, then check', async () => {
    const { topic, dlqTopic } = two()
    const env = { KAFKA_BROKERS: stack().brokers.join(','), KAFKA_TOPIC: topic }
    const created = await run(['create', '--partitions', '2'], env)
    expect(created.out).toContain(`created  ${topic}  (2 partitions, max.message.bytes`)
    expect(created.out).toContain(`created  ${dlqTopic}  (2 partitions`)
    expect(created.codes).toEqual([0])
    expect((await run(['create', '--partitions', '3'], env)).out).toContain('warning: it has 2 partitions, not 3')
    const checked = await run(['check', '--json'], env)
    expect(JSON.parse(checked.out)).toMatchObject([
      { topic, partitions: 2, warnings: [] },
      { topic: dlqTopic, partitions: 2, warnings: [] },
    ])
  })

  test('check says what loses dead letters', async () => {
    const { topic, dlqTopic } = two()
    await Promise.all([foreignTopic(topic), foreignTopic(dlqTopic, [{ name: 'retention.ms', value: '604800000' }])])
    const { out, codes } = await run(['check'], { KAFKA_BROKERS: stack().brokers.join(','), KAFKA_TOPIC: topic })
    expect(out).toContain('warning: its retention.ms is 604800000 (7 days)')
    expect(codes).toEqual([0])
  })

  test('check of what is not there', async () => {
    const env = { KAFKA_BROKERS: stack().brokers.join(','), KAFKA_TOPIC: uniqueName('lines') }
    await expect(run(['check'], env)).rejects.toThrow('do not exist')
  })
})
