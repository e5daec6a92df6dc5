import { readdir, readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { gunzip, MAX_DECOMPRESSED_BYTES } from '../../../src/kafka/codecs.ts'
import { crc32c } from '../../../src/kafka/crc32c.ts'
import { decodeBatches, LIMITS } from '../../../src/kafka/decode-batches.ts'
import { assertKafkajs, CHECKSUMS } from '../../../src/kafka/guard.ts'
import { encodeRecord, headersOf, type HeaderOut } from '../../../src/kafka/headers.ts'
import { DecoderOf, internal, type Encoder } from '../../../src/kafka/kafkajs-internals.ts'
import { applyPatches, headerPairs } from '../../../src/kafka/patches.ts'
import { OperatorError } from '../../../src/lib/operator-error.ts'

type Decoded = { offset: string; key: Buffer | null; value: Buffer | null; headers: Record<string, unknown> }
type EncodeBatch = (options: object) => Promise<Encoder>
const { RecordBatch } = internal('src/protocol/recordBatch/v0/index.js') as { RecordBatch: EncodeBatch }

const GZIP = 1
const batchOf = async (records: Encoder[], { compression = 0, firstOffset = 0 } = {}): Promise<Buffer> =>
  (await RecordBatch({ compression, records, firstOffset, lastOffsetDelta: records.length - 1 })).buffer

/** As a partition of a fetch response holds them: length, then batches. */
const decode = async (batches: Buffer[], partition?: number): Promise<Decoded[]> => {
  const body = Buffer.concat(batches)
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  const limits = partition === undefined ? LIMITS : { ...LIMITS, partition }
  return (await decodeBatches(new DecoderOf(Buffer.concat([length, body])), limits)) as Decoded[]
}

const record = (value: string, headers: readonly HeaderOut[] = [], offsetDelta = 0): Encoder =>
  encodeRecord({ offsetDelta, key: null, value, headers: headersOf(headers) })

const roundTrip = async (headers: readonly HeaderOut[]): Promise<Decoded> => {
  const [decoded] = await decode([await batchOf([record('v', headers)])])
  if (!decoded) throw new Error('no record came back')
  return decoded
}

describe('headers', () => {
  test('repeated names, order, bytes and nulls survive both ways', async () => {
    const sent: HeaderOut[] = [
      ['b', Buffer.from([0, 255, 128])],
      ['10', Buffer.from('x')],
      ['b', null],
      ['2', Buffer.alloc(0)],
      ['b', Buffer.from('ß')],
      ['', Buffer.from('no name')],
    ]
    expect(headerPairs(await roundTrip(sent))).toEqual(sent)
  })

  test('names of Object.prototype are names like any other', async () => {
    const sent: HeaderOut[] = ['__proto__', 'constructor', 'toString', '__proto__'].map((name, i) => [
      name,
      Buffer.from([i]),
    ])
    const decoded = await roundTrip(sent)
    expect(headerPairs(decoded)).toEqual(sent)
    expect(decoded.headers['constructor']).toEqual(Buffer.from([1]))
    expect(decoded.headers['__proto__']).toEqual([Buffer.from([0]), Buffer.from([3])])
    expect(Object.prototype).not.toHaveProperty('0')
  })

  test('10,000 headers cost linear time (unpatched: tens of seconds)', async () => {
    const sent: HeaderOut[] = Array.from({ length: 10_000 }, (_, i) => [`name-${i}`, Buffer.from('x')])
    const started = performance.now()
    expect(headerPairs(await roundTrip(sent))).toHaveLength(10_000)
    expect(performance.now() - started).toBeLessThan(1_000)
  })

  test('10,000 times the same name, too', async () => {
    const sent: HeaderOut[] = Array.from({ length: 10_000 }, (_, i) => ['same', Buffer.from(String(i))])
    const started = performance.now()
    expect(headerPairs(await roundTrip(sent))[9_999]?.[1]?.toString()).toBe('9999')
    expect(performance.now() - started).toBeLessThan(1_000)
  })

  test('a name that is not UTF-8 keeps its bytes both ways, and is no other name', async () => {
    const broken = Buffer.from([0x61, 0xff, 0xc3, 0x28, 0x00])
    const name = 'a\udcff\udcc3(\0'
    const sent: HeaderOut[] = [
      [name, Buffer.from('1')],
      ['a\uFFFD\uFFFD(\0', Buffer.from('2')],
      ['ÿ\u{1F600}', null],
    ]
    expect(record('v', sent).buffer.includes(broken)).toBe(true)
    expect(headerPairs(await roundTrip(sent))).toEqual(sent)
  })

  test('a record without headers has none', async () => {
    expect(headerPairs(await roundTrip([]))).toEqual([])
  })

  test('headers that did not come through the patch are refused, not silently empty', () => {
    expect(() => headerPairs({ headers: { a: Buffer.from('x') } })).toThrow('patch is not in place')
  })
})

describe('batches', () => {
  test('150,000 records in one compressed batch decode (unpatched: stack overflow, the consumer stops for good)', async () => {
    const records = Array.from({ length: 150_000 }, (_, i) => record('', [], i))
    const decoded = await decode([await batchOf(records, { compression: GZIP })])
    expect(decoded).toHaveLength(150_000)
    expect(decoded.at(-1)?.offset).toBe('149999')
  })

  test('a fetch gives batch after batch until enough is decoded; the first always', async () => {
    const batches = await Promise.all(
      [0, 1, 2].map((firstOffset) => batchOf([record('x'.repeat(1_000))], { firstOffset })),
    )
    expect((await decode(batches)).map(({ offset }) => offset)).toEqual(['0', '1', '2'])
    expect((await decode(batches, 3_000)).map(({ offset }) => offset)).toEqual(['0', '1'])
    expect((await decode(batches, 1)).map(({ offset }) => offset)).toEqual(['0'])
  })

  test('a batch that the response cuts off waits for the next fetch', async () => {
    const [first, second] = await Promise.all(
      [0, 1].map((firstOffset) => batchOf([record('x'.repeat(200))], { firstOffset })),
    )
    expect(await decode([first!, second!.subarray(0, 150)])).toHaveLength(1)
  })

  test('an unreadable batch is named by its offset, and is not retried', async () => {
    const batch = await batchOf([record('value')], { compression: GZIP, firstOffset: 77 })
    batch.fill(0xaa, 66)
    const error: unknown = await decode([batch]).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'KafkaJSNonRetriableError', retriable: false })
    expect((error as Error).cause).toBeInstanceOf(OperatorError)
    expect((error as Error).message).toContain('offset 77')
  })

  test('what is before an unreadable batch is taken; then the batch itself is told', async () => {
    const good = await batchOf([record('good')], { firstOffset: 3 })
    const bad = await batchOf([record('bad'), record('bad', [], 1)], { firstOffset: 4 })
    bad[70]! ^= 1
    expect((await decode([good, bad])).map(({ offset }) => offset)).toEqual(['3'])
    const error: unknown = await decode([bad, good]).catch((reason: unknown) => reason)
    expect((error as { cause: OperatorError }).cause.remedy).toContain('--offset 4 --through 5 --reason')
  })

  test.each([21, 40, 61, 75])('a batch with one bit changed at byte %i is not read', async (at) => {
    const batch = await batchOf([record('a value that is long enough')], { firstOffset: 5 })
    expect(await decode([batch])).toHaveLength(1)
    batch[at]! ^= 4
    await expect(decode([batch])).rejects.toThrow('offset 5 cannot be decoded: its checksum is wrong')
  })

  test('a codec that is not known is not taken for none', async () => {
    const batch = await batchOf([record('value')], { firstOffset: 6 })
    batch.writeInt16BE(5, 21)
    batch.writeUInt32BE(crc32c(batch, 21), 17)
    await expect(decode([batch])).rejects.toThrow('compressed with a codec that is not known here (5)')
  })

  test('the checksum is that of the standard, at any length and place', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
    expect(crc32c(Buffer.from('xx123456789x'), 2, 11)).toBe(0xe3069283)
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
    expect(crc32c(Buffer.alloc(0))).toBe(0)
  })

  test('a gzip bomb stops at the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(MAX_DECOMPRESSED_BYTES + 1), { level: 1 })
    expect(bomb.length).toBeLessThan(500_000)
    await expect(gunzip(bomb)).rejects.toThrow('larger than 67108864 bytes')
  })

  test('the limit is exact', async () => {
    const zipped = gzipSync(Buffer.alloc(1_000))
    expect(await gunzip(zipped, 1_000)).toHaveLength(1_000)
    await expect(gunzip(zipped, 999)).rejects.toMatchObject({ name: 'TooLargeWhenDecompressed' })
  })
})

