import type { OutRecord } from './producer.ts'

/** Keys and values of records in one block of memory, which a thread can be given instead of a copy of each. */
export type PackedRecords = { readonly bytes: Uint8Array<ArrayBuffer>; readonly lengths: Int32Array<ArrayBuffer> }

type KeyValue = { readonly key: Buffer | null; readonly value: Buffer | null }

/** Length of what is null; an empty key or value has length 0. */
const ABSENT = -1

export function pack(records: readonly KeyValue[]): PackedRecords {
  const lengths = new Int32Array(records.length * 2)
  let size = 0
  records.forEach(({ key, value }, i) => {
    lengths[2 * i] = key?.length ?? ABSENT
    lengths[2 * i + 1] = value?.length ?? ABSENT
    size += (key?.length ?? 0) + (value?.length ?? 0)
  })
  const bytes = new Uint8Array(size)
  let at = 0
  const put = (part: Buffer | null) => {
    if (part === null) return
    bytes.set(part, at)
    at += part.length
  }
  for (const { key, value } of records) {
    put(key)
    put(value)
  }
  return { bytes, lengths }
}

export function unpack({ bytes, lengths }: PackedRecords): OutRecord[] {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const part = (length: number | undefined): Buffer | null =>
    length === undefined || length === ABSENT ? null : whole.subarray(at, (at += length))
  return Array.from({ length: lengths.length / 2 }, (_, i) => ({
    key: part(lengths[2 * i]),
    value: part(lengths[2 * i + 1]),
  }))
}
