import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { type CommitHandle, createCommits } from '../../../src/source/commits.ts'
import type { TelemetryEvent } from '../../../src/telemetry/events.ts'

type Sent = { offsets: Record<number, string>; resolve: () => void; reject: (error: Error) => void }

const fault = (type?: string) => Object.assign(new Error(type ?? 'socket'), type ? { type } : {})

/** A broker that answers when the test says so. */
const world = () => {
  const sent: Sent[] = []
  const owned = new Set([0, 1])
  const events: TelemetryEvent[] = []
  const told = { evicted: 0, accepted: 0 }
  const handle: CommitHandle = ({ topics }) =>
    new Promise((resolve, reject) => {
      const offsets = Object.fromEntries(topics[0]!.partitions.map(({ partition, offset }) => [partition, offset]))
      sent.push({ offsets, resolve, reject })
    })
  const commits = createCommits({
    topic: 'lines',
    owns: (partition) => owned.has(partition),
    clock: { ...systemClock, now: () => Date.now() },
    emit: (event) => void events.push(event),
    evicted: () => void (told.evicted += 1),
    accepted: () => void (told.accepted += 1),
  })
  const answered = async (at: number, error?: Error) => {
    if (error) sent[at]!.reject(error)
    else sent[at]!.resolve()
    await vi.advanceTimersByTimeAsync(0)
  }
  return { sent, owned, events, told, handle, commits, answered, offsets: () => sent.map(({ offsets }) => offsets) }
}

const at = (positions: Record<number, bigint>) =>
  new Map(Object.entries(positions).map(([partition, position]) => [Number(partition), position]))

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('sending', () => {
  test('waits for a handle', async () => {
    const { commits, handle, offsets, answered, events } = world()
    commits.add(at({ 0: 5n }))
    expect(offsets()).toEqual([])
    commits.use(handle)
    expect(offsets()).toEqual([{ 0: '5' }])
    await answered(0)
    expect(events).toEqual([{ type: 'committed', partitions: 1 }])
  })

  test('one at a time; what comes meanwhile goes together, the newest of each partition', async () => {
    const { commits, handle, offsets, answered } = world()
    commits.use(handle)
    commits.add(at({ 0: 1n }))
    commits.add(at({ 0: 2n, 1: 10n }))
    commits.add(at({ 0: 3n }))
    expect(offsets()).toEqual([{ 0: '1' }])
    await answered(0)
    await vi.advanceTimersByTimeAsync(100)
    expect(offsets()).toEqual([{ 0: '1' }, { 0: '3', 1: '10' }])
    await answered(1)
    expect(offsets()).toHaveLength(2)
  })

  test('ten times a second at most: what waits then goes together', async () => {
    const { commits, handle, offsets, answered } = world()
    commits.use(handle)
    commits.add(at({ 0: 1n }))
    await answered(0)
    commits.add(at({ 0: 2n }))
    await vi.advanceTimersByTimeAsync(60)
    commits.add(at({ 0: 3n }))
    await vi.advanceTimersByTimeAsync(39)
    expect(offsets()).toEqual([{ 0: '1' }])
    await vi.advanceTimersByTimeAsync(1)
    expect(offsets()).toEqual([{ 0: '1' }, { 0: '3' }])
    await answered(1)
    await vi.advanceTimersByTimeAsync(100)
    commits.add(at({ 0: 4n }))
    expect(offsets()).toHaveLength(3)
  })

  test('whoever waits until all is told waits for no pause', async () => {
    const { commits, handle, offsets, answered } = world()
    commits.use(handle)
    commits.add(at({ 0: 1n }))
    await answered(0)
    commits.add(at({ 0: 2n }))
    const settled = commits.settle(5_000)
    await vi.advanceTimersByTimeAsync(0)
    expect(offsets()).toEqual([{ 0: '1' }, { 0: '2' }])
    await answered(1)
    expect(await settled).toBe(true)
    commits.add(at({ 0: 3n }))
    await vi.advanceTimersByTimeAsync(0)
    expect(offsets()).toHaveLength(2)
  })

  test('names only partitions that are ours at that moment', async () => {
    const { commits, handle, owned, offsets, answered } = world()
    commits.use(handle)
    commits.add(at({ 0: 1n }))
    commits.add(at({ 0: 2n, 1: 10n }))
    owned.delete(0)
    await answered(0)
    await vi.advanceTimersByTimeAsync(100)
    expect(offsets()).toEqual([{ 0: '1' }, { 1: '10' }])
    await answered(1)
    commits.add(at({ 0: 3n }))
    expect(offsets()).toHaveLength(2)
  })
})

