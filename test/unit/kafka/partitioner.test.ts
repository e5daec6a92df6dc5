import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPartitioner, murmur2 } from '../../../src/kafka/partitioner.ts'

const theirs = createRequire(import.meta.url)('kafkajs/src/producer/partitioners/default/murmur2.js') as (
  key: Buffer,
) => number
const partitionMetadata = [3, 2, 1, 0].map((partitionId) => ({
  ...{ partitionErrorCode: 0, partitionId, leader: partitionId === 2 ? -1 : 1, replicas: [1], isr: [1] },
}))
const place = (message: { key: Buffer | string | null; partition?: number }, choose = createPartitioner()) =>
  choose({ topic: 't', partitionMetadata, message: { value: null, ...message } })

describe('murmur2', () => {
  // From kafka-clients: UtilsTest.testMurmur2.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ])('of %s is that of Java', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash)
  })

  test('of any bytes is that of kafkajs', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect(murmur2(Buffer.from(bytes))).toBe(theirs(Buffer.from(bytes)))
      }),
      { numRuns: 2_000 },
    )
  })

  test('of a megabyte costs milliseconds (kafkajs: minutes, in which no heartbeat goes out)', () => {
    const began = performance.now()
    murmur2(Buffer.alloc(1_048_576, 0xa7))
    expect(performance.now() - began).toBeLessThan(500)
  })
})

describe('the partition', () => {
  test('that is given is taken, a key decides by its bytes', () => {
    expect(place({ key: 'a', partition: 3 })).toBe(3)
    // Computed by Utils.toPositive(Utils.murmur2(key)) % 4 of kafka-clients 4.3.1.
    expect(['C536379', 'ß', 'a', 'invoice-1', '536365'].map((key) => place({ key }))).toEqual([0, 2, 0, 3, 2])
    expect(place({ key: Buffer.from('ß') })).toBe(2)
  })

  test('of records without a key: those with a leader, in turn', () => {
    const choose = createPartitioner()
    const chosen = Array.from({ length: 6 }, () => place({ key: null }, choose))
    expect(new Set(chosen)).toEqual(new Set([0, 1, 3]))
    expect(chosen.slice(3)).toEqual(chosen.slice(0, 3))
  })
})
