import type { Header } from '../pipeline/source-record.ts'

/** none: our `dlq.*` only · connect: those of Kafka Connect as well (DLQ_HEADER_COMPAT). */
export type HeaderCompat = 'none' | 'connect'

/** Of one header value. All of ours together then stay below 8 KiB. */
export const MAX_VALUE_BYTES = 1024

/** UTF-8, cut between two characters. */
export function text(name: string, value: string): Header {
  const bytes = Buffer.from(value)
  if (bytes.length <= MAX_VALUE_BYTES) return [name, bytes]
  let end = MAX_VALUE_BYTES
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return [name, bytes.subarray(0, end)]
}

export const optional = (name: string, value: string | null | undefined): Header[] => (value ? [text(name, value)] : [])
