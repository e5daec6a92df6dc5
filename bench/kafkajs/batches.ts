// Record batches as they lie in a fetch response, made with no help of kafkajs's codecs.
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import { compressSync } from 'snappy'
import { crc32c } from '../../src/kafka/crc32c.ts'
import { encodeRecord, headersOf } from '../../src/kafka/headers.ts'

const HEADER_BYTES = 61
export type Codec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
/** Node 20 cannot compress it: made once, of 10,000 records of 200 bytes without headers, by `zstd -3`. */
const ZSTD = new URL('records.zst', import.meta.url)
const ZSTD_MADE_OF = 2_101_744

/** Records of another shape are noticed by their bytes. */
const zstd = (bytes: Buffer): Buffer => {
  if (bytes.length !== ZSTD_MADE_OF) throw new Error(`records.zst was made of other records: ${bytes.length} bytes`)
  return readFileSync(ZSTD)
}

const CODECS: Record<Codec, { id: number; compress: (bytes: Buffer) => Buffer }> = {
  none: { id: 0, compress: (bytes) => bytes },
  gzip: { id: 1, compress: (bytes) => gzipSync(bytes) },
  snappy: { id: 2, compress: (bytes) => compressSync(bytes) },
  lz4: { id: 3, compress: (bytes) => compressFrameSync(bytes) },
  zstd: { id: 4, compress: zstd },
}

export type Shape = { records: number; valueBytes: number; headers: number; codec?: Codec; zeros?: boolean }

/** Length, then one batch. */
export const section = ({ records, valueBytes, headers, codec = 'none', zeros }: Shape): Buffer => {
  const pairs = Array.from({ length: headers }, (_, at) => [`name-${at}`, Buffer.from('x')] as const)
  const encoded = Array.from({ length: records }, (_, at) => {
    const value = zeros ? Buffer.alloc(valueBytes) : Buffer.from(`${at * at} `.repeat(valueBytes).slice(0, valueBytes))
    return encodeRecord({ offsetDelta: at, key: null, value, headers: headersOf(pairs) }).buffer
  })
  const { id, compress } = CODECS[codec]
  const batch = Buffer.concat([Buffer.alloc(HEADER_BYTES), compress(Buffer.concat(encoded))])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt8(2, 16)
  batch.writeInt16BE(id, 21)
  batch.writeInt32BE(records - 1, 23)
  batch.fill(0xff, 43, 57) // no producer, no sequence
  batch.writeInt32BE(records, 57)
  batch.writeUInt32BE(crc32c(batch, 21), 17)
  const length = Buffer.alloc(4)
  length.writeInt32BE(batch.length)
  return Buffer.concat([length, batch])
}
