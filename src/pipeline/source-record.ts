/** A header as it came: repeated names stay repeated and in order. */
export type Header = readonly [name: string, value: Buffer | null]

/**
 * One record of the source topic, bytes untouched (a dead letter must be able to give them back).
 * `value === null` is a tombstone. `timestamp` is milliseconds since the epoch.
 */
export type SourceRecord = {
  readonly partition: number
  readonly offset: bigint
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
}