describe('a commit that failed', () => {
  test('goes again after a second, with newer positions where there are', async () => {
    const { commits, handle, offsets, answered, events } = world()
    commits.use(handle)
    commits.add(at({ 0: 1n, 1: 10n }))
    await answered(0, fault())
    commits.add(at({ 0: 2n }))
    await vi.advanceTimersByTimeAsync(999)
    expect(offsets()).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(offsets()[1]).toEqual({ 0: '2', 1: '10' })
    expect(events).toEqual([{ type: 'commit-failed', code: 'NETWORK' }])
  })

  test('never takes a position back: what came while it was in flight is newer', async () => {
    const { commits, handle, offsets, answered } = world()
    commits.use(handle)
    commits.add(at({ 0: 1n }))
    commits.add(at({ 0: 2n }))
    await answered(0, fault())
    await vi.advanceTimersByTimeAsync(1_000)
    expect(offsets()[1]).toEqual({ 0: '2' })
  })

  test('for a rebalance goes again when joined, without the partitions lost by it', async () => {
    const { commits, handle, owned, offsets, answered } = world()
    commits.rejoined('me')
    commits.use(handle)
    commits.add(at({ 0: 1n, 1: 10n }))
    await answered(0, fault('REBALANCE_IN_PROGRESS'))
    await vi.advanceTimersByTimeAsync(2_000)
    expect(offsets()).toHaveLength(1)
    owned.delete(1)
    commits.rejoined('me')
    await vi.advanceTimersByTimeAsync(0)
    expect(offsets()[1]).toEqual({ 0: '1' })
  })

  test('because the password was changed says so, not that the network is at fault', async () => {
    const { commits, handle, answered, events } = world()
    commits.use(handle)
    commits.add(at({ 0: 1n }))
    await answered(0, Object.assign(new Error('refused'), { name: 'KafkaJSSASLAuthenticationError' }))
    expect(events).toEqual([{ type: 'commit-failed', code: 'SASL_AUTHENTICATION_FAILED' }])
  })

  test.each([
    ['UNKNOWN_MEMBER_ID', 1],
    ['ILLEGAL_GENERATION', 0],
  ])('%s: told that we were evicted %i times', async (type, times) => {
    const { commits, handle, answered, told } = world()
    commits.use(handle)
    commits.add(at({ 0: 1n }))
    await answered(0, Object.assign(new Error('wrapped'), { cause: fault(type) }))
    expect(told.evicted).toBe(times)
  })

  test('says nothing of the member when it has joined since, and goes again at once', async () => {
    const { commits, handle, offsets, answered, told, events } = world()
    commits.rejoined('me')
    commits.use(handle)
    commits.add(at({ 0: 1n }))
    commits.rejoined('me')
    await answered(0, fault('UNKNOWN_MEMBER_ID'))
    expect(told.evicted).toBe(0)
    expect(events).toEqual([{ type: 'commit-failed', code: 'UNKNOWN_MEMBER_ID' }])
    expect(offsets()[1]).toEqual({ 0: '1' })
    await answered(1)
    expect(told.accepted).toBe(1)
  })

  test('in flight over a join that took a partition is not sent again for it, also when that comes back', async () => {
    const { commits, handle, owned, offsets, answered } = world()
    commits.rejoined('me')
    commits.use(handle)
    commits.add(at({ 0: 1n, 1: 10n }))
    owned.delete(0)
    commits.rejoined('me')
    owned.add(0)
    commits.rejoined('me')
    await answered(0, fault())
    expect(offsets()[1]).toEqual({ 1: '10' })
  })

  test('is not sent under another name: others have gone on meanwhile', async () => {
    const { commits, handle, offsets, answered } = world()
    commits.rejoined('first')
    commits.use(handle)
    commits.add(at({ 0: 1n }))
    await answered(0, fault('UNKNOWN_MEMBER_ID'))
    commits.add(at({ 0: 2n, 1: 10n }))
    commits.rejoined('second')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(offsets()).toHaveLength(1)
    commits.add(at({ 0: 9n }))
    expect(offsets()[1]).toEqual({ 0: '9' })
  })

  test('is not sent under another name either when its answer comes after the join', async () => {
    const { commits, handle, offsets, answered } = world()
    commits.rejoined('first')
    commits.use(handle)
    commits.add(at({ 0: 1n }))
    commits.rejoined('second')
    await answered(0, fault())
    await vi.advanceTimersByTimeAsync(60_000)
    expect(offsets()).toHaveLength(1)
  })

  test('waits for the next handle when kafkajs crashed', async () => {
    const { commits, handle, offsets, answered } = world()
    commits.use(handle)
    commits.add(at({ 0: 1n }))
    commits.use(null)
    await answered(0, fault())
    await vi.advanceTimersByTimeAsync(5_000)
    expect(offsets()).toHaveLength(1)
    commits.use(handle)
    await vi.advanceTimersByTimeAsync(0)
    expect(offsets()[1]).toEqual({ 0: '1' })
  })
})

