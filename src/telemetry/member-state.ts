// What a member says of itself to the others, through PostgreSQL. A contract: docs/api.md. Times ISO 8601, offsets as numbers,
// unknown is null.
import { z } from 'zod'
import type { Immutable } from '../lib/immutable.ts'
import { quantileMs } from '../lib/latencies.ts'
import type { LagView } from './lag.ts'
import { rate } from './rate.ts'
import { type Interval, totals } from './tally.ts'

const known = z.number().nullable()
const time = z.iso.datetime()

const partitionState = z.object({
  partition: z.number(),
  position: known.describe('Next offset that PostgreSQL does not hold; null: unknown'),
  end: known.describe('Kafka’s; null: unknown'),
  committed: known.describe('Kafka’s; null: never, or unknown'),
  lagRecords: known.describe('null: unknown'),
  lagSeconds: known.describe('Age of the oldest record that PostgreSQL does not hold; 0: there is none; null: unknown'),
})
export const quantiles = z.object({ p50: z.number(), p99: z.number() })
export const laneLimits = z.object({ lane: z.number(), records: z.number(), ageMs: z.number() })

export const memberState = z.object({
  phase: z.enum(['starting', 'running', 'draining', 'stopped']),
  health: z.object({ live: z.boolean(), ready: z.boolean(), reasons: z.array(z.string()) }),
  gate: z
    .object({ code: z.string(), reason: z.string(), partition: known, offset: known })
    .nullable()
    .describe('null: open, as this member knows it'),
  partitions: z.array(partitionState),
  asOf: time.nullable().describe('When Kafka was last asked for its ends; by the clock of this member'),
  askedMsAgo: known.describe(
    'How long ago that was when the row was written: by no wall clock, so others may go by it',
  ),
  buffer: z.object({ records: z.number(), bytes: z.number(), maxRecords: z.number(), maxBytes: z.number() }),
  limits: z.array(laneLimits).describe('In force: a lane flushes at so many records, or at this age'),
  bounds: z.object({
    ...{ maxRecords: z.number(), maxBytes: z.number(), minAgeMs: z.number(), maxAgeMs: z.number() },
    targetMs: z.number(),
  }),
  totals,
  rate,
  latencyMs: quantiles
    .nullable()
    .describe('From the timestamp of a record until PostgreSQL has it, last 5 s; null: nothing settled'),
  database: z.object({ unansweredMs: z.number().describe('Since PostgreSQL last answered') }),
})
export type MemberState = Immutable<z.infer<typeof memberState>>
export type Phase = MemberState['phase']
export type Quantiles = Immutable<z.infer<typeof quantiles>>
export type LaneLimits = Immutable<z.infer<typeof laneLimits>>
export type Bounds = MemberState['bounds']
export type GateSeen = NonNullable<MemberState['gate']>
type PartitionState = MemberState['partitions'][number]

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
