// Sink, gate and source are ports, so a fake may stand for each.
import { expect, test } from 'vitest'
import { judge } from '../../../src/http/health.ts'
import { endWhenWedged } from '../../../src/http/watch.ts'
import { createVitals } from '../../../src/http/vitals.ts'
import type { PartitionLag } from '../../../src/telemetry/lag.ts'
import type { Batch, Failure, Sink, WriteResult } from '../../../src/pipeline/sink.ts'

const batchOf = (partition: number) => ({ parts: [{ partition }] }) as unknown as Batch<null>

const world = (lanes = 1) => {
  const state = {
    now: 0,
    busy: new Set<number>(),
    gateClosed: false,
    answers: true,
    member: true,
    lags: [] as object[],
    waited: new Map<number, number>(),
  }
  const since = { join: 0, heartbeat: 0, fetch: 0 as number | null, batch: null }
  const clock = { now: () => state.now, wall: () => 0, sleep: async () => void (state.now += 10_000) }
  const vitals = createVitals(clock, lanes)
  vitals.attach({
    source: () => ({
      member: state.member,
      lives: 1,
      crashesInARow: 0,
      overdueMs: 0,
      unpositioned: 0,
      since,
      waited: state.waited,
    }),
    busy: (lane) => state.busy.has(lane),
    gateClosed: () => state.gateClosed,
    lag: () => ({ asOf: state.now, asked: state.now, partitions: state.lags as PartitionLag[] }),
    draining: () => false,
  })
  let end: (fate: Failure['fate'] | 'done') => void = () => {}
  const sink: Sink<null> = vitals.watching({
    write: () =>
      new Promise((resolve, reject) => {
        end = (fate) => (fate === 'done' ? resolve({} as WriteResult) : reject(new Error(fate)))
      }),
    classify: (error) =>
      ({ fate: (error as Error).message, code: '', oversized: false, maxRecords: null, cause: error }) as Failure,
    probe: async () => true,
  })
  const gate = vitals.asking({ closure: () => (state.answers ? Promise.resolve(null) : Promise.reject(new Error())) })
  /** The gate watch asks every second. */
  const pass = async (ms: number) => {
    state.now += ms
    await gate.closure().catch(() => {})
    return vitals.facts()
  }
  const write = async (fate: Failure['fate'] | 'done', partition = 0) => {
    const writing = sink.write(batchOf(partition)).catch(() => {})
    end(fate)
    await writing
  }
  return { state, since, clock, vitals, sink, write, pass, end: (fate: 'done') => end(fate) }
}

test('a write is seen while it lasts', async () => {
  const { state, vitals, sink, end } = world()
  const writing = sink.write(batchOf(0))
  state.now = 7_000
  expect(vitals.facts().writingMs).toBe(7_000)
  end('done')
  await writing
  expect(vitals.facts().writingMs).toBeNull()
})

test('failing counts from the first failure until a write is taken; a closed gate is none', async () => {
  const { state, vitals, write } = world()
  state.busy.add(0)
  await write('held')
  expect(vitals.facts().failingMs).toBeNull()
  await write('transient')
  state.now = 400_000
  await write('unknown')
  expect(vitals.facts().failingMs).toBe(400_000)
  await write('done')
  expect(vitals.facts().failingMs).toBeNull()
})

test('what failed is forgotten with the partitions that it was of', async () => {
  const { state, vitals, write } = world()
  state.busy.add(0)
  await write('transient')
  state.busy.delete(0)
  expect(vitals.facts().failingMs).toBeNull()
})

test('stalled counts only while there is something to write and nothing in the way', async () => {
  const { state, pass, write } = world()
  expect((await pass(3_600_000)).stalledMs).toBe(0)
  state.busy.add(0)
  expect((await pass(5_000)).stalledMs).toBe(5_000)
  await write('done')
  expect((await pass(0)).stalledMs).toBe(0)
  state.gateClosed = true
  expect((await pass(5_000)).stalledMs).toBe(0)
  state.gateClosed = false
  await write('transient')
  expect((await pass(5_000)).stalledMs).toBe(0)
})

