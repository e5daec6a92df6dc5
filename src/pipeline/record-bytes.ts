import type { SourceRecord } from './source-record.ts'

/** The entry, the views on the fetch, the decoded line item beside its texts. */
const OVERHEAD_BYTES = 1_024

/**
 * The memory a buffered record is charged for, in bytes. The value twice: as it came, and the texts that were decoded from it. Measured
 * with events of 270 bytes: 1,490 bytes on the heap and beside it, charged 1,580.
 */
export function recordBytes(record: SourceRecord): number {
  let bytes = OVERHEAD_BYTES + (record.key?.length ?? 0) + 2 * (record.value?.length ?? 0)
  for (const [name, value] of record.headers) bytes += name.length + (value?.length ?? 0)
  return bytes
}
