// What a member says of itself to the others, through PostgreSQL. A contract: docs/api.md. Times ISO 8601, offsets as numbers,
// unknown is null.
import { quantileMs } from '../lib/latencies.ts'
import type { LagView } from './lag.ts'
import type { Rate } from './rate.ts'
import type { Interval, Totals } from './tally.ts'

export type Phase = 'starting' | 'running' | 'draining' | 'stopped'
type PartitionState = {
  readonly partition: number
  readonly position: number | null
  readonly end: number | null
  readonly committed: number | null
  readonly lagRecords: number | null
  readonly lagSeconds: number | null
}

export type Quantiles = { readonly p50: number; readonly p99: number }
export type LaneLimits = { readonly lane: number; readonly records: number; readonly ageMs: number }
export type Bounds = {
  readonly maxRecords: number
  readonly maxBytes: number
  readonly minAgeMs: number
  readonly maxAgeMs: number
  readonly targetMs: number
}
export type GateSeen = {
  readonly code: string
  readonly reason: string
  readonly partition: number | null
  readonly offset: number | null
}

export type MemberState = {
  readonly phase: Phase
  readonly health: { readonly live: boolean; readonly ready: boolean; readonly reasons: readonly string[] }
  readonly gate: GateSeen | null
  readonly partitions: readonly PartitionState[]
  /** When Kafka was last asked for its ends; by the clock of this member. */
  readonly asOf: string | null
  /** How long ago that was when the row was written: by no wall clock, so others may go by it. */
  readonly askedMsAgo: number | null
  readonly buffer: {
    readonly records: number
    readonly bytes: number
    readonly maxRecords: number
    readonly maxBytes: number
  }
  readonly limits: readonly LaneLimits[]
  readonly bounds: Bounds
  readonly totals: Totals
  readonly rate: Rate
  readonly latencyMs: Quantiles | null
  readonly database: { readonly unansweredMs: number }
}

/** Of one interval. */
export type Sample = {
  readonly ms: number
  readonly inserted: number
  readonly duplicates: number
  readonly deadLettered: number
  readonly ignored: number
  readonly alreadySettled: number
  readonly flushes: Interval['flushes']
  readonly flushedRecords: number
  readonly flushMs: { readonly sum: number; readonly max: number }
  readonly latencyMs: Quantiles | null
  readonly retries: number
  readonly buffer: { readonly records: number; readonly bytes: number }
  /** The largest in force. */
  readonly limits: { readonly records: number; readonly ageMs: number }
  /** Partition, records, seconds. */
  readonly lag: readonly (readonly [partition: number, records: number | null, seconds: number | null])[]
}

const numberOf = (value: bigint | null) => (value === null ? null : Number(value))
const toMillis = (seconds: number | null) => (seconds === null ? null : Math.round(seconds * 1000) / 1000)

export const partitionStates = ({ partitions }: LagView): PartitionState[] =>
  partitions.map(({ partition, position, end, committed, lagRecords, lagSeconds }) => ({
    partition,
    position: numberOf(position),
    end: numberOf(end),
    committed: numberOf(committed),
    lagRecords,
    lagSeconds: toMillis(lagSeconds),
  }))

export function quantilesOf({ latencies }: Pick<Interval, 'latencies'>): Quantiles | null {
  const [p50, p99] = [quantileMs(latencies, 0.5), quantileMs(latencies, 0.99)]
  return p50 === null || p99 === null ? null : { p50, p99 }
}

const largest = (values: readonly number[]) => values.reduce((most, value) => Math.max(most, value), 0)

export type Sampled = {
  readonly buffer: { readonly records: number; readonly bytes: number }
  readonly limits: readonly LaneLimits[]
  readonly lag: LagView
}

export function sampleOf(interval: Interval, { buffer, limits, lag }: Sampled): Sample {
  const { ms, latencies: _, flushMs, ...counts } = interval
  return {
    ms: Math.round(ms),
    ...counts,
    flushMs: { sum: Math.round(flushMs.sum), max: Math.round(flushMs.max) },
    latencyMs: quantilesOf(interval),
    buffer: { records: buffer.records, bytes: buffer.bytes },
    limits: {
      records: largest(limits.map(({ records }) => records)),
      ageMs: Math.round(largest(limits.map(({ ageMs }) => ageMs))),
    },
    lag: lag.partitions.map(({ partition, lagRecords, lagSeconds }) => [partition, lagRecords, toMillis(lagSeconds)]),
  }
}
