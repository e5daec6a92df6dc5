// The contract for outsiders (docs/dead-letters.md): what Kafka's own console consumer shows of the DLQ topic of a group.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OutRecord } from '../../src/kafka/producer.ts'
import { openArena } from '../support/arena.ts'
import { type ConsoleRecord, consoleConsumer } from '../support/console-consumer.ts'
import { event } from '../support/events.ts'
import type { World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openArena(2)
})
afterAll(() => world.close())

const AT = Date.UTC(2010, 11, 1, 8, 26)
const bytes = Buffer.from('{"quantity":\xff\0\n<|', 'latin1')
const awkward = [
  ['trace', Buffer.from('1')],
  ['binary', Buffer.from([0, 10, 255, 254])],
  ['trace', null],
  ['größe', Buffer.alloc(0)],
  ['trace', Buffer.from('2')],
  ['traceparent', Buffer.from('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')],
] as const

/** The key bytes, and so the partition, and the offset there are the producer's; `timestamp` too. */
const bad: readonly (OutRecord & { code: string })[] = [
  { key: Buffer.from([255, 0, 10]), value: bytes, headers: awkward, partition: 0, timestamp: AT, code: 'ENCODING_INVALID' }, // prettier-ignore
  { key: null, value: Buffer.from('{'), partition: 0, timestamp: AT + 1, code: 'JSON_INVALID' },
  { key: '', value: Buffer.alloc(0), partition: 0, timestamp: 0, code: 'JSON_INVALID' },
  {
    ...{ key: 'I-1', value: Buffer.from(JSON.stringify(event({ quantity: '0' }))), partition: 1, timestamp: AT },
    ...{ headers: [['dlq.id', Buffer.from('forged')], ['__connect.errors.topic', Buffer.from('forged')], ['a', null]] }, // prettier-ignore
    code: 'QUANTITY_ZERO',
  },
]

const ours = (record: ConsoleRecord) =>
  Object.fromEntries(
    record.headers
      .filter(([name]) => /^(dlq|__connect\.errors)\./.test(name))
      .map(([name, value]) => [name, value?.toString() ?? null]),
  )
const foreign = ({ headers }: ConsoleRecord) => headers.filter(([name]) => !/^(dlq|__connect\.errors)\./.test(name))

test('key, value, headers and time as they were published, and headers that say where from and why', async () => {
  const member = world.start('member', { DLQ_HEADER_COMPAT: 'connect' })
  await member.logged('starting position')
  await world.send(bad)
  await world.drained()
  const records = await consoleConsumer(world.config.kafka.brokers, world.config.dlqTopic, bad.length)
  const byOrigin = new Map(records.map((record) => [`${ours(record)['dlq.original.partition']}-${ours(record)['dlq.original.offset']}`, record])) // prettier-ignore
  expect(byOrigin.size).toBe(bad.length)

  for (const [i, published] of bad.entries()) {
    const origin = published.partition === 0 ? `0-${i}` : '1-0'
    const record = byOrigin.get(origin)!
    expect(record.key, origin).toEqual(published.key === null ? null : Buffer.from(published.key))
    expect(record.value, origin).toEqual(published.value)
    expect(record.timestamp, origin).toBe(published.timestamp)
    const kept = (published.headers ?? []).filter(([name]) => !/^(dlq|__connect)/.test(name))
    expect(foreign(record), origin).toEqual(kept)

    const code = published.code
    const [partition, offset] = origin.split('-')
    const [id] = await world.query<{ id: string; message: string; stage: string }>(
      'SELECT id, message, stage FROM dead_letter WHERE partition = $1 AND record_offset = $2',
      [partition, offset],
    )
    const { topic, groupId } = world.config
    expect(ours(record), origin).toMatchObject({
      ...{ 'dlq.version': '1', 'dlq.id': id!.id, 'dlq.original.topic': topic, 'dlq.group': groupId },
      ...{ 'dlq.original.partition': partition, 'dlq.original.offset': offset },
      'dlq.original.timestamp': new Date(published.timestamp!).toISOString(),
      ...{ 'dlq.stage': id!.stage, 'dlq.error.code': code, 'dlq.error.class': 'record' },
      ...{ 'dlq.error.message': id!.message, 'dlq.attempts': '1' },
      'dlq.value.bytes': String(published.value!.length),
      'dlq.value.sha256': createHash('sha256').update(published.value!).digest('hex'),
      ...{ '__connect.errors.topic': topic, '__connect.errors.partition': partition, '__connect.errors.offset': offset }, // prettier-ignore
      ...{ '__connect.errors.connector.name': groupId, '__connect.errors.task.id': '0' },
      '__connect.errors.exception.class.name': `sluice.${code}`,
      '__connect.errors.exception.message': id!.message,
      '__connect.errors.exception.stacktrace': '',
    })
  }
  const spoofed = byOrigin.get('1-0')!
  expect(ours(spoofed)['dlq.headers.dropped']).toBe('2')
  expect(spoofed.headers.filter(([name]) => name === 'dlq.id')).toHaveLength(1)
})
