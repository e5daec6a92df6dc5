import { expect, test } from 'vitest'
import { historyOf } from '../../../src/http/history.ts'
import type { Sample } from '../../../src/telemetry/member-state.ts'

const NOW = new Date('2026-11-27T21:30:00.000Z')
const sample = (over: Partial<Sample> = {}): Sample => ({
  ...{ ms: 5_000, inserted: 100, duplicates: 0, deadLettered: 0, ignored: 0, alreadySettled: 0, flushedRecords: 100 },
  ...{
    flushes: { size: 1, bytes: 0, age: 1, drain: 0 },
    flushMs: { sum: 60, max: 40 },
    latencyMs: { p50: 10, p99: 50 },
  },
  ...{ retries: 0, buffer: { records: 10, bytes: 1_000 }, limits: { records: 500, ageMs: 10 }, lag: [[0, 5, 1]] },
  ...over,
})
const at = (secondsAgo: number, memberId: string, over: Partial<Sample> = {}) => ({
  at: new Date(NOW.getTime() - secondsAgo * 1_000),
  memberId,
  sample: sample(over),
})

test('two members in one slot: rates and buffers add up, the worst of the rest', () => {
  const rows = [
    at(9, 'a', { lag: [[0, 50, 7]], buffer: { records: 30, bytes: 1 } }),
    at(4, 'a'),
    at(8, 'b', { inserted: 0, latencyMs: null, lag: [[1, 3, 2]] }),
    at(3, 'b', { inserted: 400, retries: 2, lag: [[1, 1, 1]] }),
  ]
  const { points, stepMs } = historyOf(rows, { now: NOW, minutes: 1, points: 6 })
  expect(stepMs).toBe(10_000)
  expect(points).toHaveLength(6)
  expect(points.at(-1)).toEqual({
    ...{ at: NOW, members: 2, settledPerSecond: 60, inserted: 600, duplicates: 0, deadLettered: 0, ignored: 0 },
    perSecond: { inserted: 60, duplicates: 0, deadLettered: 0, flushes: { size: 0.4, bytes: 0, age: 0.4, drain: 0 } },
    ...{ flushes: { size: 4, bytes: 0, age: 4, drain: 0 }, flushRecords: 50, flushMs: { mean: 30, max: 40 } },
    ...{ limitRecords: 500, limitAgeMs: 10, latencyMs: { p50: 10, p99: 50 }, bufferRecords: 40, bufferBytes: 2_000 },
    ...{ retries: 2, lagRecords: 53, lagSeconds: 7, lag: [[0, 50, 7], [1, 3, 2]] }, // prettier-ignore
  })
})

test('samples every six seconds in slots of ten: a steady rate is a steady line, the newest slot too', () => {
  // At any second of a slot, and with one sample in it or two.
  for (let shift = 0; shift < 10; shift += 1) {
    const now = new Date(NOW.getTime() + shift * 1_000)
    const rows = Array.from({ length: 40 }, (_, i) => at(i * 6 - shift, 'a', { ms: 6_000, inserted: 600 })).reverse()
    const { points } = historyOf(rows, { now, minutes: 2, points: 12 })
    expect(points.map(({ perSecond }) => perSecond?.inserted)).toEqual(points.map(() => 100))
    expect(points.length).toBeGreaterThanOrEqual(11)
    expect(points.at(-1)?.at.getTime()).toBeLessThanOrEqual(now.getTime())
  }
})

test('a member that died: its partitions are nobody’s, so the lag is unknown, until somebody has them', () => {
  const both = (secondsAgo: number) => [at(secondsAgo, 'a', { lag: [[0, 5, 1]] }), at(secondsAgo, 'b', { lag: [[1, 90, 9]] })] // prettier-ignore
  const taken: Sample['lag'] = [[0, 5, 1], [1, 95, 12]] // prettier-ignore
  const rows = [...both(45), ...both(35), at(25, 'a'), at(15, 'a'), at(5, 'a', { lag: taken })]
  const { points } = historyOf(rows, { now: NOW, minutes: 1, points: 6 })
  expect(points.map(({ lagRecords }) => lagRecords)).toEqual([null, 95, 95, null, null, 100])
  expect(points.map(({ lagSeconds }) => lagSeconds)).toEqual([null, 9, 9, null, null, 12])
  expect(points[3]?.lag).toEqual([[0, 5, 1], [1, null, null]]) // prettier-ignore
})

test('an empty slot is there, and says that it knows nothing; unknown lag is no lag of 0', () => {
  const { points } = historyOf([at(35, 'a', { lag: [[0, null, null]] })], { now: NOW, minutes: 1, points: 6 })
  expect(points.map(({ members }) => members)).toEqual([0, 0, 1, 0, 0, 0])
  expect(points[0]).toMatchObject({
    settledPerSecond: null,
    lagRecords: null,
    lagSeconds: null,
    flushMs: null,
    bufferRecords: null,
  })
  expect(points[2]).toMatchObject({ settledPerSecond: 20, lagRecords: null, lagSeconds: null, lag: [[0, null, null]] })
})
