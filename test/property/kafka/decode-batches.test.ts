import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HEADER_COST, RECORD_COST } from '../../../src/kafka/decode-batch.ts'
import { decodeBatches } from '../../../src/kafka/decode-batches.ts'
import { encodeRecord, headersOf } from '../../../src/kafka/headers.ts'
import { DecoderOf } from '../../../src/kafka/kafkajs-internals.ts'
import { headerPairs } from '../../../src/kafka/patches.ts'
import { rawBatch } from '../../support/raw-batch.ts'

type Decoded = { offset: string; value: Buffer | null; headers: object }
type Batch = { bytes: Buffer; first: number; next: number }

const weightOf = (records: readonly Decoded[]) =>
  records.reduce((sum, record) => sum + RECORD_COST + headerPairs(record).length * HEADER_COST, 0)

/** A fetch of all partitions at their positions, in this order. */
const fetchAll = async (logs: readonly Batch[][], positions: readonly number[], order: readonly number[], limits: Limits) => {
  const sections = order.flatMap((partition) => {
    const body = Buffer.concat(logs[partition]!.filter(({ next }) => next > positions[partition]!).map(({ bytes }) => bytes))
    const length = Buffer.alloc(4)
    length.writeInt32BE(body.length)
    return [length, body]
  })
  const response = new DecoderOf(Buffer.concat(sections))
  const found = new Map<number, Decoded[]>()
  for (const partition of order) found.set(partition, (await decodeBatches(response, limits)) as Decoded[])
  return found
} // prettier-ignore
type Limits = { batch: number; partition: number; response: number }

const record = fc.record({ value: fc.uint8Array({ maxLength: 40 }), headers: fc.nat({ max: 6 }) })
const log = fc.array(fc.record({ records: fc.array(record, { minLength: 1, maxLength: 8 }), gzip: fc.boolean() }), { maxLength: 6 }) // prettier-ignore

const logOf = (batches: { records: { value: Uint8Array; headers: number }[]; gzip: boolean }[]): Batch[] => {
  let first = 0
  return batches.map(({ records, gzip }) => {
    const encoded = records.map(({ value, headers }, offsetDelta) => {
      const pairs = Array.from({ length: headers }, () => ['h', null] as const)
      return encodeRecord({ offsetDelta, key: null, value: Buffer.from(value), headers: headersOf(pairs) }).buffer
    })
    const batch = rawBatch({ body: Buffer.concat(encoded), count: records.length, firstOffset: first, gzip })
    first += records.length
    return { bytes: batch, first: first - records.length, next: first }
  })
}

test('what partitions hold is read in order and whole, whatever fits into one response, and none waits for ever', async () => {
  // Above the weight of any batch that can come, or it would be unreadable.
  const heaviest = 8 * (RECORD_COST + 6 * HEADER_COST + 100)
  const limits = fc.record({ partition: fc.integer({ min: 1, max: 3 * heaviest }), response: fc.integer({ min: 1, max: 3 * heaviest }) }) // prettier-ignore
  await fc.assert(
    fc.asyncProperty(fc.array(log, { minLength: 1, maxLength: 4 }), limits, async (partitions, some) => {
      const logs = partitions.map(logOf)
      const positions = logs.map(() => 0)
      const limits = { ...some, batch: heaviest }
      const batches = logs.flat().length
      const behind = () => logs.some((each, partition) => (each.at(-1)?.next ?? 0) > positions[partition]!)
      for (let turn = 0; behind(); turn++) {
        // Of as many fetches as there are partitions each is the first once, and gives a batch.
        expect(turn).toBeLessThan(logs.length * (batches + 1))
        const order = logs.map((_, i) => (i + turn) % logs.length)
        const found = await fetchAll(logs, positions, order, limits)
        expect(weightOf([...found.values()].flat())).toBeLessThanOrEqual(Math.max(heaviest, limits.response))
        for (const [partition, records] of found)
          for (const { offset, value } of records) {
            const expected = partitions[partition]!.flatMap(({ records }) => records)[Number(offset)]!
            expect([Number(offset), value]).toEqual([positions[partition], Buffer.from(expected.value)])
            positions[partition]! += 1
          }
      }
    }),
    { numRuns: 60 },
  )
})

test('whatever bytes a batch holds and whatever it says of them, it takes no more memory than it may', async () => {
  const limits = { batch: 20_000, partition: 20_000, response: 20_000 }
  const varints = fc.constantFrom(0, 1, 2, 3, 12, 0x7f, 0x80, 0xff)
  const body = fc.array(varints, { maxLength: 400 }).map((bytes) => Buffer.from(bytes))
  const count = fc.oneof(fc.nat({ max: 60 }), fc.integer({ min: -5, max: 2 ** 31 - 1 }))
  await fc.assert(
    fc.asyncProperty(body, count, fc.boolean(), async (body, count, gzip) => {
      const batch = rawBatch({ body, count, gzip })
      const length = Buffer.alloc(4)
      length.writeInt32BE(batch.length)
      const decoder = new DecoderOf(Buffer.concat([length, batch]))
      const found = await decodeBatches(decoder, limits).catch((error: unknown) => error)
      if (found instanceof Error) expect(found.message).toContain('the record batch at offset 0 cannot be decoded')
      else expect(weightOf(found as Decoded[])).toBeLessThanOrEqual(limits.batch)
    }),
    { numRuns: 500 },
  )
})
