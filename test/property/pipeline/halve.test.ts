import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createBuffer } from '../../../src/pipeline/buffer.ts'
import { halve } from '../../../src/pipeline/halve.ts'
import { entry } from '../../support/records.ts'

const arrival = fc.record({ partition: fc.nat(3), gap: fc.nat(2), tail: fc.nat(2) })

test('two halves settle the records and offsets of the whole, in its order, and both are smaller', () => {
  fc.assert(
    fc.property(fc.array(arrival, { minLength: 2, maxLength: 40 }), (arrivals) => {
      const buffer = createBuffer<null>({ records: 100, bytes: 1e6 })
      for (const partition of [0, 1, 2, 3]) buffer.assign(partition, 10n)
      for (const { partition, gap, tail } of arrivals) {
        buffer.push(entry(partition, buffer.next(partition)! + BigInt(gap)))
        buffer.advance(partition, buffer.next(partition)! + BigInt(tail), 0)
      }
      const whole = buffer.take(0, { records: 100, bytes: 1e6 }, 'size')
      const [first, second] = halve(whole)
      expect([...first.entries, ...second.entries]).toEqual(whole.entries)
      expect(first.bytes + second.bytes).toBe(whole.bytes)
      expect(Math.abs(first.entries.length - second.entries.length)).toBeLessThanOrEqual(1)
      for (const { partition, from, to } of whole.parts) {
        const parts = [...first.parts, ...second.parts].filter((part) => part.partition === partition)
        expect(parts[0]!.from).toBe(from)
        expect(parts.at(-1)!.to).toBe(to)
        if (parts.length === 2) expect(parts[0]!.to).toBe(parts[1]!.from)
      }
      for (const half of [first, second]) {
        for (const { record } of half.entries) {
          const part = half.parts.find(({ partition }) => partition === record.partition)!
          expect(record.offset >= part.from && record.offset < part.to).toBe(true)
        }
      }
    }),
  )
})
