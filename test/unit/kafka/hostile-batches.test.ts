// What a batch says that it holds is not believed: a few compressed kilobytes must not become gigabytes of records or headers.
import { describe, expect, test } from 'vitest'
import { decodeBatches, LIMITS } from '../../../src/kafka/decode-batches.ts'
import { encodeRecord, headersOf, MAX_HEADERS } from '../../../src/kafka/headers.ts'
import { DecoderOf } from '../../../src/kafka/kafkajs-internals.ts'
import '../../../src/kafka/patches.ts'
import type { OperatorError } from '../../../src/lib/operator-error.ts'
import { rawBatch, rawRecord, rawRecords, sealed } from '../../support/raw-batch.ts'

type Decoded = { offset: string; headers: object }

/** Partitions of one response, one after the other. */
const decodeAll = async (partitions: Buffer[][], limits = LIMITS): Promise<Decoded[][]> => {
  const sections = partitions.flatMap((batches) => {
    const body = Buffer.concat(batches)
    const length = Buffer.alloc(4)
    length.writeInt32BE(body.length)
    return [length, body]
  })
  const response = new DecoderOf(Buffer.concat(sections))
  const found: Decoded[][] = []
  for (const _ of partitions) found.push((await decodeBatches(response, limits)) as Decoded[])
  return found
}
const decode = async (batches: Buffer[], limits = LIMITS): Promise<Decoded[]> =>
  (await decodeAll([batches], limits))[0]!

/** The heap must not grow by more than `mebibytes` meanwhile, nor the event loop stand still for seconds. */
const bounded = async <T>(mebibytes: number, work: () => Promise<T>): Promise<T> => {
  const before = process.memoryUsage().heapUsed
  const result = await work()
  expect((process.memoryUsage().heapUsed - before) / 1_048_576).toBeLessThan(mebibytes)
  return result
}

const records = (count: number, headers: readonly (readonly [string, string])[] = []): Buffer =>
  Buffer.concat(
    Array.from(
      { length: count },
      (_, offsetDelta) =>
        encodeRecord({ offsetDelta, key: null, value: 'a value', headers: headersOf(headers) }).buffer,
    ),
  )

describe('what nobody sends by accident stops the member, named, before it takes its memory', () => {
  const THIRTY_MILLION = Buffer.alloc(60_000_000, Buffer.from([0, 1]))
  const headerBomb = () => {
    const start = Buffer.from([0, 0, 0, 1, 1])
    // Length and number of headers as varints, written out: 60,000,009 and 30,000,000.
    const length = Buffer.from([0x92, 0x9c, 0x9c, 0x39])
    const count = Buffer.from([0x80, 0x8e, 0xce, 0x1c])
    return rawBatch({
      body: Buffer.concat([length, start, count, THIRTY_MILLION]),
      count: 1,
      firstOffset: 7,
      gzip: true,
    })
  }

  test.each<[string, () => Buffer, string]>([
    ['one record of 30 million headers', headerBomb, 'a record has 30000000 headers, more than 100000'],
    [
      'many records of 60,000 headers',
      () => rawBatch({ body: Buffer.concat(Array.from({ length: 60 }, (_, i) => rawRecord(i, 60_000))), count: 60, firstOffset: 7, gzip: true }), // prettier-ignore
      'its headers would take more than 134217728 bytes of memory',
    ],
    [
      'a million records of 7 to 10 bytes',
      () => rawBatch({ body: rawRecords(1_000_000), count: 1_000_000, firstOffset: 7, gzip: true }),
      'its 1000000 records would take more than 134217728 bytes of memory',
    ],
    [
      'the same, not compressed',
      () => rawBatch({ body: rawRecords(1_000_000), count: 1_000_000, firstOffset: 7 }),
      'its 1000000 records would take more than 134217728 bytes of memory',
    ],
    [
      'a count that is a lie',
      () => rawBatch({ body: rawRecord(0), count: 300_000, firstOffset: 7 }),
      'it has no room for the 300000 records that it names',
    ],
    [
      'the same, compressed',
      () => rawBatch({ body: rawRecord(0), count: 300_000, firstOffset: 7, gzip: true }),
      'it has no room for the 300000 records that it names',
    ],
    [
      'a count of two thousand million',
      () => rawBatch({ body: rawRecord(0), count: 2_147_483_647, firstOffset: 7 }),
      'its 2147483647 records would take more than 134217728 bytes of memory',
    ],
    [
      // A name of length 0 and a value of length 0 can be read behind the end for ever.
      'a number of headers that is a lie',
      () => rawBatch({ body: Buffer.from([16, 0, 0, 0, 1, 1, 0x80, 0x89, 0x7a]), count: 1, firstOffset: 7 }),
      'a record has 1000000 headers, more than 100000',
    ],
  ])('%s', async (_, make, says) => {
    const batch = make()
    const error: unknown = await bounded(200, () => decode([batch]).catch((reason: unknown) => reason))
    expect((error as Error).message).toContain(`the record batch at offset 7 cannot be decoded: ${says}`)
    expect(error).toMatchObject({ name: 'KafkaJSNonRetriableError', retriable: false })
    expect((error as { cause: OperatorError }).cause.remedy).toMatch(/sluice offsets skip --partition <n> --offset 7 --through \d+ --reason/)
  }) // prettier-ignore

  test.each([
    [
      'cut off in a record',
      rawBatch({ body: rawRecord(0, 10).subarray(0, 20), count: 1 }),
      'a record of it is cut off',
    ],
    ['a record of length -1', rawBatch({ body: Buffer.alloc(7, 1), count: 1 }), 'a record of it is cut off'],
  ])('%s', async (_, batch, says) => {
    await expect(decode([batch])).rejects.toThrow(says)
  })

  test('a length that is malformed', async () => {
    const batch = rawBatch({ body: rawRecord(0), count: 1, firstOffset: 7 })
    batch.writeInt32BE(-100, 8)
    await expect(decode([sealed(batch)])).rejects.toThrow('its length is malformed')
  })
})

