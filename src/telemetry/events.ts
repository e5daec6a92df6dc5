import type { Latencies } from '../lib/latencies.ts'

/** A record that became a dead letter (or whose replay failed again). */
export type FailedItem = {
  readonly partition: number
  readonly offset: bigint
  /** Line number of the invoice; null when the record does not say. */
  readonly line: number | null
  readonly code: string
  /** Our own words for the code: never a value of the record. */
  readonly error: string
  readonly deadLetterId: string
  /** Of the record's header `traceparent` (W3C), where it has a valid one. */
  readonly traceId: string | null
}

/** How a batch ended, for the log and whoever asks later. */
export type BatchResult = {
  /** partial_success: some of its records became dead letters · failed: all of them. */
  readonly status: 'success' | 'partial_success' | 'failed'
  /** Written, or known already, or ignored. */
  readonly itemsProcessed: number
  readonly itemsFailed: number
  readonly failedItems: readonly FailedItem[]
  readonly processingTimeMs: number
}

/**
 * Why a Kafka client was given up. silent: it heard nothing of its group for too long · evicted: the group had dropped it and it did
 * not join again · outage: brokers or network · person: somebody must mend it · unknown: nobody understands it.
 */
export const CRASH_REASONS = ['silent', 'evicted', 'outage', 'person', 'unknown'] as const
export type CrashReason = (typeof CRASH_REASONS)[number]

/**
 * Everything worth telling, one fact one event; log lines (log-events.ts) and metrics derive from these. No keys,
 * values, headers or SQL parameters, ever. Durations in milliseconds.
 */
export type TelemetryEvent =
  | {
      type: 'flushed'
      lane: number
      reason: string
      records: number
      bytes: number
      attempts: number
      inserted: number
      duplicates: number
      deadLettered: number
      ignored: number
      /** The sink had them: the answer to a COMMIT of ours was lost, or another owner was ahead. */
      alreadySettled: number
      /** From the record's timestamp until it was settled. */
      latencies: Latencies
      result: BatchResult
      /** Limits after this flush. */
      limits: { records: number; ageMs: number }
      buffered: number
    }
  /** Lines of a batch by where their item was found; unknown: made, or near to another. */
  | { type: 'mapped'; cached: number; stored: number; unknown: number }
  /** Rows that the database refuses were looked for, with so many statements. */
  | { type: 'isolated'; attempts: number }
  /** One try to write a batch: mapping, transaction and COMMIT, the wait for a connection included. */
  | { type: 'write-tried'; ok: boolean; ms: number }
  /** The pipeline's pool gave a connection, or its time-out instead. */
  | { type: 'connection-waited'; ms: number }
  | { type: 'flush-retry'; code: string; fate: string; attempt: number; backoffMs: number; cause: unknown }
  /** Given back by the sink, to be written in pieces. */
  | { type: 'batch-cut'; code: string; records: number; maxRecords: number }
  | { type: 'gate-closed'; code: string; reason: string; partition: number | null; offset: bigint | null }
  | { type: 'gate-opened' }
  | { type: 'position-retry'; attempt: number; backoffMs: number; cause: unknown }
  /**
   * After each join, also when nothing changed hands. `awayMs`: since the rebalance was heard of, or the consumer crashed, nothing
   * was fetched; null: the first join.
   */
  | { type: 'joined'; partitions: number; awayMs: number | null }
  | { type: 'assigned'; partitions: readonly number[] }
  | { type: 'revoked'; partitions: readonly number[] }
  | { type: 'positioned'; partition: number; position: bigint; kafka: bigint | null }
  | { type: 'overtaken'; partition: number; from: bigint; position: bigint }
  | { type: 'rewound'; partition: number; from: bigint; position: bigint }
  | { type: 'gap'; partition: number; expected: bigint; fetched: bigint }
  | { type: 'rebalancing'; drained: boolean }
  | { type: 'committed'; partitions: number }
  | { type: 'commit-failed'; code: string }
  | { type: 'source-crashed'; reason: CrashReason; restarts: boolean; cause: unknown }
  /** `durationMs`: from their sending until the DLQ topic had them; null: others of the same lease failed, which takes its time. */
  | {
      type: 'dead-letters-published'
      count: number
      codes: Readonly<Record<string, number>>
      durationMs: number | null
    }
  /**
   * They cannot be relayed (cause), as the DLQ topic does not take them or PostgreSQL does not give them; or the oldest has waited
   * long (no cause). count ends at 10,000; null: unknown.
   */
  | {
      type: 'dead-letters-waiting'
      failed: 'topic' | 'outbox' | null
      code: string
      cause: unknown
      count: number | null
      oldestAgeMs: number | null
    }
  /** The DLQ topic refuses even the least of this one; the others go on. */
  | {
      type: 'dead-letter-deferred'
      id: string
      topic: string
      partition: number
      offset: bigint
      code: string
      deferMs: number
    }
  | { type: 'draining'; why: string; buffered: number }
  /** This member cannot tell the others how it is (cause), or can again. */
  | { type: 'reporting'; cause: unknown }
  /** `held`: the gate is closed, so what is left had to stay. */
  | { type: 'stopped'; clean: boolean; left: number; held: boolean }

export type Emit = (event: TelemetryEvent) => void
