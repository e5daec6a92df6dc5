// What arrives through the kafkajs source: bytes, large batches, transactions; and what happens when taking it fails.
import { randomBytes } from 'node:crypto'
import { CompressionTypes } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createProducer, type OutRecord } from '../../src/kafka/producer.ts'
import { createLog } from '../../src/telemetry/log.ts'
import {
  kafkaConfig,
  newKafka,
  offsetsOf,
  openPlace,
  openWorld,
  range,
  settled,
  startMember,
  type World,
} from '../support/source.ts'
import { until } from '../support/until.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

describe('records', () => {
  test('arrive byte by byte: null keys, tombstones, empty values, repeated headers, headers without a value', async () => {
    const place = await openPlace(world)
    const sent: Required<Omit<OutRecord, 'partition'>>[] = [
      { key: null, value: Buffer.from('no key'), headers: [], timestamp: 1_700_000_000_001 },
      { key: Buffer.from('tombstone'), value: null, headers: [], timestamp: 1_700_000_000_002 },
      { key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [], timestamp: 1_700_000_000_003 },
      { key: randomBytes(64), value: randomBytes(4_096), headers: [], timestamp: 1_700_000_000_004 },
      {
        key: Buffer.from('headers'),
        value: Buffer.from('{}'),
        headers: [
          ['b', Buffer.from('1')],
          ['a', null],
          ['b', randomBytes(8)],
          ['__proto__', Buffer.alloc(0)],
          ['b', Buffer.from('1')],
        ],
        timestamp: 1_700_000_000_005,
      },
    ]
    const producer = createProducer(kafkaConfig(), createLog('silent'))
    await producer.connect()
    onTestFinished(() => producer.disconnect())
    await producer.send(place.topic, sent)
    const member = startMember(world, place)
    await settled(sent.length, member)
    expect(member.records).toEqual(sent.map((record, index) => ({ partition: 0, offset: BigInt(index), ...record })))
  })

  test('40,000 in one compressed batch pass a buffer of 1,000 in order', async () => {
    const place = await openPlace(world, 1, [{ name: 'max.message.bytes', value: String(10 * 1_048_576) }])
    const count = 40_000
    const values = range(0, count).map((index) => ({ value: `value ${index}` }))
    await world.produceOneBatch(place.topic, 0, values, CompressionTypes.GZIP)
    const member = startMember(world, place, { capacity: 1_000 })
    await settled(count, member)
    expect(offsetsOf(member.records)).toEqual({ 0: range(0, count) })
    expect(member.records.map(({ value }) => value?.toString())).toEqual(values.map(({ value }) => value))
    expect(member.maxHeld()).toBe(1_000)
    expect(member.of('gap')).toEqual([])
  })
})

describe('transactions', () => {
  test('what was aborted is passed over, and so are the markers, also at the end of the log', async () => {
    const place = await openPlace(world)
    const producer = newKafka().producer({
      transactionalId: place.groupId,
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producer.connect()
    onTestFinished(() => producer.disconnect())
    const transaction = async (value: string, end: 'commit' | 'abort') => {
      const open = await producer.transaction()
      const [sent] = await open.send({
        topic: place.topic,
        messages: [{ value: `${value} 1` }, { value: `${value} 2` }],
      })
      await open[end]()
      // The answer comes before the marker is in the log: what is sent meanwhile stands before it.
      const behind = BigInt(sent?.baseOffset ?? 0) + 3n
      await until('the marker', async () => (await world.admin.endOffsets(place.topic)).get(0)?.high === behind)
    }
    await transaction('a', 'abort') // 0, 1 and a marker at 2
    await transaction('b', 'commit') // 3, 4 and a marker at 5
    await world.produce(place.topic, 0, 1) // 6
    await transaction('c', 'commit') // 7, 8 and a marker at 9
    await transaction('d', 'abort') // 10, 11 and a marker at 12
    const member = startMember(world, place)
    await until('the last marker to be passed', async () => {
      const committed = await world.admin.committedOffsets(place.groupId, place.topic)
      return committed.get(0) === 13n
    })
    expect(offsetsOf(member.records)).toEqual({ 0: [3, 4, 6, 7, 8] })
    expect((await place.sink.offsets.load([0])).get(0)?.nextOffset).toBe(13n)
    // Again, with a member that waits at the end: nothing but aborted records arrives.
    await transaction('e', 'abort') // 13, 14 and a marker at 15
    await until('the position to follow', () => member.intake.next(0) === 16n)
    await transaction('f', 'commit') // 16, 17 and a marker at 18
    await until('the position to follow', () => member.intake.next(0) === 19n)
    await settled(7, member)
    expect(offsetsOf(member.records)).toEqual({ 0: [3, 4, 6, 7, 8, 16, 17] })
    expect(member.of('gap')).toEqual([])
    expect(await member.stop()).toBeNull()
  })

  test('with a position between the last record and its marker there is no seek, and the marker is passed', async () => {
    const place = await openPlace(world)
    const producer = newKafka().producer({
      transactionalId: place.groupId,
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producer.connect()
    onTestFinished(() => producer.disconnect())
    const open = await producer.transaction()
    await open.send({ topic: place.topic, messages: range(0, 10).map((index) => ({ value: String(index) })) })
    await open.commit() // a marker at 10
    await place.sink.offsets.insertIfAbsent([{ partition: 0, nextOffset: 10n, topicId: null }])
    await world.commitToKafka(place.groupId, place.topic, { 0: 4n })
    const member = startMember(world, place)
    await until('the marker to be passed', () => member.intake.next(0) === 11n, { describe: () => member.describe() })
    await world.produce(place.topic, 0, 3)
    await settled(3, member)
    expect(offsetsOf(member.records)).toEqual({ 0: [11, 12, 13] })
    expect(member.of('gap')).toEqual([])
  })
})

describe('a fault of ours while a batch is taken', () => {
  test.each([new TypeError('poisoned'), new Error('poisoned')])('%s: run() rejects with it, at once', async (fault) => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 10)
    const member = startMember(world, place, {
      around: (intake) => ({
        ...intake,
        offer: () => {
          throw fault
        },
      }),
    })
    const startedAt = performance.now()
    const error = await until('the source to stop', () => Promise.race([member.outcome, Promise.resolve(null)]), {
      timeoutMs: 10_000,
      describe: () => member.describe(),
    })
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    expect(error).toBe(fault)
    expect(await member.stop()).toBe(fault)
  })

  test('thrown in a listener of kafkajs: run() rejects with it', async () => {
    const place = await openPlace(world, 2) // of one partition chance decides who keeps it
    const fault = new TypeError('poisoned')
    const first = startMember(world, place, {
      around: (intake) => ({
        ...intake,
        revoke: () => {
          throw fault
        },
      }),
    })
    await until('the first to own the partition', () => first.source.owns(0))
    const second = startMember(world, place)
    const error = await until('the source to stop', () => Promise.race([first.outcome, Promise.resolve(null)]), {
      timeoutMs: 10_000,
      describe: () => [first, second].map((member) => member.describe()).join('\n'),
    }).catch(() => null)
    expect(error).toBe(fault)
  })
})
