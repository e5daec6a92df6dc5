// The kafkajs source and its group on the real broker: joining, sharing, holding back, committing, leaving.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  eachInOrder,
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
import { until } from '../support/until.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const produceToEach = async (topic: string, partitions: number, count: number) => {
  for (const partition of range(0, partitions)) await world.produce(topic, partition, count)
}
const bySettling = (...members: { records: Parameters<typeof offsetsOf>[0] }[]) =>
  offsetsOf(members.flatMap(({ records }) => [...records]))

describe('a member', () => {
  test('joins, owns all partitions, and reads each from its beginning, once and in order', async () => {
    const place = await openPlace(world, 3)
    await produceToEach(place.topic, 3, 50)
    const member = startMember(world, place)
    await settled(150, member)
    await produceToEach(place.topic, 3, 10)
    await settled(180, member)
    expect(offsetsOf(member.records)).toEqual(eachInOrder(3, 60))
    expect(member.of('assigned').map(({ partitions }) => [...partitions].sort())).toEqual([[0, 1, 2]])
    expect(member.of('gap')).toEqual([])
    await until('each to wait for more', () => {
      const waited = [...member.source.health().waited.values()]
      return waited.length === 3 && waited.every((ms) => ms < 2_000)
    })
    await until('the last commit', async () => {
      const committed = await world.admin.committedOffsets(place.groupId, place.topic)
      return range(0, 3).every((partition) => committed.get(partition) === 60n)
    })
    expect(await member.stop()).toBeNull()
  })

  test('that is full for longer than the session time-out stays in the group, and goes on at once', async () => {
    const place = await openPlace(world, 1)
    await world.produce(place.topic, 0, 300)
    const member = startMember(world, place, { capacity: 100, holding: true })
    await until('a full buffer', () => member.buffer.held.records === 100)
    const before = { ...member.seen }
    const fullUntil = performance.now() + SESSION_MS * 1.5
    await until('the session time-out to pass', () => performance.now() > fullUntil)
    expect(member.seen.joins).toHaveLength(1)
    // It waits for room.
    expect(member.source.health().waited.get(0)).toBeLessThan(2_000)
    // Not one fetch: the first is still being delivered. And a heartbeat a second at least.
    expect(member.seen.fetches).toBe(before.fetches)
    expect(member.seen.heartbeats - before.heartbeats).toBeGreaterThan((SESSION_MS * 1.5) / 1_000)
    const { groups } = await world.kafkajsAdmin.describeGroups([place.groupId])
    expect(groups[0]?.state).toBe('Stable')
    expect(groups[0]?.members.map(({ memberId }) => memberId)).toEqual(member.seen.joins)
    const freedAt = performance.now()
    member.letGo()
    await settled(300, member)
    expect(performance.now() - freedAt).toBeLessThan(2_000)
    expect(offsetsOf(member.records)).toEqual(eachInOrder(1, 300))
    expect(member.maxHeld()).toBe(100)
    expect(member.seen.joins).toHaveLength(1)
  })
})

