import fc from 'fast-check'
import { expect, test } from 'vitest'
import { due, msUntilDue } from '../../../src/pipeline/flush-policy.ts'
import { initialLimits, step } from '../../../src/pipeline/limits.ts'
import { backoffMs } from '../../../src/pipeline/backoff.ts'

const state = fc.record({
  records: fc.nat(5_000),
  bytes: fc.nat(100_000),
  oldestAt: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
  full: fc.constantFrom(null, 'records' as const, 'bytes' as const),
})
const limits = fc.record({
  records: fc.integer({ min: 1, max: 5_000 }),
  bytes: fc.integer({ min: 1, max: 100_000 }),
  ageMs: fc.integer({ min: 0, max: 5_000 }),
})
const now = fc.double({ min: 0, max: 2e6, noNaN: true })

test('no record waits longer than the age limit once the sink is free', () => {
  fc.assert(
    fc.property(state, limits, now, (s, l, t) => {
      if (s.oldestAt !== null && t - s.oldestAt >= l.ageMs) expect(due(s, l, false, t)).not.toBeNull()
    }),
  )
})

test('waiting for msUntilDue makes it due', () => {
  fc.assert(
    fc.property(state, limits, now, (s, l, t) => {
      const ms = msUntilDue(s, l, t)
      if (ms === null) expect(due(s, l, true, t)).toBeNull()
      // 1 ms: timers have that grain, and t + ms may round down by an ulp
      else expect(due(s, l, false, t + ms + 1)).not.toBeNull()
    }),
  )
})

test('what waits is flushed at once when draining, at its size, at its bytes, or when nothing more can arrive', () => {
  fc.assert(
    fc.property(state, limits, now, (s, l, t) => {
      if (s.oldestAt === null) {
        expect(due(s, l, true, t)).toBeNull()
        return
      }
      expect(due(s, l, true, t)).toBe('drain')
      if (s.records >= l.records) expect(due(s, l, false, t)).toBe('size')
      else if (s.bytes >= l.bytes) expect(due(s, l, false, t)).toBe('bytes')
      else if (s.full) expect(due(s, l, false, t)).toBe(s.full === 'records' ? 'size' : 'bytes')
    }),
  )
})

const bounds = fc.record({
  maxRecords: fc.integer({ min: 1, max: 20_000 }),
  maxBytes: fc.constant(1_000_000),
  minAgeMs: fc.integer({ min: 1, max: 50 }),
  maxAgeMs: fc.integer({ min: 50, max: 5_000 }),
  targetMs: fc.integer({ min: 10, max: 1_000 }),
})
const observation = fc.record({
  durationMs: fc.double({ min: 0.1, max: 20_000, noNaN: true }),
  backlog: fc.boolean(),
  failed: fc.boolean(),
})

test('limits stay within their bounds, whatever is observed', () => {
  fc.assert(
    fc.property(bounds, fc.array(observation, { maxLength: 200 }), (b, seen) => {
      let l = initialLimits(b)
      for (const o of seen) {
        l = step(l, o, b)
        expect(l.records).toBeGreaterThanOrEqual(1)
        expect(l.records).toBeLessThanOrEqual(b.maxRecords)
        expect(l.ageMs).toBeGreaterThanOrEqual(b.minAgeMs)
        expect(l.ageMs).toBeLessThanOrEqual(b.maxAgeMs)
        expect(Number.isInteger(l.records)).toBe(true)
      }
    }),
  )
})

test('a slow or failed batch halves the size limit, down to a floor; a fast one in a backlog raises it; else it stays', () => {
  fc.assert(
    fc.property(bounds, observation, fc.integer({ min: 1, max: 20_000 }), (b, o, r) => {
      const records = Math.min(r, b.maxRecords)
      const after = step({ ...initialLimits(b), records }, o, b).records
      const floor = o.failed ? 16 : 1_000
      if (o.failed || o.durationMs > b.targetMs) {
        expect(after).toBe(Math.min(records, Math.max(floor, Math.floor(records / 2))))
      } else if (!o.backlog) expect(after).toBe(records)
      else expect(after).toBeGreaterThan(Math.min(records, b.maxRecords - 1))
    }),
  )
})

test('the size limit settles where a flush takes about the target time', () => {
  const b = { maxRecords: 50_000, maxBytes: 1e9, minAgeMs: 5, maxAgeMs: 1_000, targetMs: 200 }
  let l = initialLimits(b)
  const sizes: number[] = []
  for (let i = 0; i < 200; i += 1) {
    // a database that writes 50 records a millisecond: the target is met at 10,000
    l = step(l, { durationMs: l.records / 50, backlog: true, failed: false }, b)
    if (i > 50) sizes.push(l.records)
  }
  expect(Math.max(...sizes)).toBeLessThanOrEqual(12_500)
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(5_000)
})

test('backoff grows, is jittered, and never exceeds two seconds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (n, r) => {
        const ms = backoffMs(n, () => r)
        expect(ms).toBeGreaterThanOrEqual(50)
        expect(ms).toBeLessThanOrEqual(2_000)
      },
    ),
  )
  expect(backoffMs(1, () => 0)).toBeLessThan(backoffMs(4, () => 0))
})
