// Two brokers, a leader each: kafkajs then has two fetchers, and one of them may join the group while the other still waits for
// an answer that was asked for before (path B of docs/kafkajs.md). The proxy makes the moment exact.
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { prepareEmbeddedKafka } from '../../src/local-stack/embedded-kafka.ts'
import { ERROR, useKafkaProxy } from '../support/kafka-proxy.ts'
import {
  eachInOrder,
  offsetsOf,
  openWorld,
  placeOf,
  settled,
  shared,
  startMember,
  type World,
} from '../support/source.ts'
import { uniqueName } from '../support/stack.ts'
import { until } from '../support/until.ts'

let world: World
let brokers: string[]
const ended = new AbortController()
let stop = async () => {}
beforeAll(async () => {
  const kafka = await prepareEmbeddedKafka({
    ...{ env: { ...process.env, TMPDIR: tmpdir() }, log: () => {}, signal: ended.signal, brokers: 2 },
  })
  const running = await kafka.start()
  ;({ brokers } = running)
  stop = () => running.stop()
  world = await openWorld(brokers)
})
afterAll(async () => {
  await world?.close()
  await stop()
})

/** Partition 0 is led by the first broker, partition 1 by the second. */
const openPlaceOnTwo = async () => {
  const topic = uniqueName('leaders')
  await world.spreadTopic(topic, [1, 2])
  return placeOf(world, topic)
}
const produce = (topic: string, count: number) =>
  Promise.all([0, 1].map((partition) => world.produce(topic, partition, count)))

test('an answer that was asked for before a join inside a fetch is not delivered after it; all is read once, in order', async () => {
  const proxy = await useKafkaProxy(brokers)
  const place = await openPlaceOnTwo()
  await produce(place.topic, 20)
  const member = startMember(world, place, { brokers: proxy.brokers, holding: true })
  await until('them in the buffer', () => member.buffer.held.records === 40)

  const joins = member.seen.joins.length
  const crashes = member.of('source-crashed').length // a broker that has just begun has no coordinator yet

  // Nothing is committed yet: kafkajs will begin at 0 again.
  let release = () => {}
  const waiting = proxy.rule({
    api: 'Fetch',
    broker: 1,
    fault: { hold: new Promise<void>((resolve) => (release = resolve)) },
  })
  await until('a fetch of the second broker to wait', () => waiting.hits() === 1)
  await world.produce(place.topic, 1, 20)
  proxy.rule({ api: 'Fetch', broker: 0, fault: { error: ERROR.notLeader } })
  await until('the join inside the fetch', () => member.seen.joins.length > joins)
  release()
  await produce(place.topic, 20)
  member.letGo()
  await settled(100, member)
  const found = offsetsOf(member.records)
  expect(found[0]).toEqual(eachInOrder(1, 40)[0])
  expect(found[1]).toEqual(eachInOrder(1, 60)[0])
  // By that join and no other, not by a crash, and kafkajs's position was never beyond ours.
  expect(member.of('gap')).toEqual([])
  expect(member.of('rebalancing')).toEqual([{ type: 'rebalancing', drained: false }])
  expect(member.of('source-crashed')).toHaveLength(crashes)
})

test('a member that holds nothing after a join inside a fetch goes on, and reads what it gets later', async () => {
  const proxy = await useKafkaProxy(brokers)
  const place = await openPlaceOnTwo()
  const first = startMember(world, place, { brokers: proxy.brokers })
  await until('to own both', () => first.owned(2).length === 2)
  const second = startMember(world, place, { brokers })
  await shared(2, first, second)
  const third = startMember(world, place, { brokers })
  // Three members, two partitions: whoever has none, errors inside its fetches included, is not lost.
  for (let round = 0; round < 3; round++) {
    const joins = first.seen.joins.length
    for (const broker of [0, 1]) proxy.rule({ api: 'Fetch', broker, fault: { error: ERROR.notLeader } })
    await world.evict(place.groupId, first.seen.joins.at(-1)!)
    await until('the first to join again', () => first.seen.joins.length > joins, { describe: () => first.describe() })
    await produce(place.topic, 10)
    await settled((round + 1) * 20, first, second, third)
  }
  await Promise.all([second.stop(), third.stop()])
  await shared(2, first)
  await produce(place.topic, 10)
  await settled(80, first, second, third)
  const found = offsetsOf([first, second, third].flatMap(({ records }) => [...records]))
  for (const offsets of Object.values(found)) offsets.sort((a, b) => a - b)
  expect(found).toEqual(eachInOrder(2, 40))
  expect([first, second, third].flatMap((member) => member.of('source-crashed'))).toEqual([])
})
