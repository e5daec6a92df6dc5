// Record batches made by hand: the bytes of their records, and the number that their header says, are what the test wants.
import { gzipSync } from 'node:zlib'
import { crc32c } from '../../src/kafka/crc32c.ts'

const HEADER_BYTES = 61
const GZIP = 1

export type RawBatch = {
  /** Records as they lie in a batch, one behind the other. */
  readonly body: Buffer
  readonly count: number
  readonly firstOffset?: number
  readonly gzip?: boolean
  readonly timestamp?: number
}

/** With the right length and checksum. */
export const rawBatch = ({ body, count, firstOffset = 0, gzip = false, timestamp = 1_764_028_800_000 }: RawBatch) => {
  const batch = Buffer.concat([Buffer.alloc(HEADER_BYTES), gzip ? gzipSync(body) : body])
  batch.writeBigInt64BE(BigInt(firstOffset), 0)
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt8(2, 16)
  batch.writeInt16BE(gzip ? GZIP : 0, 21)
  batch.writeInt32BE(Math.max(0, count - 1), 23)
  batch.writeBigInt64BE(BigInt(timestamp), 27)
  batch.writeBigInt64BE(BigInt(timestamp), 35)
  batch.fill(0xff, 43, 57) // no producer, no sequence
  batch.writeInt32BE(count, 57)
  return sealed(batch)
}

/** The batch with the checksum of what it is now. */
export const sealed = (batch: Buffer): Buffer => {
  batch.writeUInt32BE(crc32c(batch, 21), 17)
  return batch
}

const varint = (value: number): Buffer => {
  const bytes: number[] = []
  let rest = (value << 1) ^ (value >> 31)
  for (; rest >>> 0 > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest & 0x7f])
}

const EMPTY_HEADER = Buffer.from([0, 1])
const NULL = Buffer.from([1])

/** A record without key and value; `headers`, each without name and value: two bytes. */
export const rawRecord = (offsetDelta: number, headers = 0): Buffer => {
  const rest = [Buffer.from([0, 0]), varint(offsetDelta), NULL, NULL, varint(headers), Buffer.alloc(2 * headers, EMPTY_HEADER)] // prettier-ignore
  const bytes = Buffer.concat(rest)
  return Buffer.concat([varint(bytes.length), bytes])
}

/** So many records, of 7 to 10 bytes each. */
export const rawRecords = (count: number): Buffer => {
  const body = Buffer.allocUnsafe(count * 10)
  let at = 0
  for (let i = 0; i < count; i++) {
    const delta = varint(i)
    body.writeUInt8((5 + delta.length) << 1, at++)
    body.writeUInt16BE(0, at)
    at = delta.copy(body, at + 2) + at + 2
    body.writeUIntBE(0x010100, at, 3)
    at += 3
  }
  return body.subarray(0, at)
}
