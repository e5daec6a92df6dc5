import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createBuffer } from '../../../src/pipeline/buffer.ts'
import type { Batch } from '../../../src/pipeline/sink.ts'
import { entry } from '../../support/records.ts'

const CAPACITY = { records: 12, bytes: 1_000 }
const PARTITIONS = [0, 1, 2, 3]

/** What a source and a sink may do to the buffer, in any order. */
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('offer' as const),
      partition: fc.constantFrom(...PARTITIONS),
      bytes: fc.integer({ min: 1, max: 1_500 }),
      gap: fc.integer({ min: 0, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('advance' as const),
      partition: fc.constantFrom(...PARTITIONS),
      by: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('take' as const),
      lane: fc.nat(1),
      records: fc.integer({ min: 1, max: 8 }),
      bytes: fc.integer({ min: 1, max: 900 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('release' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('revoke' as const), partition: fc.constantFrom(...PARTITIONS) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('purge' as const),
      partition: fc.constantFrom(...PARTITIONS),
      ahead: fc.integer({ min: -2, max: 5 }),
    }),
  },
)
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never

/** Replays actions on a buffer beside a model: for every partition the offsets that were pushed and not yet taken. */
function replay(actions: Action[], check: (state: { held: { records: number; bytes: number } }) => void) {
  const buffer = createBuffer<null>(CAPACITY, 2)
  const waiting = new Map<number, bigint[]>()
  const taken = new Map<number, bigint>()
  const inFlight: Batch<null>[] = []
  for (const partition of PARTITIONS) {
    buffer.assign(partition, 0n)
    waiting.set(partition, [])
    taken.set(partition, 0n)
  }
  for (const act of actions) {
    if (act.type === 'offer') {
      const offset = buffer.next(act.partition)! + BigInt(act.gap)
      if (!buffer.fits(act.bytes)) continue
      buffer.push(entry(act.partition, offset, act.bytes))
      waiting.get(act.partition)!.push(offset)
    } else if (act.type === 'advance') {
      buffer.advance(act.partition, buffer.next(act.partition)! + BigInt(act.by), 0)
    } else if (act.type === 'take') {
      const batch = buffer.take(act.lane, act, 'size')
      inFlight.push(batch)
      // limits: one record always fits, more only within both
      if (batch.entries.length > 1) {
        expect(batch.entries.length).toBeLessThanOrEqual(act.records)
        expect(batch.bytes).toBeLessThanOrEqual(act.bytes)
      }
      for (const { partition, from, to } of batch.parts) {
        const offsets = batch.entries.filter((e) => e.record.partition === partition).map((e) => e.record.offset)
        const expected = waiting.get(partition)!.splice(0, offsets.length)
        expect(offsets).toEqual(expected) // order kept, nothing lost or repeated
        expect(from).toBe(taken.get(partition)) // parts join without a gap
        for (const offset of offsets) expect(offset >= from && offset < to).toBe(true)
        expect(waiting.get(partition)!.every((offset) => offset >= to)).toBe(true)
        taken.set(partition, to)
      }
      const named = new Set(batch.parts.map((part) => part.partition))
      expect(batch.entries.every((e) => named.has(e.record.partition))).toBe(true)
    } else if (act.type === 'release') {
      const batch = inFlight.shift()
      if (batch) buffer.release({ records: batch.entries.length, bytes: batch.bytes })
    } else if (act.type === 'revoke') {
      buffer.revoke(act.partition)
      const position = taken.get(act.partition)! + 7n
      buffer.assign(act.partition, position)
      waiting.set(act.partition, [])
      taken.set(act.partition, position)
    } else {
      const position = taken.get(act.partition)! + BigInt(act.ahead)
      buffer.purge(act.partition, position)
      if (act.ahead > 0) {
        waiting.set(
          act.partition,
          waiting.get(act.partition)!.filter((offset) => offset >= position),
        )
        taken.set(act.partition, position)
      }
    }
    const held = [...waiting.values()].flat().length + inFlight.reduce((sum, batch) => sum + batch.entries.length, 0)
    expect(buffer.held.records).toBe(held)
    check(buffer)
  }
  return { buffer, waiting, taken }
}

test('held never exceeds the capacity, but for one record that is larger than all of it, alone', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      replay(actions, ({ held }) => {
        expect(held.records).toBeLessThanOrEqual(CAPACITY.records)
        if (held.records > 1) expect(held.bytes).toBeLessThanOrEqual(CAPACITY.bytes)
        expect(held.bytes).toBeGreaterThanOrEqual(0)
      })
    }),
    { numRuns: 500 },
  )
})

test('nothing is lost or repeated, order is kept, parts join without a gap, and draining empties it', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      const { buffer, waiting, taken } = replay(actions, () => {})
      for (const lane of [0, 1]) {
        while (buffer.lane(lane).oldestAt !== null) {
          const batch = buffer.take(lane, { records: 5, bytes: 500 }, 'drain')
          for (const { partition, to } of batch.parts) taken.set(partition, to)
          for (const { record } of batch.entries) expect(waiting.get(record.partition)!.shift()).toBe(record.offset)
        }
      }
      expect([...waiting.values()].flat()).toEqual([])
      for (const partition of PARTITIONS) expect(taken.get(partition)).toBe(buffer.next(partition))
    }),
    { numRuns: 500 },
  )
})

test('a record larger than the byte capacity passes, alone', () => {
  const buffer = createBuffer<null>(CAPACITY)
  buffer.assign(0, 0n)
  expect(buffer.fits(5_000)).toBe(true)
  buffer.push(entry(0, 0n, 5_000))
  expect(buffer.fits(1)).toBe(false)
  const batch = buffer.take(0, { records: 10, bytes: 10 }, 'bytes')
  expect(batch.entries).toHaveLength(1)
  expect(buffer.fits(1)).toBe(false) // still held while in flight
  buffer.release({ records: 1, bytes: 5_000 })
  expect(buffer.fits(1)).toBe(true)
})
