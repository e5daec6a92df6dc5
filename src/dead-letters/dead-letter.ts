import type { Header } from '../pipeline/source-record.ts'
import type { DeadLetterStatus } from './life-cycle.ts'

/** A row of the table dead_letter: the record's bytes and coordinates, and why it could not become a ledger entry. */
export type DeadLetterRow = {
  /** From the coordinates: the same record again is the same letter. */
  readonly id: string
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  readonly recordOffset: bigint
  readonly recordTimestamp: Date | null
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** Repeated names stay repeated and in order. */
  readonly headers: readonly Header[]
  readonly stage: string
  readonly code: string
  readonly sqlstate: string | null
  readonly path: string | null
  readonly message: string
  readonly attempts: number
  readonly seenCount: number
  readonly replayCount: number
  readonly userId: string | null
  readonly invoiceId: string | null
  readonly lineNumber: number | null
  readonly status: DeadLetterStatus
  readonly failedAt: Date
  readonly publishedAt: Date | null
  readonly claimedUntil: Date | null
  readonly createdAt: Date
  /** Only when the value itself could not be stored: then `value` is null, and this is its hash. */
  readonly valueSha256: Buffer | null
  /** sha256 of the value that the last replay sent. */
  readonly replayHash: Buffer | null
  /** Null while status is `replayed`: marked, but not yet acknowledged by the brokers. */
  readonly replaySentAt: Date | null
  readonly resolvedAt: Date | null
  readonly discardReason: string | null
}