describe('a second member', () => {
  test('takes half of the partitions; the first drops what it held of them and keeps the rest', async () => {
    const place = await openPlace(world, 4)
    await produceToEach(place.topic, 4, 100)
    const first = startMember(world, place, { holding: true })
    await until('all of it in the buffer', () => first.buffer.held.records === 400)
    const second = startMember(world, place)
    await shared(4, first, second)
    const kept = first.owned(4)
    expect(first.buffer.held.records).toBe(200)
    expect(range(0, 4).map((partition) => first.intake.next(partition))).toEqual(
      range(0, 4).map((partition) => (kept.includes(partition) ? 100n : null)),
    )
    expect(
      first
        .of('revoked')
        .flatMap(({ partitions }) => [...partitions])
        .sort(),
    ).toEqual(second.owned(4))
    await settled(200, second)
    first.letGo()
    await settled(400, first, second)
    // What kafkajs fetched again after the rejoin was known: positioned once, settled once.
    expect(first.of('positioned')).toHaveLength(4)
    expect(bySettling(first, second)).toEqual(eachInOrder(4, 100))
    expect(Object.keys(offsetsOf(first.records)).map(Number)).toEqual(kept)
  })

  test('comes and goes under load: settled and committed before each rejoin, nothing twice, nothing lost', async () => {
    const place = await openPlace(world, 4)
    let produced = 0
    let producing = true
    onTestFinished(() => void (producing = false))
    const load = (async () => {
      for (; producing; produced += 50) await produceToEach(place.topic, 4, 50)
    })()
    const first = startMember(world, place)
    await settled(200, first)
    const second = startMember(world, place)
    await shared(4, first, second)
    await settled(second.records.length + 200, second)
    await second.stop()
    await shared(4, first)
    producing = false
    await load
    await settled(produced * 4, first, second)
    const found = bySettling(first, second)
    for (const offsets of Object.values(found)) offsets.sort((a, b) => a - b)
    expect(found).toEqual(eachInOrder(4, produced))
    for (const { records } of [first, second])
      for (const offsets of Object.values(offsetsOf(records)))
        expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
    expect([...first.of('rebalancing'), ...second.of('rebalancing')].filter(({ drained }) => !drained)).toEqual([])
  })

  test('waits for what the first has in its buffer: that is settled and committed before the rejoin', async () => {
    const place = await openPlace(world, 2)
    await produceToEach(place.topic, 2, 500)
    const first = startMember(world, place, {
      capacity: 100,
      holding: true,
      around: (intake) => ({
        ...intake,
        drain(ms) {
          first.letGo()
          return intake.drain(ms).finally(() => first.hold())
        },
      }),
    })
    await until('a full buffer', () => first.buffer.held.records === 100)
    const second = startMember(world, place, { holding: true })
    await shared(2, first, second)
    const told = first.of('rebalancing')
    expect(told[0]).toEqual({ type: 'rebalancing', drained: true })
    expect(told.filter(({ drained }) => !drained)).toEqual([])
    const done = offsetsOf(first.records)
    const [lost = -1] = second.owned(2)
    const position = BigInt(done[lost]?.length ?? 0)
    expect(second.of('positioned')).toMatchObject([{ partition: lost, position }])
    const committed = await world.admin.committedOffsets(place.groupId, place.topic)
    expect(Object.values(done).flat()).toHaveLength([...committed.values()].reduce((sum, at) => sum + Number(at), 0))
    first.letGo()
    second.letGo()
    await settled(1_000, first, second)
    const found = bySettling(first, second)
    expect(found).toEqual(eachInOrder(2, 500))
  })

  test('the same when nothing is fetched, and the heartbeat of an idle fetch hears of the rebalance', async () => {
    const place = await openPlace(world, 2)
    await produceToEach(place.topic, 2, 10)
    const first = startMember(world, place, {
      holding: true,
      around: (intake) => ({
        ...intake,
        drain(ms) {
          first.letGo()
          return intake.drain(ms)
        },
      }),
    })
    await until('all in the buffer', () => first.buffer.held.records === 20)
    const second = startMember(world, place)
    await shared(2, first, second)
    expect(first.of('rebalancing')[0]).toEqual({ type: 'rebalancing', drained: true })
    await settled(20, first, second)
    expect(first.records).toHaveLength(20)
    expect(second.records).toEqual([])
  })

  test('is not disturbed by a late commit of the first for a partition that it lost', async () => {
    const place = await openPlace(world, 2)
    await produceToEach(place.topic, 2, 20)
    const first = startMember(world, place)
    await settled(40, first)
    const second = startMember(world, place)
    await shared(2, first, second)
    const [kept = -1] = first.owned(2)
    const [lost = -1] = second.owned(2)
    const committed = () => world.admin.committedOffsets(place.groupId, place.topic)
    await world.produce(place.topic, lost, 5)
    await until('the new owner to commit', async () => (await committed()).get(lost) === 25n)
    first.source.commit(
      new Map([
        [lost, 3n],
        [kept, 7n],
      ]),
    )
    await until('the commit of the partition kept', async () => (await committed()).get(kept) === 7n)
    expect((await committed()).get(lost)).toBe(25n)
  })
})

describe('leaving', () => {
  test('gives the partitions to the next member long before the session would time out', async () => {
    const place = await openPlace(world, 2)
    await produceToEach(place.topic, 2, 20)
    const first = startMember(world, place)
    await settled(40, first)
    const second = startMember(world, place)
    await shared(2, first, second)
    const stoppedAt = performance.now()
    expect(await first.stop()).toBeNull()
    await shared(2, second)
    expect(performance.now() - stoppedAt).toBeLessThan(SESSION_MS / 2)
    // All was committed: the next owner begins behind it.
    expect(second.of('positioned').map(({ position, kafka }) => [position, kafka])).toEqual([
      [20n, 20n],
      [20n, 20n],
    ])
  })

  test('begins with a pause: nothing more is taken, what is held is settled and committed', async () => {
    const place = await openPlace(world, 1)
    await world.produce(place.topic, 0, 300)
    const member = startMember(world, place, { capacity: 100, holding: true })
    await until('a full buffer', () => member.buffer.held.records === 100)
    member.source.pause()
    const heartbeats = member.seen.heartbeats
    member.letGo()
    await settled(100, member)
    await world.produce(place.topic, 0, 10)
    await until('heartbeats while paused', () => member.seen.heartbeats >= heartbeats + 3)
    expect(await member.stop()).toBeNull()
    expect(offsetsOf(member.records)).toEqual({ 0: range(0, 100) })
    expect(member.buffer.held.records).toBe(0)
    expect((await world.admin.committedOffsets(place.groupId, place.topic)).get(0)).toBe(100n)
  })

  test('while it is still joining ends well', async () => {
    const place = await openPlace(world, 1)
    const member = startMember(world, place)
    expect(await member.stop()).toBeNull()
    expect(member.events.filter(({ type }) => type === 'source-crashed')).toEqual([])
  })
})