describe('what a legal producer sends is read', () => {
  test('100,000 small records in one batch, compressed or not', async () => {
    const body = records(100_000)
    for (const gzip of [false, true]) {
      const found = await decode([rawBatch({ body, count: 100_000, gzip })])
      expect([found.length, found.at(-1)?.offset]).toEqual([100_000, '99999'])
    }
  })

  test('1,000 headers on each of 100 records, and as many on one as there may be', async () => {
    const thousand = Array.from({ length: 1_000 }, (_, i) => [`name-${i}`, 'x'] as const)
    expect(await decode([rawBatch({ body: records(100, thousand), count: 100, gzip: true })])).toHaveLength(100)
    expect(await decode([rawBatch({ body: rawRecord(0, MAX_HEADERS), count: 1 })])).toHaveLength(1)
    await expect(decode([rawBatch({ body: rawRecord(0, MAX_HEADERS + 1), count: 1 })])).rejects.toThrow(
      '100001 headers',
    )
  })

  test('a batch that compaction emptied', async () => {
    expect(await decode([rawBatch({ body: Buffer.alloc(0), count: 0 })])).toEqual([])
  })
})

describe('one response', () => {
  /** Weighs 100 × 400 and its bytes: 41 kB and some. */
  const batch = (firstOffset: number) => rawBatch({ body: rawRecords(100), count: 100, firstOffset })
  const limits = { batch: 60_000, partition: 70_000, response: 100_000 }

  test('gives of each partition what its memory allows; what is too much now comes when it is the first', async () => {
    const found = await decodeAll([[batch(0), batch(100)], [batch(0)], [batch(0)], []], limits)
    expect(found.map(({ length }) => length)).toEqual([100, 100, 0, 0])
  })

  test('counts by itself', async () => {
    for (let i = 0; i < 3; i++) expect(await decodeAll([[batch(0)], [batch(0)]], limits)).toMatchObject([{ length: 100 }, { length: 100 }]) // prettier-ignore
  })

  test('a batch that is too heavy at any time is told when it is the first, not before', async () => {
    const heavy = rawBatch({ body: rawRecords(200), count: 200, firstOffset: 4 })
    expect((await decodeAll([[batch(0)], [heavy]], limits)).map(({ length }) => length)).toEqual([100, 0])
    await expect(decodeAll([[heavy], [batch(0)]], limits)).rejects.toThrow(
      'offset 4 cannot be decoded: its 200 records',
    )
  })

  test('an empty partition takes nothing from the next', async () => {
    const large = rawBatch({ body: rawRecords(140), count: 140 })
    expect((await decodeAll([[], [large]], { ...limits, response: 50_000 })).map(({ length }) => length)).toEqual([
      0, 140,
    ])
  })
})
