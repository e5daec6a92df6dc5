// Brokers that are away, connections that hang, a process that stood still, a clock that was set back: the member rides it out.
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createProducer } from '../../src/kafka/producer.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { ERROR, useKafkaProxy } from '../support/kafka-proxy.ts'
import {
  eachInOrder,
  kafkaConfig,
  type Member,
  offsetsOf,
  openPlace,
  openWorld,
  range,
  SESSION_MS,
  settled,
  shared,
  startMember,
  type World,
} from '../support/source.ts'
import { stack } from '../support/stack.ts'
import { until } from '../support/until.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const open = async (partitions = 1) => ({
  proxy: await useKafkaProxy(stack().brokers),
  place: await openPlace(world, partitions),
})
const eachOnce = (count: number, partitions: number, ...members: Member[]) => {
  const found = offsetsOf(members.flatMap(({ records }) => [...records]))
  for (const offsets of Object.values(found)) offsets.sort((a, b) => a - b)
  expect(found).toEqual(eachInOrder(partitions, count))
}

describe('brokers that are away', () => {
  test('cost consumers, never the member nor what it holds; it is back soon after them', async () => {
    const { proxy, place } = await open()
    await world.produce(place.topic, 0, 50)
    const member = startMember(world, place, { brokers: proxy.brokers, holding: true })
    await until('them in the buffer', () => member.buffer.held.records === 50)
    proxy.set('down')
    await until('two crashes', () => member.of('source-crashed').length >= 2, { describe: () => member.describe() })
    expect(member.of('source-crashed').filter(({ restarts }) => !restarts)).toEqual([])
    expect(member.source.health()).toMatchObject({ member: false })
    expect(member.buffer.held.records).toBe(50)
    await world.produce(place.topic, 0, 50)
    proxy.set('open')
    const back = performance.now()
    await until('to join again', () => member.source.health().member, { timeoutMs: 20_000 })
    expect(performance.now() - back).toBeLessThan(15_000)
    member.letGo()
    await settled(100, member)
    expect(offsetsOf(member.records)).toEqual({ 0: range(0, 100) })
    expect(member.of('positioned')).toHaveLength(1)
  })
})

describe('connections that hang', () => {
  test('are given up: the other member takes over, the first comes back over new ones', async () => {
    const { proxy, place } = await open(2)
    const hanging = startMember(world, place, { brokers: proxy.brokers })
    const other = startMember(world, place)
    await shared(2, hanging, other)
    proxy.forget()
    await until('the other to own all', () => other.owned(2).length === 2, { timeoutMs: 20_000 })
    await Promise.all([0, 1].map((partition) => world.produce(place.topic, partition, 10)))
    await settled(20, other)
    await until('the first to come back', () => other.owned(2).length === 1, { describe: () => hanging.describe() })
    await shared(2, hanging, other)
    await Promise.all([0, 1].map((partition) => world.produce(place.topic, partition, 10)))
    await settled(40, hanging, other)
    eachOnce(20, 2, hanging, other)
  })

  test('are not used again by any client after a request that was not answered', async () => {
    const { proxy, place } = await open()
    const kafka = new kafkajs.Kafka({
      brokers: proxy.brokers,
      requestTimeout: 1_000,
      retry: { retries: 1, initialRetryTime: 100 },
      logLevel: kafkajs.logLevel.NOTHING,
    })
    const admin = kafka.admin()
    await admin.connect()
    onTestFinished(() => admin.disconnect())
    await admin.fetchTopicOffsets(place.topic)
    proxy.forget()
    const answer = await until('an answer', () => admin.fetchTopicOffsets(place.topic).catch(() => null), {
      timeoutMs: 15_000,
    })
    expect(answer).toMatchObject([{ partition: 0, high: '0' }])
  })

  test('while it joins: stop() is bounded, and nothing of it goes on afterwards', async () => {
    const { proxy, place } = await open(2)
    for (const partition of [0, 1]) await world.produce(place.topic, partition, 10)
    const other = startMember(world, place)
    await settled(20, other)
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const joining = proxy.rule({ api: 'JoinGroup', after: 1, times: 100, fault: { hold: held } })
    const member = startMember(world, place, { brokers: proxy.brokers })
    await until('to be joining', () => joining.hits() > 0)
    const before = performance.now()
    expect(await member.stop()).toBeNull()
    expect(performance.now() - before).toBeLessThan(12_000)
    release()
    joining.end()
    // Its session may have run out before, and the group have been empty then: the sign of its end is that it leaves.
    await until('it to have left', () => (proxy.counts.LeaveGroup ?? 0) > 0)
    // The other has the group to itself again, and goes on.
    await until('a group of one', async () => {
      const { groups } = await world.kafkajsAdmin.describeGroups([place.groupId])
      return groups[0]?.members.length === 1
    })
    await shared(2, other)
    const fetches = proxy.counts.Fetch ?? 0
    for (const partition of [0, 1]) await world.produce(place.topic, partition, 10)
    await settled(40, other)
    expect(proxy.counts.Fetch ?? 0).toBe(fetches)
    expect(member.records).toEqual([])
    eachOnce(20, 2, other)
  })
})

