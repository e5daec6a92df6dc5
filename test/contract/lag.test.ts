// Lag in records and seconds, held against Kafka's own tool and against timestamps that the test chose: on real partitions, with
// the real source and buffer; only the settling is the test's.
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { createLagWatch, type LagDeps, type PartitionLag } from '../../src/telemetry/lag.ts'
import { consumerGroups } from '../support/consumer-groups.ts'
import { until } from '../support/until.ts'
import {
  type Member,
  newKafka,
  openPlace,
  openWorld,
  type Place,
  settled,
  startMember,
  type World,
} from '../support/source.ts'
import { stack } from '../support/stack.ts'

let world: World
beforeAll(async () => (world = await openWorld()))
afterAll(() => world.close())

const HOUR = 3_600_000

const lagOf = (place: Place, member: Member, over: Partial<LagDeps> = {}) =>
  createLagWatch({
    clock: systemClock,
    standings: () => {
      const known = new Map(member.buffer.standings().map((each) => [each.partition, each]))
      const unknown = { position: null, next: null, oldestAt: null }
      return member.source.owned().map((partition) => known.get(partition) ?? { partition, ...unknown })
    },
    ends: async () => new Map([...(await world.admin.endOffsets(place.topic))].map(([p, { high }]) => [p, high])),
    committed: () => world.admin.committedOffsets(place.groupId, place.topic),
    timestampAt: (partition, offset, end) => world.admin.timestampAt({ topic: place.topic, partition, offset, end }),
    ...over,
  })

/** One record each, with its own timestamp, in one batch; gives the timestamps. */
const sendAged = async (topic: string, partition: number, ages: readonly number[]) => {
  const producer = newKafka().producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await producer.connect()
  const now = Date.now()
  const messages = ages.map((age) => ({ partition, value: 'x', timestamp: String(now - age) }))
  await producer.send({ topic, messages })
  await producer.disconnect()
  return ages.map((age) => now - age)
}

/** What a look says while it is taken: the age of a record with this timestamp, to the millisecond. */
const isAgeOf = async (timestamp: number, look: () => Promise<number | null | undefined>, later = 0) => {
  const before = Date.now()
  const seconds = await look()
  expect(seconds).toBeGreaterThanOrEqual((before + later - timestamp) / 1000)
  expect(seconds).toBeLessThanOrEqual((Date.now() + later - timestamp) / 1000)
}
const secondsOf = async (watch: ReturnType<typeof lagOf>) => only(await watch.look()).lagSeconds

const only = ({ partitions }: { partitions: readonly PartitionLag[] }) => {
  expect(partitions).toHaveLength(1)
  return partitions[0]!
}

test('idle, blocked, behind: seconds of the oldest record that is not settled; then none', async () => {
  const place = await openPlace(world)
  await sendAged(place.topic, 0, [5 * HOUR, 4 * HOUR])
  const member = startMember(world, place)
  await settled(2, member)
  const watch = lagOf(place, member)
  expect(only(await watch.look())).toMatchObject({ position: 2n, end: 2n, lagRecords: 0, lagSeconds: 0, unread: false })

  // Blocked: what came in is held, taken or not.
  member.hold()
  const [oldest = 0] = await sendAged(place.topic, 0, [3 * HOUR, 2 * HOUR, HOUR])
  await until('the records are held', () => member.buffer.held.records === 3)
  const blocked = only(await watch.look())
  expect(blocked).toMatchObject({ position: 2n, end: 5n, lagRecords: 3, unread: false })
  await isAgeOf(oldest, () => secondsOf(watch))

  member.letGo()
  await settled(5, member)
  expect(only(await watch.look())).toMatchObject({ position: 5n, lagRecords: 0, lagSeconds: 0 })
})

test('taken and not settled is still waiting', async () => {
  const place = await openPlace(world)
  const [first = 0, second = 0] = await sendAged(place.topic, 0, [2 * HOUR, HOUR])
  const member = startMember(world, place, { holding: true })
  await until('the records are held', () => member.buffer.held.records === 2)
  const batch = member.buffer.take(0, { records: 1, bytes: 1e9 }, 'size')
  member.buffer.inFlight(0, [batch])
  const watch = lagOf(place, member)
  const taken = only(await watch.look())
  expect(taken).toMatchObject({ position: 0n, lagRecords: 2 })
  await isAgeOf(first, () => secondsOf(watch))

  member.buffer.purge(0, 1n)
  const half = only(await watch.look())
  expect(half).toMatchObject({ position: 1n, lagRecords: 1 })
  await isAgeOf(second, () => secondsOf(watch))
  member.buffer.inFlight(0, [])
  member.buffer.release({ records: 1, bytes: batch.bytes })
  member.buffer.rewind(0, 1n)
})

