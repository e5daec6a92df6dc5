import type { SourceRecord } from './source-record.ts'

/** A record in the buffer. `decoded` is the domain's business; `arrivedAt` is on the monotonic clock, in milliseconds. */
export type Entry<D> = {
  readonly record: SourceRecord
  readonly decoded: D
  readonly bytes: number
  readonly arrivedAt: number
}

/** Why a batch was cut. */
export type FlushReason = 'size' | 'bytes' | 'age' | 'drain'

/**
 * What a batch settles of one partition: every offset in [from, to). `from` is the previous part's `to`, not the first
 * record's offset, so parts join without a gap; a part without entries (transaction markers, compaction) is legal.
 */
export type Part = { readonly partition: number; readonly from: bigint; readonly to: bigint }

/** Entries in order of arrival (in a partition: of offset), and one part for each partition they touch. */
export type Batch<D> = {
  readonly entries: readonly Entry<D>[]
  readonly parts: readonly Part[]
  readonly reason: FlushReason
  readonly bytes: number
}

export type WriteResult = {
  /**
   * The sink's position (next offset) of each part's partition afterwards. Equal to `to`: settled. Above `to`: another
   * owner was ahead and nothing was written. Below `from`: the sink was rewound and nothing was written.
   */
  readonly positions: ReadonlyMap<number, bigint>
  readonly inserted: number
  readonly duplicates: number
  readonly deadLettered: number
  readonly ignored: number
  /** Dead letters by code. */
  readonly codes: ReadonlyMap<string, number>
}

/** transient: try the same batch again · unknown: ask the sink whether it is well · fatal: stop, nothing committed. */
export type Failure = {
  readonly fate: 'transient' | 'unknown' | 'fatal'
  /** SQLSTATE, or a code of our own. */
  readonly code: string
  /** The batch may be more than the sink's time or memory allows for one: half of it may fit. */
  readonly oversized: boolean
  readonly cause: unknown
}

/** Where batches become durable. `write` is all or nothing and safe to repeat. */
export type Sink<D> = {
  write(batch: Batch<D>): Promise<WriteResult>
  classify(error: unknown): Failure
  /** Is the sink well? Asked on a fresh connection; never throws. */
  probe(): Promise<boolean>
}
