import type { Entry } from '../../src/pipeline/sink.ts'
import type { SourceRecord } from '../../src/pipeline/source-record.ts'

export const record = (partition: number, offset: bigint, size = 100): SourceRecord => ({
  partition,
  offset,
  timestamp: 1_700_000_000_000,
  key: null,
  value: Buffer.alloc(size),
  headers: [],
})

export const entry = (partition: number, offset: bigint, bytes = 100, arrivedAt = 0): Entry<null> => ({
  record: record(partition, offset, 0),
  decoded: null,
  bytes,
  arrivedAt,
})