test('paused, with nothing of it in our hands: the timestamp is read from the log, inside of a batch, and once', async () => {
  const place = await openPlace(world, 1)
  await sendAged(place.topic, 0, [9 * HOUR])
  const member = startMember(world, place)
  await settled(1, member)
  member.source.pause()
  const [first = 0, second = 0] = await sendAged(place.topic, 0, [8 * HOUR, 7 * HOUR])
  let reads = 0
  const watch = lagOf(place, member, {
    timestampAt: (partition, offset, end) => {
      reads += 1
      return world.admin.timestampAt({ topic: place.topic, partition, offset, end })
    },
  })
  for (let look = 0; look < 3; look += 1) {
    const paused = only(await watch.look())
    expect(paused).toMatchObject({ position: 1n, end: 3n, lagRecords: 2 })
    await isAgeOf(first, () => secondsOf(watch))
  }
  expect(reads).toBe(1)
  expect(member.buffer.held.records).toBe(0)
  // As it would be after a restart in the middle of that batch.
  member.buffer.assign(0, 2n)
  await isAgeOf(second, () => secondsOf(watch))
})

test('offsets that hold no record: markers at the end are no lag of seconds, and are passed', async () => {
  const place = await openPlace(world)
  const member = startMember(world, place)
  await until('it is positioned', () => member.intake.next(0) !== null)
  member.source.pause()
  const producer = newKafka().producer({ transactionalId: place.groupId, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  onTestFinished(() => producer.disconnect())
  const timestamp = Date.now() - HOUR
  const transaction = await producer.transaction()
  await transaction.send({
    topic: place.topic,
    messages: [{ partition: 0, value: 'x', timestamp: String(timestamp) }],
  })
  await transaction.commit()
  await until('the marker is there', async () => (await world.admin.endOffsets(place.topic)).get(0)?.high === 2n)
  const watch = lagOf(place, member)
  const before = only(await watch.look())
  expect(before).toMatchObject({ lagRecords: 2, unread: true })
  await isAgeOf(timestamp, () => secondsOf(watch))
  member.buffer.assign(0, 1n)
  expect(only(await watch.look())).toMatchObject({ lagRecords: 1, lagSeconds: 0 })
})

test('while Kafka does not answer: the age of what waits goes on, a lag of nothing becomes unknown', async () => {
  const place = await openPlace(world, 2)
  const [timestamp = 0] = await sendAged(place.topic, 0, [HOUR])
  const member = startMember(world, place, { holding: true })
  await until('both are positioned', () => member.intake.next(0) !== null && member.intake.next(1) !== null)
  await until('it is held', () => member.buffer.held.records === 1)
  let away = false
  let skipped = 0
  const clock = { ...systemClock, now: () => systemClock.now() + skipped, wall: () => systemClock.wall() + skipped }
  const watch = lagOf(place, member, {
    clock,
    ends: async () => {
      if (away) throw new Error('away')
      return new Map([...(await world.admin.endOffsets(place.topic))].map(([p, { high }]) => [p, high]))
    },
  })
  const { partitions } = await watch.look()
  expect(partitions).toMatchObject([{ lagRecords: 1 }, { lagRecords: 0, lagSeconds: 0 }])
  away = true
  skipped = 60_000
  const later = await watch.look()
  expect(later.partitions).toMatchObject([
    { lagRecords: 1, unread: false },
    { lagRecords: null, lagSeconds: null, unread: false },
  ])
  await isAgeOf(timestamp, async () => (await watch.look()).partitions[0]?.lagSeconds, skipped)
  member.letGo()
  await settled(1, member)
})

test("as many records as Kafka's own tool says", async () => {
  const place = await openPlace(world, 3)
  const member = startMember(world, place)
  await until('all are positioned', () => [0, 1, 2].every((each) => member.intake.next(each) !== null))
  for (const [partition, count] of [4, 7, 1].entries()) await world.produce(place.topic, partition, count)
  await settled(12, member)
  await until(
    'all is committed',
    async () =>
      [...(await world.admin.committedOffsets(place.groupId, place.topic)).values()].reduce(
        (sum, each) => (sum ?? 0n) + (each ?? 0n),
        0n,
      ) === 12n,
  )
  member.hold()
  for (const [partition, count] of [40, 0, 300].entries())
    if (count > 0) await world.produce(place.topic, partition, count)
  const { partitions } = await lagOf(place, member).look()
  const theirs = await consumerGroups(stack().brokers, place.groupId)
  const ours = partitions.map(({ partition, committed, end, lagRecords }) => ({
    partition,
    committed: Number(committed),
    end: Number(end),
    lag: lagRecords,
  }))
  expect(ours).toEqual(theirs)
  expect(theirs.map(({ lag }) => lag)).toEqual([40, 0, 300])
  member.letGo()
  await settled(352, member)
})
