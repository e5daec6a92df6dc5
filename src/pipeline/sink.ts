import type { FailedItem } from '../telemetry/events.ts'
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
  /** One for each dead letter. */
  readonly failed: readonly FailedItem[]
}

/**
 * transient: try the same batch again · unknown: ask the sink whether it is well · held: the gate is closed, wait until an
 * operator opens it · fatal: stop. Nothing was committed.
 */
export type Failure = {
  readonly fate: 'transient' | 'unknown' | 'held' | 'fatal'
  /** SQLSTATE, or a code of our own. */
  readonly code: string
  /** The batch may be more than the sink's time or memory allows for one: half of it may fit. */
  readonly oversized: boolean
  /** The sink asks for batches of at most so many records, at once. */
  readonly maxRecords: number | null
  readonly cause: unknown
}

/** Where batches become durable. `write` is all or nothing and safe to repeat. */
export type Sink<D> = {
  write(batch: Batch<D>): Promise<WriteResult>
  classify(error: unknown): Failure
  /** Is the sink well? Asked on a fresh connection; never throws. */
  probe(): Promise<boolean>
}

/** Why a gate is closed. `partition` and `offset`: one of the records that closed it. */
export type Closure = {
  readonly closedAt: Date
  /** PAUSED, or the leading code of the dead letters that closed it. */
  readonly code: string
  readonly reason: string
  readonly partition: number | null
  readonly offset: bigint | null
}

/** The group's gate: while it is closed every member stays in the group and writes nothing. */
export type Gate = {
  /** Null: open. Rejects when the sink cannot say. */
  closure(): Promise<Closure | null>
}
