import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pack, unpack } from '../../../src/kafka/packed-records.ts'

const bytes = fc.option(fc.uint8Array({ maxLength: 50 }).map((array) => Buffer.from(array)))

test('records come out of a pack as they went in: order, bytes, and null apart from empty', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ key: bytes, value: bytes }), { maxLength: 30 }), (records) => {
      expect(unpack(pack(records))).toEqual(records)
    }),
  )
})
