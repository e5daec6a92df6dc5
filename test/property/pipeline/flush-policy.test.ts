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
const steady = fc
  .tuple(fc.double({ min: 0, max: 2e6, noNaN: true }), fc.oneof(fc.constant(Infinity), fc.nat(10_000)))
  .map(([now, freeFor]) => ({ now, freeSince: now - freeFor, draining: false }))

test('no record waits longer than the age limit once the sink is free', () => {
  fc.assert(
    fc.property(state, limits, steady, (s, l, m) => {
      if (s.oldestAt !== null && m.now - s.oldestAt >= l.ageMs) expect(due(s, l, m)).not.toBeNull()
    }),
  )
})

test('what finds a sink that has rested for the age limit waits for nothing; what finds it just done waits', () => {
  const one = { records: 1, bytes: 100, full: null }
  const limits = { records: 100, bytes: 10_000, ageMs: 20 }
  const waits = (oldestAt: number, freeSince: number) =>
    msUntilDue({ ...one, oldestAt }, limits, { now: oldestAt, freeSince, draining: false })
  expect(waits(1_000, -Infinity)).toBe(0)
  expect(waits(1_000, 980)).toBe(0)
  expect(waits(1_000, 985)).toBe(5)
  expect(waits(1_000, 1_000)).toBe(20)
  // It came while the sink was in use, which it has been for longer than the limit.
  expect(msUntilDue({ ...one, oldestAt: 1_000 }, limits, { now: 1_050, freeSince: 1_050, draining: false })).toBe(0)
  fc.assert(
    // Whole milliseconds: `freeSince + ageMs` and `now - freeSince` are not rounded alike.
    fc.property(
      state,
      fc.integer({ min: 1, max: 5_000 }),
      fc.nat(2_000_000),
      fc.nat(10_000),
      (s, ageMs, now, freeFor) => {
        const oldestAt = now
        const freeSince = now - freeFor
        const limits = { records: Infinity, bytes: Infinity, ageMs }
        const moment = { now, freeSince, draining: false }
        if (s.full === null) expect(due({ ...s, oldestAt }, limits, moment)).toBe(freeFor >= ageMs ? 'age' : null)
      },
    ),
  )
})

test('waiting for msUntilDue makes it due', () => {
  fc.assert(
    fc.property(state, limits, steady, (s, l, m) => {
      const ms = msUntilDue(s, l, m)
      if (ms === null) expect(due(s, l, { ...m, draining: true })).toBeNull()
      // 1 ms: timers have that grain, and now + ms may round down by an ulp
      else expect(due(s, l, { ...m, now: m.now + ms + 1 })).not.toBeNull()
    }),
  )
})

test('what waits is flushed at once when draining, at its size, at its bytes, or when nothing more can arrive', () => {
  fc.assert(
    fc.property(state, limits, steady, (s, l, m) => {
      const draining = { ...m, draining: true }
      if (s.oldestAt === null) {
        expect(due(s, l, draining)).toBeNull()
        return
      }
      expect(due(s, l, draining)).toBe('drain')
      if (s.records >= l.records) expect(due(s, l, m)).toBe('size')
      else if (s.bytes >= l.bytes) expect(due(s, l, m)).toBe('bytes')
      else if (s.full) expect(due(s, l, m)).toBe(s.full === 'records' ? 'size' : 'bytes')
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
