// Where the kafkajs source begins, what it does when Kafka and PostgreSQL disagree, and what it refuses.
import { CompressionTypes } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ExitCode, OperatorError } from '../../src/lib/operator-error.ts'
import {
  type Member,
  offsetsOf,
  openPlace,
  openWorld,
  type Place,
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

const rowOf = async ({ sink }: Place) => (await sink.offsets.load([0])).get(0) ?? null
const row = async (place: Place, nextOffset: bigint) =>
  place.sink.offsets.insertIfAbsent([{ partition: 0, nextOffset, topicId: await world.admin.topicId(place.topic) }])
const deleteRecords = async (topic: string, below: number) => {
  await world.kafkajsAdmin.fetchTopicOffsets(topic) // makes kafkajs look for the leader
  await world.kafkajsAdmin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(below) }] })
}
const recreate = async (topic: string) => {
  await world.kafkajsAdmin.deleteTopics({ topics: [topic] })
  await until('the topic to be made again', () =>
    world.createTopic(topic).then(
      () => true,
      () => false,
    ),
  )
}

const refusal = async (member: Member): Promise<OperatorError> => {
  const error = await until('the source to stop', () => Promise.race([member.outcome, Promise.resolve(null)]), {
    timeoutMs: 15_000,
    describe: () => member.describe(),
  })
  expect(error).toBeInstanceOf(OperatorError)
  expect((error as OperatorError).exitCode).toBe(ExitCode.fatal)
  expect((error as OperatorError).remedy).toContain('sluice offsets reset')
  return error as OperatorError
}

describe('a first start', () => {
  test('begins at the first record that is still there, and writes that down', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 30)
    await deleteRecords(place.topic, 10)
    const member = startMember(world, place)
    await settled(20, member)
    expect(offsetsOf(member.records)).toEqual({ 0: range(10, 30) })
    expect(member.of('positioned')).toMatchObject([{ position: 10n, kafka: null }])
    expect((await rowOf(place))?.topicId).toBe(await world.admin.topicId(place.topic))
  })

  test('is refused when the group has committed in Kafka: nothing is read, no row is written', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 30)
    await world.commitToKafka(place.groupId, place.topic, { 0: 20n })
    const member = startMember(world, place)
    expect((await refusal(member)).message).toBe(
      'partition 0: the group committed 20 in Kafka, but PostgreSQL has no position: beginning anywhere could lose or repeat records',
    )
    await member.stop()
    expect(member.records).toEqual([])
    expect(member.buffer.held.records).toBe(0)
    expect(await rowOf(place)).toBeNull()
  })

  test('begins there when the commit in Kafka is at the start of the log', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 30)
    await deleteRecords(place.topic, 10)
    await world.commitToKafka(place.groupId, place.topic, { 0: 10n })
    const member = startMember(world, place)
    await settled(20, member)
    expect(offsetsOf(member.records)).toEqual({ 0: range(10, 30) })
  })
})

describe('with a position in PostgreSQL', () => {
  test('goes on there when Kafka knows of no commit', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 30)
    await row(place, 12n)
    const member = startMember(world, place)
    await settled(18, member)
    expect(offsetsOf(member.records)).toEqual({ 0: range(12, 30) })
  })

  test('goes on there when Kafka is behind', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 30)
    await row(place, 12n)
    await world.commitToKafka(place.groupId, place.topic, { 0: 5n })
    const member = startMember(world, place)
    await settled(18, member)
    expect(offsetsOf(member.records)).toEqual({ 0: range(12, 30) })
  })

  test('goes back there when Kafka is ahead', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 30)
    await row(place, 12n)
    await world.commitToKafka(place.groupId, place.topic, { 0: 20n })
    const member = startMember(world, place)
    await settled(18, member)
    expect(offsetsOf(member.records)).toEqual({ 0: range(12, 30) })
    expect(member.of('positioned')).toMatchObject([{ position: 12n, kafka: 20n }])
  })

  test('goes back there when Kafka is at the end of the log, where no record would ever show the gap', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 30)
    await row(place, 0n)
    await world.commitToKafka(place.groupId, place.topic, { 0: 30n })
    const member = startMember(world, place)
    await settled(30, member)
    expect(offsetsOf(member.records)).toEqual({ 0: range(0, 30) })
  })

  test('seeks back when kafkajs jumps ahead in the middle', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 10)
    const member = startMember(world, place)
    await settled(10, member)
    member.source.seek(0, 15n)
    await world.produce(place.topic, 0, 10)
    await settled(20, member)
    expect(offsetsOf(member.records)).toEqual({ 0: range(0, 20) })
    expect(member.of('gap')).toEqual([{ type: 'gap', partition: 0, expected: 10n, fetched: 15n }])
  })

  test('reads again from an earlier position on demand, and only once what it has', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 20)
    const member = startMember(world, place)
    await settled(20, member)
    member.source.seek(0, 5n)
    await world.produce(place.topic, 0, 10)
    await settled(30, member)
    expect(offsetsOf(member.records)).toEqual({ 0: range(0, 30) })
    expect(member.of('gap')).toEqual([])
  })
})

