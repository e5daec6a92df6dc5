import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createBuffer } from '../../../src/pipeline/buffer.ts'
import { cut } from '../../../src/pipeline/cut.ts'
import { entry } from '../../support/records.ts'

const arrival = fc.record({ partition: fc.nat(3), gap: fc.nat(2), tail: fc.nat(2) })

test('the pieces settle the records and offsets of the whole, in its order, and are as small as asked for', () => {
  fc.assert(
    fc.property(
      fc.array(arrival, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 50 }),
      (arrivals, size) => {
        const buffer = createBuffer<null>({ records: 100, bytes: 1e6 })
        for (const partition of [0, 1, 2, 3]) buffer.assign(partition, 10n)
        for (const { partition, gap, tail } of arrivals) {
          buffer.push(entry(partition, buffer.next(partition)! + BigInt(gap)))
          buffer.advance(partition, buffer.next(partition)! + BigInt(tail), 0)
        }
        const whole = buffer.take(0, { records: 100, bytes: 1e6 }, 'size')
        const pieces = cut(whole, size)
        expect(pieces.flatMap(({ entries }) => entries)).toEqual(whole.entries)
        expect(pieces.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(whole.bytes)
        for (const piece of pieces) expect(piece.entries.length).toBeLessThanOrEqual(size)
        expect(pieces).toHaveLength(Math.ceil(whole.entries.length / size))
        for (const { partition, from, to } of whole.parts) {
          const parts = pieces.flatMap((piece) => piece.parts.filter((part) => part.partition === partition))
          expect(parts[0]!.from).toBe(from)
          expect(parts.at(-1)!.to).toBe(to)
          parts.slice(1).forEach((part, i) => expect(part.from).toBe(parts[i]!.to))
        }
        for (const piece of pieces) {
          for (const { record } of piece.entries) {
            const part = piece.parts.find((each) => each.partition === record.partition)!
            expect(record.offset >= part.from && record.offset < part.to).toBe(true)
          }
        }
      },
    ),
  )
})
