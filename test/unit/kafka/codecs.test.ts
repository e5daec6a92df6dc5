import { readFileSync } from 'node:fs'
import { compressFrameSync } from 'lz4-napi'
import { compressSync } from 'snappy'
import { describe, expect, test } from 'vitest'
import { CorruptFrame, lz4Frame, zstdBound } from '../../../src/kafka/codec-bounds.ts'
import { unlz4, unsnappy, unzstd } from '../../../src/kafka/codecs.ts'

// What each broker's own codec makes of real batches is tested in test/contract/kafka-codecs.test.ts.

const lines = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `line ${(i * i) % 97} of ${i % 13}\n`).join(''))
const ZEROS = Buffer.alloc(1_048_576)
const tooLarge = { name: 'TooLargeWhenDecompressed' }

const block = (bytes: Buffer) => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
const xerial = (...blocks: Buffer[]) =>
  Buffer.concat([
    Buffer.from([0x82]),
    Buffer.from('SNAPPY\0'),
    Buffer.from([0, 0, 0, 1, 0, 0, 0, 1]),
    ...blocks.map(block),
  ])

describe('snappy', () => {
  test('raw', async () => expect(lines.equals(await unsnappy(compressSync(lines)))).toBe(true))

  test('in the framing of Java, several blocks', async () => {
    const framed = xerial(compressSync(lines.subarray(0, 99_999)), compressSync(lines.subarray(99_999)))
    expect(lines.equals(await unsnappy(framed))).toBe(true)
  })

  test('the limit counts all blocks', async () => {
    const bomb = xerial(compressSync(ZEROS), compressSync(ZEROS))
    expect(await unsnappy(bomb, 2 * ZEROS.length)).toHaveLength(2 * ZEROS.length)
    await expect(unsnappy(bomb, 2 * ZEROS.length - 1)).rejects.toMatchObject(tooLarge)
  })

  test('a block that ends too early', async () => {
    await expect(unsnappy(xerial(compressSync(lines)).subarray(0, 500))).rejects.toThrow(CorruptFrame)
  })
})

describe('lz4', () => {
  const frame = compressFrameSync(lines)
  test('a frame', async () => expect(lines.equals(await unlz4(frame))).toBe(true))

  test('a bomb is refused before it is decompressed', async () => {
    await expect(unlz4(compressFrameSync(ZEROS), 100_000)).rejects.toMatchObject(tooLarge)
  })

  test('the bound is never below the size', () => {
    for (const bytes of [lines, ZEROS, Buffer.from('x'), lines.subarray(0, 70_000)])
      expect(lz4Frame(compressFrameSync(bytes)).bound).toBeGreaterThanOrEqual(bytes.length)
  })

  test('a second frame behind the first is cut off, for it would escape the bound', () => {
    expect(lz4Frame(Buffer.concat([frame, frame])).frame).toHaveLength(frame.length)
  })

  test.each([0, 6, 20, 500])('cut off after %i bytes', async (length) => {
    await expect(unlz4(frame.subarray(0, length))).rejects.toThrow(CorruptFrame)
  })
})

describe('zstd', () => {
  const frame = readFileSync(new URL('fixtures/lines.zst', import.meta.url))
  // The decoder in JavaScript returns a buffer as large as the bound; a record batch knows where its records end.
  test('a frame of several blocks', async () =>
    expect(lines.equals((await unzstd(frame)).subarray(0, lines.length))).toBe(true))

  test('a bomb is refused before it is decompressed', async () => {
    await expect(unzstd(frame, 100_000)).rejects.toMatchObject(tooLarge)
  })

  test('the bound is never below the size, and counts every frame', () => {
    expect(zstdBound(frame)).toBeGreaterThanOrEqual(lines.length)
    expect(zstdBound(Buffer.concat([frame, frame]))).toBe(2 * zstdBound(frame))
  })

  test.each([3, 5, 20, 2_000])('cut off after %i bytes', (length) => {
    expect(() => zstdBound(frame.subarray(0, length))).toThrow(CorruptFrame)
  })
})
