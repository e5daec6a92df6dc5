// CRC-32C (Castagnoli), the checksum of a record batch. Eight bytes a step, about 1 GB/s: a hundredth of what a record costs.

const POLYNOMIAL = 0x82f63b78

/** Eight tables of 256 in one array. */
const TABLE = new Int32Array(8 * 256)
const entry = (index: number): number => TABLE[index] as number
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
  TABLE[byte] = crc
}
for (let at = 256; at < TABLE.length; at++) {
  const before = entry(at - 256)
  TABLE[at] = (before >>> 8) ^ entry(before & 0xff)
}

/** Unsigned, of the bytes from `start` to before `end`. Written out: with two small functions it takes twice the time. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = -1
  let at = start
  for (; at + 8 <= end; at += 8) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    crc =
      (TABLE[1792 + (crc & 0xff)] as number) ^
      (TABLE[1536 + ((crc >>> 8) & 0xff)] as number) ^
      (TABLE[1280 + ((crc >>> 16) & 0xff)] as number) ^
      (TABLE[1024 + (crc >>> 24)] as number) ^
      (TABLE[768 + (bytes[at + 4] as number)] as number) ^
      (TABLE[512 + (bytes[at + 5] as number)] as number) ^
      (TABLE[256 + (bytes[at + 6] as number)] as number) ^
      (TABLE[bytes[at + 7] as number] as number)
  }
  for (; at < end; at++) crc = (TABLE[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8)
  return ~crc >>> 0
}
