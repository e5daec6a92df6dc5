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
      durationMs: number
      attempts: number
      inserted: number
      duplicates: number
      deadLettered: number
      ignored: number
      codes: ReadonlyMap<string, number>
      /** Limits after this flush. */
      limits: { records: number; ageMs: number }
      buffered: number
    }
  | { type: 'flush-retry'; code: string; fate: string; attempt: number; backoffMs: number; cause: unknown }
  | { type: 'position-retry'; attempt: number; backoffMs: number; cause: unknown }
  | { type: 'assigned'; partitions: readonly number[] }
  | { type: 'revoked'; partitions: readonly number[] }
  | { type: 'positioned'; partition: number; position: bigint; kafka: bigint | null }
  | { type: 'overtaken'; partition: number; from: bigint; position: bigint }
  | { type: 'rewound'; partition: number; from: bigint; position: bigint }
  | { type: 'gap'; partition: number; expected: bigint; fetched: bigint }
  | { type: 'rebalancing'; code: string; drained: boolean }
  | { type: 'committed'; partitions: number }
  | { type: 'commit-failed'; code: string }
  | { type: 'source-crashed'; restarts: boolean; cause: unknown }
  | { type: 'dead-letters-published'; count: number }
  /** They cannot be relayed (cause), or the oldest has waited long (no cause). count ends at 10,000; null: unknown. */
  | { type: 'dead-letters-waiting'; code: string; cause: unknown; count: number | null; oldestAgeMs: number | null }
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
  | { type: 'stopped'; clean: boolean; left: number }

export type Emit = (event: TelemetryEvent) => void
