import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { decompress as fzstd } from 'fzstd'
import kafkajs from 'kafkajs'
import { decompressFrame } from 'lz4-napi'
import { uncompress } from 'snappy'
import { lz4Frame, snappyBlocks, snappySize, zstdBound } from './codec-bounds.ts'

// Node finds only some of kafkajs's names as named exports (it is CommonJS); these two are not among them.
const { CompressionCodecs, CompressionTypes } = kafkajs

// What kafkajs has not: decoders for snappy, lz4 and zstd, and a limit on what one compressed batch may become (its own
// gzip has none). Brokers take batches of about 1 MiB; one that grows beyond the limit is an attack or a mistake.

export const MAX_DECOMPRESSED_BYTES = 64 * 1_048_576

export class TooLargeWhenDecompressed extends Error {
  override readonly name = 'TooLargeWhenDecompressed'
}

const admit = (bytes: number, limit: number): void => {
  if (bytes > limit) throw new TooLargeWhenDecompressed(`a compressed batch would become larger than ${limit} bytes`)
}

type Decompress = (buffer: Buffer, limit?: number) => Promise<Buffer>

/** zlib counts while it works, so the limit is exact and nothing above it is ever allocated. */
const counted =
  (decompress: (buffer: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>): Decompress =>
  async (buffer, limit = MAX_DECOMPRESSED_BYTES) => {
    try {
      return await decompress(buffer, { maxOutputLength: limit })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') admit(limit + 1, limit)
      throw error
    }
  }

export const gunzip = counted(promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.unzip))

export const unsnappy: Decompress = async (buffer, limit = MAX_DECOMPRESSED_BYTES) => {
  const blocks = snappyBlocks(buffer)
  admit(
    blocks.reduce((sum, block) => sum + snappySize(block), 0),
    limit,
  )
  const out = await Promise.all(blocks.map((block) => uncompress(block, { asBuffer: true }) as Promise<Buffer>))
  return out.length === 1 && out[0] ? out[0] : Buffer.concat(out)
}

export const unlz4: Decompress = async (buffer, limit = MAX_DECOMPRESSED_BYTES) => {
  const { frame, bound } = lz4Frame(buffer)
  admit(bound, limit)
  return decompressFrame(frame)
}

/** The buffer is as large as the bound; what lies behind the last record is never read (the batch header counts records). */
const unzstdInJs: Decompress = async (buffer, limit = MAX_DECOMPRESSED_BYTES) => {
  const bound = zstdBound(buffer)
  admit(bound, limit)
  return Buffer.from(fzstd(buffer, new Uint8Array(bound)).buffer)
}

type NativeZstd = {
  zstdDecompress?: (buffer: Buffer, options: object, done: (error: Error | null, out: Buffer) => void) => void
}
const { zstdDecompress } = zlib as NativeZstd

/** Node has zstd from 22.15 on. */
export const unzstd: Decompress = zstdDecompress ? counted(promisify(zstdDecompress)) : unzstdInJs

const decodeOnly = (decompress: Decompress) => () => ({
  compress: () => Promise.reject(new Error('this codec is for reading only: send with gzip or none')),
  decompress: (buffer: Buffer) => decompress(buffer),
})

export const installCodecs = (): void => {
  const gzip = promisify<Buffer, Buffer>(zlib.gzip)
  CompressionCodecs[CompressionTypes.GZIP] = () => ({
    compress: (encoder: { buffer: Buffer }) => gzip(encoder.buffer),
    decompress: (buffer: Buffer) => gunzip(buffer),
  })
  CompressionCodecs[CompressionTypes.Snappy] = decodeOnly(unsnappy)
  CompressionCodecs[CompressionTypes.LZ4] = decodeOnly(unlz4)
  CompressionCodecs[CompressionTypes.ZSTD] = decodeOnly(unzstd)
}
