// How large and how old a batch may get, from what the last flushes took. Size: additive increase while a backlog lasts
// and flushes stay under the target time, halved by each slow or failed one (AIMD, as TCP does: it finds the largest
// batch that the database takes within the target, and follows it down at once). A slow flush halves down to a floor
// only: below it the time goes into round trips, and halving would lower the throughput, not the time (seen on a busy
// machine: 400 records took as long as 3,000). Age: a fraction of the recent flush time, so a fast database gets a low
// latency and a slow one fewer, larger batches (group commit).
import type { FlushLimits } from './flush-policy.ts'

export type LimitBounds = {
  readonly maxRecords: number
  readonly maxBytes: number
  readonly minAgeMs: number
  readonly maxAgeMs: number
  readonly targetMs: number
}

export type Limits = FlushLimits & {
  /** Recent flush time: exponentially weighted mean, milliseconds. */
  readonly flushMs: number
}

export type Observation = {
  readonly durationMs: number
  /** The batch was as large as the limits let it be: more was waiting. */
  readonly backlog: boolean
  readonly failed: boolean
}

const START_RECORDS = 1_000
const SLOW_FLOOR_RECORDS = 1_000
const FAILED_FLOOR_RECORDS = 16
const STEPS_TO_MAX = 20
const WEIGHT = 0.2
const AGE_SHARE = 0.5

export function initialLimits(bounds: LimitBounds): Limits {
  return {
    records: Math.min(START_RECORDS, bounds.maxRecords),
    bytes: bounds.maxBytes,
    ageMs: bounds.minAgeMs,
    flushMs: 0,
  }
}

export function step(limits: Limits, seen: Observation, bounds: LimitBounds): Limits {
  // A failed flush tells how long the fault lasted, not how fast the sink is.
  const flushMs = seen.failed
    ? limits.flushMs
    : limits.flushMs === 0
      ? seen.durationMs
      : limits.flushMs + WEIGHT * (seen.durationMs - limits.flushMs)
  const ageMs = Math.min(bounds.maxAgeMs, Math.max(bounds.minAgeMs, AGE_SHARE * flushMs))
  return { records: nextRecords(limits.records, seen, bounds), bytes: bounds.maxBytes, ageMs, flushMs }
}

function nextRecords(records: number, seen: Observation, { maxRecords, targetMs }: LimitBounds): number {
  const halved = Math.floor(records / 2)
  if (seen.failed) return Math.min(records, Math.max(FAILED_FLOOR_RECORDS, halved))
  if (seen.durationMs > targetMs) return Math.min(records, Math.max(SLOW_FLOOR_RECORDS, halved))
  if (!seen.backlog) return records
  // Twice the rows take at most twice the time: double while that is within the target, as TCP does in its slow start.
  const step = seen.durationMs <= targetMs / 2 ? records : Math.ceil(maxRecords / STEPS_TO_MAX)
  return Math.min(maxRecords, records + step)
}
