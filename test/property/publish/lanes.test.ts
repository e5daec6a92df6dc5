import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLanes } from '../../../src/publish/lanes.ts'
import { linesOf } from '../../../src/publish/lines.ts'
import type { OutgoingRecord } from '../../../src/publish/row.ts'

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await Promise.resolve()
}

test('records of one key never overtake each other, none is lost or doubled, and sends stay within their limits', async () => {
  const keys = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 300 })
  const delays = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(keys, delays, async (numbers, waits) => {
      const landed: OutgoingRecord[] = []
      let sends = 0
      const lanes = createLanes({
        lanes: 3,
        maxRecords: 5,
        maxBytes: 500,
        send: async (records) => {
          expect(records.length).toBeLessThanOrEqual(5)
          await turns(waits[sends++ % waits.length] ?? 0)
          landed.push(...records)
        },
      })
      for (const [at, number] of numbers.entries()) {
        await lanes.offer({ key: Buffer.from(String(number)), value: Buffer.from(String(at)) })
        if (at % 17 === 0) lanes.flush()
      }
      await lanes.drain()
      expect(landed).toHaveLength(numbers.length)
      expect(lanes.acknowledged()).toBe(numbers.length)
      const byKey = new Map<string, number[]>()
      for (const { key, value } of landed) byKey.set(String(key), [...(byKey.get(String(key)) ?? []), Number(value)])
      for (const order of byKey.values()) expect(order).toEqual(order.toSorted((a, b) => a - b))
    }),
  )
})

test('lines do not depend on how the bytes arrive', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\n', '\r\n', 'é', ' '), maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (whole, size) => {
      const bytes = Buffer.from(whole)
      async function* chunks(): AsyncGenerator<Buffer> {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
      }
      const lines: (string | null)[] = []
      for await (const some of linesOf(chunks(), 12))
        lines.push(...some.map(({ bytes: line }) => line && line.toString()))
      const expected = whole.split('\n')
      if (expected.at(-1) === '') expected.pop()
      const short = (line: string): string | null =>
        Buffer.byteLength(line) > 12 ? null : line.endsWith('\r') ? line.slice(0, -1) : line
      expect(lines).toEqual(expected.map((line) => short(line)))
    }),
  )
})
