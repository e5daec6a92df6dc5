import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Batch, Entry } from '../../../src/pipeline/sink.ts'
import { judge } from '../../../src/sink/parts.ts'
import { createTally } from '../../../src/sink/tally.ts'

/** One partition: [from, to), which of its offsets hold a record, and where the database stands. */
const part = fc
  .record({
    from: fc.nat(50),
    length: fc.integer({ min: 1, max: 30 }),
    next: fc.nat(100),
    gaps: fc.infiniteStream(fc.boolean()),
  })
  .map(({ from, length, next, gaps }) => {
    const offsets = Array.from({ length }, (_, i) => BigInt(from + i)).filter(() => gaps.next().value as boolean)
    return { from: BigInt(from), to: BigInt(from + length), next: BigInt(next), offsets }
  })
const parts = fc.array(part, { minLength: 1, maxLength: 4 })

const batchOf = (all: { from: bigint; to: bigint; offsets: bigint[] }[]): Batch<null> => ({
  parts: all.map(({ from, to }, partition) => ({ partition, from, to })),
  entries: all.flatMap(({ offsets }, partition) =>
    offsets.map((offset): Entry<null> => {
      const record = { partition, offset, timestamp: 0, key: null, value: null, headers: [] }
      return { record, decoded: null, bytes: 0, arrivedAt: 0 }
    }),
  ),
  reason: 'size',
  bytes: 0,
})

describe('a batch against the offset rows', () => {
  it('is written exactly where the database stands inside a part, and nowhere else', () => {
    fc.assert(
      fc.property(parts, (all) => {
        const judged = judge(batchOf(all), new Map(all.map(({ next }, p) => [p, next])))
        all.forEach(({ from, to, next, offsets }, partition) => {
          const inside = next >= from && next < to
          expect(judged.positions.get(partition)).toBe(inside ? to : next)
          expect(judged.parts.filter((p) => p.partition === partition)).toEqual(
            inside ? [{ partition, from: next, to }] : [],
          )
          const kept = judged.entries.filter(({ record }) => record.partition === partition)
          expect(kept.map(({ record }) => record.offset)).toEqual(inside ? offsets.filter((o) => o >= next) : [])
        })
      }),
    )
  })

  it('accounts for every offset it moves over', () => {
    fc.assert(
      fc.property(parts, (all) => {
        const { parts: written, entries } = judge(batchOf(all), new Map(all.map(({ next }, p) => [p, next])))
        const tally = createTally(written)
        entries.forEach(({ record }, i) => tally.add(i % 2 ? 'ignored' : 'inserted', record.partition))
        tally.advances(new Map()).forEach(({ partition, to, inserted, duplicate, deadLettered, ignored, absent }) => {
          const from = written.find((p) => p.partition === partition)!.from
          expect(BigInt(inserted + duplicate + deadLettered + ignored) + absent).toBe(to - from)
          expect(absent).toBeGreaterThanOrEqual(0n)
        })
      }),
    )
  })
})
