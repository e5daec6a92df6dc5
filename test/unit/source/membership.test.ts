import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Intake } from '../../../src/pipeline/source.ts'
import { createMembership } from '../../../src/source/membership.ts'
import type { StartPosition } from '../../../src/source/start-position.ts'

/** One partition, ours; `database` is where its offset row stands. */
const joinedAt = async (position: bigint, kafka: bigint | null = position) => {
  const database = { position, kafka }
  const state = { away: false, closing: false }
  const sought: bigint[] = []
  const held: number[][] = []
  const released: bigint[] = []
  const committed: (bigint | undefined)[] = []
  let next: bigint | null = null
  let settled: bigint | null = null
  let assignment = {}
  const start = (at: bigint) => {
    assignment = {}
    next = at
    settled = at
  }
  const intake = {
    assign: (_: number, at: bigint) => start(at),
    next: () => next,
    settled: () => settled,
    assignment: () => assignment,
    rewind: (_: number, at: bigint) => start(at),
  } as unknown as Intake
  const membership = createMembership({
    startPositions: async () => {
      if (state.away) throw new Error('no leader')
      return new Map<number, StartPosition>([[0, { ...database }]])
    },
    isFatal: () => !state.away,
    closing: () => state.closing,
    fail: (error) => expect.unreachable(String(error)),
    commit: (positions) => void committed.push(positions.get(0)),
    seek: (_, at) => void sought.push(at),
    hold: (partitions) => partitions.length > 0 && void held.push([...partitions]),
    release: (_, at) => void released.push(at),
    clock: systemClock,
    emit: () => {},
  })
  membership.joined([0], intake)
  const unpositioned = [membership.unpositioned(intake)]
  await setImmediate()
  unpositioned.push(membership.unpositioned(intake))
  const deliver = (to: bigint) => (next = to)
  const settle = (to: bigint) => (settled = to)
  return {
    database,
    state,
    intake,
    membership,
    next: () => next,
    deliver,
    settle,
    sought,
    committed,
    held,
    released,
    unpositioned,
  }
}

// Evicted and back with the same partition: for us it is one we kept. If retention took the records between, kafkajs
// begins at the log's start, which is a gap to our old position, which cannot be sought: for ever.
test.each(['doubt', 'check'] as const)(
  'what another owner settled meanwhile is not wanted any more: %s',
  async (how) => {
    const { database, intake, membership, next } = await joinedAt(10n)
    database.position = 50n
    await (how === 'doubt' ? membership.doubt(0, intake) : membership.check(intake))
    expect(next()).toBe(50n)
  },
)

test('a look at Kafka after a join that did not come to an end is made up for before the end', async () => {
  const { database, state, intake, membership, committed, settle, deliver } = await joinedAt(10n)
  deliver(50n)
  settle(50n)
  Object.assign(database, { position: 50n, kafka: 20n })
  state.away = true
  membership.joined([0], intake)
  await setImmediate()
  state.closing = true
  await expect(membership.tellLast(intake)).rejects.toThrow('no leader')
  expect(committed).toEqual([])
  state.away = false
  await membership.tellLast(intake)
  expect(committed).toEqual([50n])
})

test('nothing is asked at the end when Kafka was held against the database since the join', async () => {
  const { database, state, intake, membership, committed } = await joinedAt(10n)
  await membership.check(intake)
  state.away = true
  Object.assign(database, { kafka: 5n })
  await membership.tellLast(intake)
  expect(committed).toEqual([])
})

test('what is settled and Kafka does not know is told again, and nothing that is not settled yet', async () => {
  const { database, intake, membership, committed, settle, deliver } = await joinedAt(10n)
  Object.assign(database, { position: 50n, kafka: 20n })
  await membership.check(intake)
  expect(committed).toEqual([50n])
  deliver(70n)
  // COMMIT is done, and its answer is under way: whoever waits for it will tell Kafka.
  Object.assign(database, { position: 60n, kafka: 50n })
  await membership.check(intake)
  expect(committed).toEqual([50n])
  settle(60n)
  await membership.check(intake)
  expect(committed).toEqual([50n, 60n])
  database.kafka = 60n
  await membership.check(intake)
  expect(committed).toEqual([50n, 60n])
})

test('what is delivered and not yet settled is kept', async () => {
  const { intake, membership, next, deliver } = await joinedAt(10n)
  deliver(30n)
  await membership.doubt(0, intake)
  await membership.check(intake)
  expect(next()).toBe(30n)
})

// A standby that had not got everything took over: on an idle partition no record would ever come to show it.
test.each(['doubt', 'check'] as const)(
  'a database that holds less than it did is read again from there: %s',
  async (how) => {
    const { database, intake, membership, next, deliver, settle, sought } = await joinedAt(10n)
    deliver(30n)
    settle(30n)
    database.position = 20n
    await (how === 'doubt' ? membership.doubt(0, intake) : membership.check(intake))
    expect(next()).toBe(20n)
    expect(sought).toEqual([20n])
  },
)

test('what is settled while the question is under way is no rewind', async () => {
  const { intake, membership, next, deliver, settle, sought } = await joinedAt(10n)
  deliver(30n)
  const doubt = membership.doubt(0, intake)
  settle(30n)
  await doubt
  expect(next()).toBe(30n)
  expect(sought).toEqual([])
})

test('what its dead owner settled and did not tell Kafka is committed, what Kafka knows is not', async () => {
  expect((await joinedAt(10n, 7n)).committed).toEqual([10n])
  expect((await joinedAt(10n, null)).committed).toEqual([10n])
  expect((await joinedAt(10n, 10n)).committed).toEqual([])
})

test('a partition is held until its position is known, and begins there; one that we keep goes on where we are', async () => {
  const { intake, membership, deliver, held, released, unpositioned } = await joinedAt(10n, 3n)
  expect(held).toEqual([[0]])
  expect(unpositioned).toEqual([1, 0])
  expect(released).toEqual([10n])
  deliver(30n)
  membership.joined([0], intake)
  expect(held).toHaveLength(1)
  expect(released).toEqual([10n, 30n])
})

// The answer is of a moment when the database held less; then the partition was read again up to where it was.
test('what was rewound and settled as far again while the question is under way is no rewind', async () => {
  const { database, intake, membership, next, deliver, settle, sought } = await joinedAt(10n)
  deliver(30n)
  settle(30n)
  database.position = 20n
  const doubt = membership.doubt(0, intake)
  intake.rewind(0, 20n)
  deliver(30n)
  settle(30n)
  await doubt
  expect(next()).toBe(30n)
  expect(sought).toEqual([])
})