describe('settling', () => {
  test('resolves true at once when nothing is left, or when what is left belongs to others', async () => {
    const { commits, owned } = world()
    expect(await commits.settle(1_000)).toBe(true)
    owned.clear()
    commits.add(at({ 0: 1n }))
    expect(await commits.settle(1_000)).toBe(true)
  })

  test('waits for the answer', async () => {
    const { commits, handle, answered } = world()
    commits.use(handle)
    commits.add(at({ 0: 1n }))
    const settled = commits.settle(60_000)
    await answered(0)
    expect(await settled).toBe(true)
  })

  test('gives up after its time', async () => {
    const { commits, handle } = world()
    commits.use(handle)
    commits.add(at({ 0: 1n }))
    const settled = commits.settle(3_000)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(await settled).toBe(false)
  })

  test('says no when there is no handle to send with', async () => {
    const { commits } = world()
    commits.add(at({ 0: 1n }))
    expect(await commits.settle(3_000)).toBe(false)
  })
})

test('closed, it sends nothing more and leaves no timer behind', async () => {
  const { commits, handle, offsets, answered } = world()
  commits.use(handle)
  commits.add(at({ 0: 1n }))
  await answered(0, fault('REBALANCE_IN_PROGRESS'))
  commits.close()
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
  commits.add(at({ 0: 2n }))
  commits.rejoined('me')
  await vi.advanceTimersByTimeAsync(60_000)
  expect(offsets()).toHaveLength(1)
})

test('closed in the pause between two commits, it leaves no timer behind either', async () => {
  const { commits, handle, offsets, answered } = world()
  commits.use(handle)
  commits.add(at({ 0: 1n }))
  await answered(0)
  commits.add(at({ 0: 2n }))
  expect(vi.getTimerCount()).toBe(1)
  commits.close()
  await vi.advanceTimersByTimeAsync(0)
  expect(vi.getTimerCount()).toBe(0)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(offsets()).toHaveLength(1)
})

// Found by the simulation: it took Kafka back to before what the next owner had told.
test('what waits for a partition that was lost meanwhile is forgotten at the join, also when that comes back', async () => {
  const { commits, owned, handle, offsets } = world()
  commits.rejoined('me')
  commits.add(at({ 0: 1n, 1: 10n }))
  owned.delete(0)
  commits.rejoined('me')
  owned.add(0)
  commits.use(handle)
  expect(offsets()).toEqual([{ 1: '10' }])
})
