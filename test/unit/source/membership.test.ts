import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Intake } from '../../../src/pipeline/source.ts'
import { createMembership } from '../../../src/source/membership.ts'
import type { StartPosition } from '../../../src/source/start-position.ts'

/** One partition, ours; `database` is where its offset row stands. */
const joinedAt = async (position: bigint) => {
  const database = { position }
  let next: bigint | null = null
  const intake = {
    assign: (_: number, at: bigint) => void (next = at),
    next: () => next,
  } as unknown as Intake
  const membership = createMembership({
    startPositions: async () => new Map<number, StartPosition>([[0, { position: database.position, kafka: null }]]),
    isFatal: () => true,
    closing: () => false,
    fail: (error) => expect.unreachable(String(error)),
    commit: () => {},
    seek: () => {},
    clock: systemClock,
    emit: () => {},
  })
  membership.joined([0], intake)
  await setImmediate()
  return { database, intake, membership, next: () => next, deliver: (to: bigint) => (next = to) }
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

test('what is delivered and not yet settled is kept', async () => {
  const { intake, membership, next, deliver } = await joinedAt(10n)
  deliver(30n)
  await membership.doubt(0, intake)
  await membership.check(intake)
  expect(next()).toBe(30n)
})
