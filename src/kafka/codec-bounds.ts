// How large a compressed block can become, read from its framing without decompressing it. The decoders for lz4 and zstd
// have no output limit of their own, and a megabyte on the wire may stand for gigabytes. Upper bounds, never estimates.

export class CorruptFrame extends Error {
  override readonly name = 'CorruptFrame'
}

const need = (buffer: Buffer, end: number): void => {
  if (end > buffer.length) throw new CorruptFrame('the frame ends too early')
}

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])

/** Snappy comes raw, or (from Java) in xerial framing: 16 bytes of header, then blocks with a length each. */
export const snappyBlocks = (buffer: Buffer): Buffer[] => {
  if (!buffer.subarray(0, 8).equals(XERIAL)) return [buffer]
  const blocks: Buffer[] = []
  for (let at = 16; at < buffer.length;) {
    need(buffer, at + 4)
    const end = at + 4 + buffer.readUInt32BE(at)
    need(buffer, end)
    blocks.push(buffer.subarray(at + 4, end))
    at = end
  }
  return blocks
}

/** A raw snappy block begins with its uncompressed length; the decoder holds it to that. */
export const snappySize = (block: Buffer): number => {
  let size = 0
  for (let i = 0; i < 5; i++) {
    need(block, i + 1)
    const byte = block.readUInt8(i)
    size += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return size
  }
  throw new CorruptFrame('the snappy length is malformed')
}

/** First lz4 frame only: bytes behind it are cut off, for they would escape the bound. */
export const lz4Frame = (buffer: Buffer): { frame: Buffer; bound: number } => {
  need(buffer, 7)
  if (buffer.readUInt32LE(0) !== 0x184d2204) throw new CorruptFrame('not an lz4 frame')
  const flags = buffer.readUInt8(4)
  const blockMax = 2 ** (8 + 2 * ((buffer.readUInt8(5) >> 4) & 7))
  let at = 7 + (flags & 8 ? 8 : 0) + (flags & 1 ? 4 : 0)
  for (let bound = 0; ;) {
    need(buffer, at + 4)
    const head = buffer.readUInt32LE(at)
    const size = head % 0x80000000
    if (head === 0) return { frame: buffer.subarray(0, at + 4 + (flags & 4 ? 4 : 0)), bound }
    at += 4 + size + (flags & 16 ? 4 : 0)
    need(buffer, at)
    // lz4 expands by 255 at most; a stored block not at all.
    bound += head === size ? Math.min(blockMax, size * 255) : size
  }
}

const ZSTD_BLOCK_MAX = 131_072

const zstdFrame = (buffer: Buffer, start: number): { end: number; bound: number } => {
  need(buffer, start + 5)
  const flags = buffer.readUInt8(start + 4)
  const single = (flags >> 5) & 1
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0
  const contentSize = flags >> 6 ? 1 << (flags >> 6) : single
  let at = start + 6 - single + dictionary + contentSize
  for (let bound = 0; ;) {
    need(buffer, at + 3)
    const head = buffer.readUIntLE(at, 3)
    const type = (head >> 1) & 3
    const size = head >> 3
    if (type === 3 || size > ZSTD_BLOCK_MAX) throw new CorruptFrame('a zstd block is malformed')
    bound += type === 2 ? ZSTD_BLOCK_MAX : size
    at += 3 + (type === 1 ? 1 : size)
    need(buffer, at)
    if (head & 1) return { end: at + (flags & 4 ? 4 : 0), bound }
  }
}

export const zstdBound = (buffer: Buffer): number => {
  let bound = 0
  for (let at = 0; at < buffer.length;) {
    need(buffer, at + 4)
    const magic = buffer.readUInt32LE(at)
    if (magic === 0xfd2fb528) {
      const frame = zstdFrame(buffer, at)
      at = frame.end
      bound += frame.bound
    } else if (magic >>> 4 === 0x184d2a5) {
      need(buffer, at + 8)
      at += 8 + buffer.readUInt32LE(at + 4)
    } else throw new CorruptFrame('not a zstd frame')
  }
  return bound
}