describe('a topic that lost its records', () => {
  test('deleted by retention before they were read: refused at the start', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 30)
    await row(place, 5n)
    await deleteRecords(place.topic, 10)
    const member = startMember(world, place)
    expect((await refusal(member)).message).toBe(
      'partition 0: records 5 to 9 were deleted by retention before they were read',
    )
    expect(member.records).toEqual([])
  })

  test('deleted by retention under a member that was held back: stopped', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 100)
    const member = startMember(world, place, { capacity: 50, holding: true })
    await until('a full buffer', () => member.buffer.held.records === 50)
    await world.produce(place.topic, 0, 100)
    await deleteRecords(place.topic, 150)
    member.letGo()
    expect((await refusal(member)).message).toMatch(/records \d+ to 149 were deleted by retention/)
    // What was fetched before is in order, and nothing after the hole was taken.
    expect(offsetsOf(member.records)).toEqual({ 0: range(0, 100) })
  })

  test('deleted and made again while stopped: refused at the start', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 10)
    const first = startMember(world, place)
    await settled(10, first)
    await first.stop()
    await recreate(place.topic)
    await world.produce(place.topic, 0, 20)
    const second = startMember(world, place)
    expect((await refusal(second)).message).toContain('the topic was deleted and made again')
    expect(second.records).toEqual([])
  })

  test('deleted and made again under an idle member: stopped at the first record, which is not taken', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 10)
    await row(place, 10n)
    const member = startMember(world, place)
    await until('to be positioned', () => member.of('positioned').length === 1)
    await recreate(place.topic)
    await world.produce(place.topic, 0, 5)
    expect((await refusal(member)).message).toContain('the topic was deleted and made again')
    expect(member.records).toEqual([])
  })

  test('deleted, made again and filled so fast that no fetch shows it: stopped by the next look', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 10)
    const member = startMember(world, place, { checkEveryMs: 1_000 })
    await settled(10, member)
    await recreate(place.topic)
    await world.produce(place.topic, 0, 40)
    expect((await refusal(member)).message).toContain('the topic was deleted and made again')
  })
})

describe('what lies below the position', () => {
  test('is never fetched: not a batch that cannot be read, and was passed by, whatever Kafka has committed', async () => {
    const place = await openPlace(world, 1, [{ name: 'max.message.bytes', value: String(10 * 1_048_576) }])
    await world.produce(place.topic, 0, 5)
    const bomb = [{ value: Buffer.alloc(65 * 1_048_576) }]
    await world.produceOneBatch(place.topic, 0, bomb, CompressionTypes.GZIP)
    await world.produce(place.topic, 0, 5)
    await row(place, 6n)
    const member = startMember(world, place)
    await settled(5, member)
    expect(offsetsOf(member.records)).toEqual({ 0: range(6, 11) })
    expect(member.of('gap')).toEqual([])
    await until('Kafka to be told', async () => {
      const committed = await world.admin.committedOffsets(place.groupId, place.topic)
      return committed.get(0) === 11n
    })
    // Kafka forgets: a member that joins again begins where we are all the same.
    await world.evict(place.groupId, member.seen.joins.at(-1)!)
    await until('to join again', () => member.seen.joins.length === 2)
    await world.produce(place.topic, 0, 5)
    await settled(10, member)
    expect(member.of('source-crashed')).toEqual([])
  })

  test('once told by nobody, is told to Kafka without a new record', async () => {
    const place = await openPlace(world)
    await world.produce(place.topic, 0, 30)
    await row(place, 30n)
    const member = startMember(world, place)
    await until('Kafka to be told', async () => {
      const committed = await world.admin.committedOffsets(place.groupId, place.topic)
      return committed.get(0) === 30n
    })
    expect(member.seen.commits).toBe(1)
  })
})