describe('request queue', () => {
  type Queue = {
    pending: unknown[]
    throttledUntil: number
    throttleCheckTimeoutId: unknown
    checkPendingRequests(): void
    destroy(): void
  }
  const RequestQueue = internal('src/network/requestQueue/index.js') as new (options: object) => Queue
  const queue = () =>
    new RequestQueue({ maxInFlightRequests: null, requestTimeout: 1_000, logger: { debug: () => undefined } })

  test('an idle connection arms no timer (unpatched: one every millisecond, for ever)', () => {
    const idle = queue()
    idle.checkPendingRequests()
    expect(idle.throttleCheckTimeoutId).toBeNull()
  })

  test('a request that waits for the throttle still gets its check', () => {
    const throttled = queue()
    throttled.pending.push({})
    throttled.throttledUntil = Date.now() + 60_000
    throttled.checkPendingRequests()
    expect(throttled.throttleCheckTimeoutId).not.toBeNull()
    throttled.destroy()
  })
})

describe('the guard', () => {
  test('another version of kafkajs is refused', () => {
    expect(() => assertKafkajs('2.2.5')).toThrow('kafkajs is 2.2.5, but its patches were written for 2.2.4')
  })

  test('a fork under the same version is refused, with the names of the files that differ', () => {
    const forked = (path: string) => (path.includes('runner') ? 'other' : CHECKSUMS[path]!)
    expect(() => assertKafkajs('2.2.4', forked)).toThrow('not the published one: src/consumer/runner.js; see src')
    expect(() => assertKafkajs('2.2.4')).not.toThrow()
  })

  test('every file that we patch or call has its checksum', async () => {
    const folder = new URL('../../../src/kafka/', import.meta.url)
    const names = (await readdir(folder)).filter((name) => name.endsWith('.ts'))
    const texts = await Promise.all(names.map((name) => readFile(new URL(name, folder), 'utf8')))
    const used = texts.flatMap((text) => [...text.matchAll(/'(src\/[\w/]+\.js)'/g)].map(([, path]) => path!))
    const read = ['src/errors.js', 'src/protocol/requests/produce/v3/request.js'] // for their names only
    expect(new Set(used)).toEqual(new Set([...Object.keys(CHECKSUMS), ...read]))
  })

  test('a second import changes nothing', () => {
    // Would throw: by now kafkajs has loaded what the patches replace.
    expect(() => applyPatches()).not.toThrow()
  })
})
