import type { SourceRecord } from './source-record.ts'

/** What the pipeline offers to a source. All but `room` and `drain` are synchronous, so ownership cannot change inside. */
export type Intake = {
  /** Take over a partition, starting at `position`. */
  assign(partition: number, position: bigint): void
  /** Give a partition up: what is buffered of it is dropped, its next owner reads it again. */
  revoke(partition: number): void
  /** The next offset wanted of a partition, or null when it is not assigned. */
  next(partition: number): bigint | null
  /** Admits records, in order, as many as fit now; returns how many. 0 = full, or draining. */
  offer(partition: number, records: readonly SourceRecord[]): number
  /** Up to where the sink is known to hold a partition, or null when it is not assigned. */
  settled(partition: number): bigint | null
  /** The same until the partition is assigned anew, rewound or revoked. */
  assignment(partition: number): unknown
  /** The sink holds less than it did: what is buffered of the partition is dropped, and it begins again at `position`. */
  rewind(partition: number, position: bigint): void
  /** The offsets below `position` hold no further record (markers, compaction). */
  advance(partition: number, position: bigint): void
  /** A batch is on its way into the sink, whose answers wait for whoever works long at a stretch. */
  writing(): boolean
  /** Resolves when there may be room again, or after `ms`. */
  room(ms: number): Promise<void>
  /** Flush now what is buffered; resolves true when nothing is left; false at once when the sink is failing, or after `ms`. */
  drain(ms: number): Promise<boolean>
}

/** Where records come from. */
export type Source = {
  /** Joins the group and delivers to `intake` until stopped; rejects on a fault that it cannot get over. */
  run(intake: Intake): Promise<void>
  owns(partition: number): boolean
  /** Tells the broker how far we are. Best effort: the sink's positions are the truth. */
  commit(positions: ReadonlyMap<number, bigint>): void
  /** Read a partition again from `position`. */
  seek(partition: number, position: bigint): void
  /** Take no more records, but stay in the group. */
  pause(): void
  /** Sends the last commits and leaves the group. Bounded in time. */
  stop(): Promise<void>
}
