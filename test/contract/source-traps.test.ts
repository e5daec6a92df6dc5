// What kafkajs 2.2.4 does wrong when a broker answers something else than usual: each trap of docs/kafkajs.md once, on the real
// broker, through a proxy that makes one answer another. In each the other member of the group goes on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ERROR, useKafkaProxy } from '../support/kafka-proxy.ts'
import {
  eachInOrder,
  type Member,
  offsetsOf,
  openPlace,
  openWorld,
  type Place,
  range,
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

const lastJoin = (member: Member) => member.seen.joins.at(-1)!
const crashes = (member: Member) => member.of('source-crashed')
const committed = async (place: Place, partition: number) =>
  (await world.admin.committedOffsets(place.groupId, place.topic)).get(partition) ?? null

/** One member behind the proxy, one that is not, a partition each, both at offset 10. */
const openPair = async () => {
  const proxy = await useKafkaProxy(stack().brokers)
  const place = await openPlace(world, 2)
  const tried = startMember(world, place, { brokers: proxy.brokers })
  const other = startMember(world, place)
  await shared(2, tried, other)
  await produceToBoth(place, 10)
  await settled(20, tried, other)
  return { proxy, place, tried, other }
}
const produceToBoth = (place: Place, count: number) =>
  Promise.all([0, 1].map((partition) => world.produce(place.topic, partition, count)))

/** In the group, settling and committing, both; and nothing twice. */
const bothGoOn = async ({ place, tried, other }: Awaited<ReturnType<typeof openPair>>) => {
  await shared(2, tried, other)
  const before = tried.records.length + other.records.length
  await produceToBoth(place, 10)
  await settled(before + 20, tried, other)
  const found = offsetsOf([...tried.records, ...other.records])
  for (const offsets of Object.values(found)) offsets.sort((a, b) => a - b)
  expect(found).toEqual(eachInOrder(2, (before + 20) / 2))
  for (const partition of [0, 1])
    await until('the commit of both', async () => (await committed(place, partition)) === BigInt((before + 20) / 2))
}

describe('a member that was evicted, and whose next join fails', () => {
  test.each([
    ['JoinGroup', 'requestTimedOut'],
    ['JoinGroup', 'coordinatorLoading'],
    ['JoinGroup', 'coordinatorNotAvailable'],
    ['SyncGroup', 'coordinatorLoading'],
  ] as const)('%s with %s: joins again, on an idle topic too (unpatched: a zombie)', async (api, error) => {
    const pair = await openPair()
    const { proxy, place, tried } = pair
    const failing = proxy.rule({ api, fault: { refuse: ERROR[error] } })
    const before = lastJoin(tried)
    await world.evict(place.groupId, before)
    await until('the join to fail', () => failing.hits() === 1, { timeoutMs: 10_000 })
    await until('to join again', () => lastJoin(tried) !== before, { timeoutMs: 10_000 })
    const heartbeats = tried.seen.heartbeats
    await until('heartbeats', () => tried.seen.heartbeats > heartbeats + 1, { timeoutMs: 10_000 })
    await bothGoOn(pair)
    expect(crashes(tried)).toEqual([])
  })
})

describe('a crash after which kafkajs would not begin again', () => {
  test('for a coordinator that is not found: the member keeps what it holds, and comes back', async () => {
    const pair = await openPair()
    const { proxy, place, tried, other } = pair
    tried.hold()
    other.hold()
    await produceToBoth(place, 25)
    await until('both to hold them', () => tried.buffer.held.records === 25 && other.buffer.held.records === 25)
    proxy.rule({ api: 'FindCoordinator', fault: { refuse: ERROR.requestTimedOut } })
    await world.evict(place.groupId, lastJoin(tried))
    await until('the crash', () => crashes(tried).length === 1, { timeoutMs: 20_000 })
    expect(crashes(tried)).toMatchObject([{ restarts: true, cause: { name: 'KafkaJSNonRetriableError' } }])
    other.letGo()
    await settled(20 + 25, tried, other)
    await shared(2, tried, other)
    tried.letGo()
    await settled(70, tried, other)
    await bothGoOn(pair)
    expect(tried.source.health()).toMatchObject({ member: true, lives: 2, crashesInARow: 1 })
  })

  test('what a person must mend ends the member: a right on the group was taken away', async () => {
    const { proxy, tried, other, place } = await openPair()
    proxy.rule({ api: 'Heartbeat', fault: { refuse: ERROR.groupAuthorization } })
    const error = await until('to end', () => Promise.race([tried.outcome, Promise.resolve(null)]), {
      timeoutMs: 20_000,
    })
    expect(String((error as Error).message)).toContain('Group authorization failed')
    expect(crashes(tried)).toMatchObject([{ restarts: false }])
    await tried.stop()
    await shared(2, other)
    await produceToBoth(place, 10)
    await settled(40, tried, other)
  })
})

describe('errors days apart', () => {
  test('are no reason to crash: twelve, with a heartbeat between them (unpatched: the eleventh ends the consumer)', async () => {
    const pair = await openPair()
    const { proxy, tried, other } = pair
    const joins = [...tried.seen.joins, ...other.seen.joins]
    let heartbeats = tried.seen.heartbeats
    const rested = () => {
      if (tried.seen.heartbeats === heartbeats) return false
      heartbeats = tried.seen.heartbeats
      return true
    }
    const failing = proxy.rule({ api: 'Fetch', times: 12, when: rested, fault: { error: ERROR.requestTimedOut } })
    await until('twelve errors', () => failing.hits() === 12, {
      describe: () => `${failing.hits()} ${tried.describe()}`,
    })
    await bothGoOn(pair)
    expect(crashes(tried)).toEqual([])
    expect([...tried.seen.joins, ...other.seen.joins]).toEqual(joins)
  })
})

describe('a commit that is refused', () => {
  test.each([
    'illegalGeneration',
    'notCoordinator',
    'coordinatorLoading',
    'rebalanceInProgress',
    'requestTimedOut',
  ] as const)('with %s is sent again, and nobody leaves the group for it', async (error) => {
    const pair = await openPair()
    const { proxy, tried, other } = pair
    const joins = [...tried.seen.joins, ...other.seen.joins]
    const failing = proxy.rule({ api: 'OffsetCommit', times: 2, fault: { error: ERROR[error] } })
    await bothGoOn(pair)
    expect(failing.hits()).toBeGreaterThan(0)
    expect(tried.of('commit-failed').length).toBe(failing.hits())
    expect([...tried.seen.joins, ...other.seen.joins]).toEqual(joins)
    expect(crashes(tried)).toEqual([])
  })

  test('because the group does not know us, while heartbeats are answered: another consumer begins', async () => {
    const pair = await openPair()
    const { proxy, place, tried } = pair
    const failing = proxy.rule({ api: 'OffsetCommit', times: 1_000, fault: { error: ERROR.unknownMember } })
    const before = lastJoin(tried)
    await produceToBoth(place, 10)
    await until('the commit to fail', () => failing.hits() > 0)
    await until('another consumer', () => lastJoin(tried) !== before, { timeoutMs: 20_000, describe: tried.describe })
    failing.end()
    await bothGoOn(pair)
    expect(range(1, 10)).toContain(tried.source.health().lives)
  })
})