describe('time', () => {
  test('that stood still longer than the session: evicted, and back under a new name with what it holds', async () => {
    const { place } = await open()
    await world.produce(place.topic, 0, 30)
    const member = startMember(world, place, { holding: true })
    await until('them in the buffer', () => member.buffer.held.records === 30)
    // As SIGSTOP and SIGCONT: nothing of the process runs meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SESSION_MS + 2_000)
    await until('a second join', () => member.seen.joins.length === 2, { timeoutMs: 20_000 })
    expect(new Set(member.seen.joins).size).toBe(2)
    expect(member.buffer.held.records).toBe(30)
    await world.produce(place.topic, 0, 10)
    member.letGo()
    await settled(40, member)
    expect(offsetsOf(member.records)).toEqual({ 0: range(0, 40) })
    expect(member.of('source-crashed')).toEqual([])
    expect(member.of('positioned')).toHaveLength(1)
  })

  test('set back an hour: heartbeats go on (unpatched: none for an hour)', async () => {
    const { place } = await open()
    const member = startMember(world, place)
    await until('heartbeats', () => member.seen.heartbeats > 2)
    const now = Date.now.bind(Date)
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000)
    onTestFinished(() => clock.mockRestore())
    const { heartbeats } = member.seen
    const end = performance.now() + SESSION_MS * 1.5
    await until('a session time-out and more', () => performance.now() > end)
    expect(member.seen.heartbeats - heartbeats).toBeGreaterThan(SESSION_MS / 1_000)
    expect(member.seen.joins).toHaveLength(1)
    await world.produce(place.topic, 0, 10)
    await settled(10, member)
  })
})

describe('a topic that changes', () => {
  test('partitions that are added are read from their beginning, by members that went on reading', async () => {
    const { proxy, place } = await open()
    await world.produce(place.topic, 0, 10)
    const member = startMember(world, place, { brokers: proxy.brokers })
    await settled(10, member)
    await world.kafkajsAdmin.createPartitions({ topicPartitions: [{ topic: place.topic, count: 3 }] })
    // A broker knows of a partition, and that it leads it, a moment before it leads it.
    const ends = () => world.admin.endOffsets(place.topic).catch(() => null)
    await until('the new ones', async () => (await ends())?.size === 3)
    // A new one: kafkajs drops what is for a partition that its producer does not know yet, without a word.
    const producer = createProducer(kafkaConfig(), createLog('silent'))
    await producer.connect()
    onTestFinished(() => producer.disconnect())
    const record = { key: null, value: Buffer.from('x'), headers: [] }
    await producer.send(
      place.topic,
      range(0, 20).map((index) => ({ ...record, partition: 1 + (index % 2) })),
    )
    // Metadata lives for a minute; an error of a leader ends it.
    proxy.rule({ api: 'Fetch', fault: { error: ERROR.notLeader } })
    await settled(30, member)
    eachOnce(10, 3, member)
  })
})