test('a lane that works hides neither one that fails nor one that stands still', async () => {
  const { state, vitals, pass, write } = world(2)
  state.busy.add(0).add(1)
  await pass(5_000)
  await write('done', 2)
  expect(vitals.facts().stalledMs).toBe(5_000)
  await write('transient', 1)
  state.now += 5_000
  await write('done', 0)
  expect(vitals.facts().failingMs).toBe(5_000)
})

// An idle member writes nothing: only the question for the gate shows that PostgreSQL is away.
test('PostgreSQL has answered when the gate was read or a write taken, and while it says nothing nothing is stalled', async () => {
  const { state, pass, write } = world()
  state.busy.add(0)
  expect((await pass(1_000)).unansweredMs).toBe(0)
  state.answers = false
  expect((await pass(1_000)).unansweredMs).toBe(1_000)
  expect(await pass(59_000)).toMatchObject({ unansweredMs: 60_000, stalledMs: 0 })
  await write('transient')
  expect((await pass(1_000)).unansweredMs).toBe(61_000)
  await write('done')
  expect((await pass(0)).unansweredMs).toBe(0)
})

test('heartbeats do not hide that no fetch is answered; a buffer that is worked off, or a closed gate, does', async () => {
  const { state, since, pass } = world()
  Object.assign(since, { join: 90_000, fetch: 90_000 })
  expect(await pass(60_000)).toMatchObject({ silentMs: 0, fetchlessMs: 60_000 })
  expect((await pass(60_000)).fetchlessMs).toBe(90_000)
  since.fetch = 500
  expect((await pass(0)).fetchlessMs).toBe(500)
  since.fetch = null
  expect((await pass(0)).fetchlessMs).toBe(90_000)
  state.busy.add(0)
  expect((await pass(60_000)).fetchlessMs).toBe(0)
  state.busy.delete(0)
  state.gateClosed = true
  expect((await pass(60_000)).fetchlessMs).toBe(0)
})

test('a member ends when it was wedged at three looks in a row', async () => {
  const { clock } = world()
  const looks = [false, false, true, false, false, false]
  const health = () => ({ live: looks.shift() ?? true, ready: false, reasons: ['a write that has not ended'] })
  const ending = endWhenWedged(health, clock, new AbortController().signal)
  await expect(ending).rejects.toMatchObject({ message: 'wedged: a write that has not ended', exitCode: 3 })
  expect(looks).toEqual([])
})

test('one fetcher of three has died: its partition stands still while the others fetch and heartbeat, and that is seen', async () => {
  const { state, since, pass } = world()
  const lags = (moved: bigint) => [
    { partition: 0, position: moved, unread: true },
    { partition: 1, position: 7n, unread: true },
  ]
  let facts = await pass(0)
  for (let minute = 0; minute <= 11; minute++) {
    state.lags = lags(BigInt(minute))
    since.join += 60_000
    facts = await pass(60_000)
  }
  expect(facts).toMatchObject({ stalledMs: 0, stuck: { partition: 1, ms: 660_000 } })
  expect(judge(facts, { sessionTimeoutMs: 30_000, flushMaxAgeMs: 1_000 })).toMatchObject({
    live: false,
    reasons: ['nothing of partition 1 is read for 660 s, although Kafka has more and answers'],
  })
})

test.each<[string, (all: ReturnType<typeof world>) => void | Promise<void>]>([
  ['the gate is closed', ({ state }) => void (state.gateClosed = true)],
  ['PostgreSQL says nothing', ({ state }) => void (state.answers = false)],
  ['PostgreSQL takes no write', ({ state, write }) => (state.busy.add(0), write('transient'))],
  ['the coordinator says nothing', ({ since }) => void (since.heartbeat = 60_000)],
  ['it is not in the group', ({ state }) => void (state.member = false)],
  ['it has just joined', ({ since }) => void (since.join = 0)],
  ['the partition waits for what is not ours', ({ state }) => void state.waited.set(0, 500)],
])('a partition that stands still is not to blame while %s', async (_, excuse) => {
  const all = world()
  all.state.lags = [{ partition: 0, position: 7n, unread: true }]
  all.since.join = 1e9
  await all.pass(0)
  expect((await all.pass(700_000)).stuck).toEqual({ partition: 0, ms: 700_000 })
  await excuse(all)
  expect((await all.pass(100_000)).stuck?.ms ?? 0).toBe(0)
})
