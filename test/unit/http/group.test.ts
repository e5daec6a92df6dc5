// What the group says of a lag, whatever the clocks of its members say.
import { expect, test } from 'vitest'
import { createGroup } from '../../../src/http/group.ts'
import type { MemberRow } from '../../../src/sink/member-store.ts'
import type { OffsetAccount } from '../../../src/sink/offset-store.ts'
import type { MemberState } from '../../../src/telemetry/member-state.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const NOW = new Date('2026-11-27T21:30:00.000Z')

type Partition = MemberState['partitions'][number]
type Told = { askedMsAgo: number | null; seenMsAgo?: number; clockAheadMs?: number; partition?: Partial<Partition> }

const memberOf = ({ askedMsAgo, seenMsAgo = 1_000, clockAheadMs = 0, partition }: Told) => {
  const asOf = new Date(NOW.getTime() + clockAheadMs - seenMsAgo - (askedMsAgo ?? 0)).toISOString()
  const partitions = [
    { partition: 0, position: 100, end: 100, committed: 100, lagRecords: 0, lagSeconds: 0, ...partition },
  ]
  return {
    ...{ memberId: 'm', seenMsAgo },
    state: { phase: 'running', asOf, askedMsAgo, partitions, rate: { settledPerSecond: 1, arrivedPerSecond: 1 } },
  } as unknown as MemberRow
}
const offsets = [{ partition: 0, nextOffset: 100n, inserted: 100n }] as unknown as OffsetAccount[]

const lagOf = async (told: Told) => {
  const group = createGroup(
    {
      members: () => Promise.resolve([memberOf(told)]),
      offsets: () => Promise.resolve(offsets),
      gate: () => Promise.resolve({ closure: null } as never),
      letters: () => Promise.resolve([]),
      now: () => Promise.resolve(NOW),
      own: () => ({ memberId: 'm', partitions: [], unansweredMs: 12 }),
    },
    virtualClock().clock,
  )
  const { partitions, lag } = await group.state()
  const { lagRecords, lagSeconds, asOf } = partitions[0]!
  return { lagRecords, lagSeconds, asOf, total: lag.records }
}

test.each([
  ['behind', -20_000],
  ['ahead', 360_000],
])('a member whose clock is far %s: what it has just asked counts, and when is told by our clock', async (_, ms) => {
  const asOf = new Date(NOW.getTime() - 2_500)
  expect(await lagOf({ askedMsAgo: 1_500, clockAheadMs: ms })).toEqual({ lagRecords: 0, lagSeconds: 0, asOf, total: 0 })
})

const UNKNOWN = { lagRecords: null, lagSeconds: null, total: null }
test.each<[string, Told]>([
  ['asked too long ago, by a member that is ahead', { askedMsAgo: 14_500, clockAheadMs: 360_000 }],
  ['told too long ago', { askedMsAgo: 8_000, seenMsAgo: 8_000 }],
  ['never asked', { askedMsAgo: null }],
  ['the member itself does not know', { askedMsAgo: 1_000, partition: { lagRecords: null, lagSeconds: null } }],
])('%s: no lag of 0', async (_, told) => expect(await lagOf(told)).toMatchObject(UNKNOWN))

test('what is known to wait is told, however old', async () => {
  const partition = { end: 130, lagRecords: 30, lagSeconds: 40 }
  expect(await lagOf({ askedMsAgo: 60_000, partition })).toMatchObject({ lagRecords: 30, lagSeconds: 40, total: 30 })
})

test('while PostgreSQL does not answer, a member tells the lag of its own partitions as it is, and of others as it was', async () => {
  const virtual = virtualClock()
  let down = false
  const unless = <T>(value: T) => (down ? Promise.reject(new Error('away')) : Promise.resolve(value))
  const row = memberOf({ askedMsAgo: 1_000 })
  const other = memberOf({ askedMsAgo: 1_000, partition: { partition: 1, end: 107, lagRecords: 7, lagSeconds: 3 } })
  const group = createGroup(
    {
      members: () => unless([row, { ...other, memberId: 'other' }]),
      offsets: () => unless([offsets[0]!, { ...offsets[0]!, partition: 1 }]),
      gate: () => unless({ closure: null } as never),
      letters: () => unless([]),
      now: () => unless(NOW),
      own: () => ({ memberId: 'm', unansweredMs: 12, partitions: [{ partition: 0, position: 130, end: 450, committed: 120, lagRecords: 320, lagSeconds: 12 }] }), // prettier-ignore
    },
    virtual.clock,
  )
  expect((await group.state()).lag).toMatchObject({ records: 7, seconds: 3 })
  down = true
  await virtual.run(2_000)
  const { error, partitions, lag } = await group.state()
  expect(error).not.toBeNull()
  expect(partitions.map(({ position, end, lagRecords, asOf }) => [position, end, lagRecords, asOf !== null])).toEqual([
    [130, 450, 320, false],
    [100, 107, 7, true],
  ])
  expect(lag).toEqual({ records: 327, seconds: 12, clearSeconds: null })
})

test('a member that PostgreSQL has never answered tells the lag of its own partitions, and no counts', async () => {
  const away = () => Promise.reject(new Error('away'))
  const own = [{ partition: 2, position: 7, end: 10, committed: 7, lagRecords: 3, lagSeconds: 1 }]
  const reads = { members: away, offsets: away, gate: away, letters: away, now: away }
  const group = createGroup(
    { ...reads, own: () => ({ memberId: 'm', partitions: own, unansweredMs: 12 }) },
    virtualClock().clock,
  )
  const { partitions, lag, unansweredMs } = await group.state()
  expect(unansweredMs).toBe(12)
  expect(partitions).toEqual([expect.objectContaining({ ...own[0], memberId: 'm', inserted: null, asOf: null })])
  expect(lag).toEqual({ records: 3, seconds: 1, clearSeconds: null })
})
