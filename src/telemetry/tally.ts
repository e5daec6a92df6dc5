// What a member did, counted from its events: since its start for whoever asks, and since the last sample for the history.
import { z } from 'zod'
import type { Clock } from '../lib/clock.ts'
import { addLatencies, type Latencies, noLatencies } from '../lib/latencies.ts'
import type { BatchResult, TelemetryEvent } from './events.ts'

export const OUTCOMES = ['inserted', 'duplicates', 'deadLettered', 'ignored', 'alreadySettled'] as const
export const REASONS = ['size', 'bytes', 'age', 'drain'] as const

const reasons = z.record(z.enum(REASONS), z.number()).describe('By why they were cut')
export const totals = z
  .object({
    inserted: z.number().describe('Records'),
    duplicates: z.number().describe('Records'),
    deadLettered: z.number().describe('Records'),
    ignored: z.number().describe('Records'),
    alreadySettled: z
      .number()
      .describe('Records found in PostgreSQL: the answer to a COMMIT was lost, or another owner was ahead'),
    flushes: reasons,
    retries: z.number(),
    rebalances: z.number(),
    deadLetters: z.record(z.string(), z.number()).describe('By code'),
  })
  .describe('Since its start')

export type Totals = z.infer<typeof totals>
type Outcomes = Pick<Totals, (typeof OUTCOMES)[number]>
type Reasons = Totals['flushes']

/** What happened since the one before. */
export type Interval = Outcomes & {
  readonly ms: number
  readonly flushes: Reasons
  readonly flushedRecords: number
  readonly flushMs: { readonly sum: number; readonly max: number }
  readonly latencies: Latencies
  readonly retries: number
}

type Flushed = Extract<TelemetryEvent, { type: 'flushed' }>
export type KeptBatch = Pick<Flushed, 'lane' | 'reason' | 'records' | 'bytes' | 'attempts' | 'limits'> &
  Omit<BatchResult, 'failedItems'> & { readonly at: Date; readonly failedItems: BatchResult['failedItems'] }

type LaneLimits = { readonly lane: number; readonly records: number; readonly ageMs: number }

const KEPT_BATCHES = 100
const KEPT_ITEMS = 20

export type Tally = ReturnType<typeof createTally>

/** `limits`: of each lane, before its first flush. */
export function createTally(clock: Pick<Clock, 'now' | 'wall'>, limits: readonly LaneLimits[]) {
  const totals: Totals = {
    ...noOutcomes(),
    ...{ flushes: noReasons(), retries: 0, rebalances: 0, deadLetters: {} },
  }
  const inForce = new Map(limits.map((each) => [each.lane, each]))
  const batches: KeptBatch[] = []
  let gate: { code: string; reason: string; partition: number | null; offset: bigint | null } | null = null
  let since = clock.now()
  let current = emptyInterval()

  function flushed(event: Flushed) {
    const { lane, reason, records, bytes, attempts, result } = event
    for (const outcome of OUTCOMES) {
      totals[outcome] += event[outcome]
      current[outcome] += event[outcome]
    }
    for (const flushes of [totals.flushes, current.flushes]) if (isReason(reason)) flushes[reason] += 1
    for (const { code } of result.failedItems) totals.deadLetters[code] = (totals.deadLetters[code] ?? 0) + 1
    current.flushedRecords += records
    current.flushMs.sum += result.processingTimeMs
    current.flushMs.max = Math.max(current.flushMs.max, result.processingTimeMs)
    current.latencies = addLatencies(current.latencies, event.latencies)
    inForce.set(lane, { lane, ...event.limits })
    const failedItems = result.failedItems.slice(0, KEPT_ITEMS)
    batches.push({
      at: new Date(clock.wall()),
      ...{ lane, reason, records, bytes, attempts, limits: event.limits, ...result, failedItems },
    })
    if (batches.length > KEPT_BATCHES) batches.shift()
  }

  return {
    observe(event: TelemetryEvent): void {
      if (event.type === 'flushed') flushed(event)
      else if (event.type === 'flush-retry') {
        totals.retries += 1
        current.retries += 1
      } else if (event.type === 'joined') totals.rebalances += Number(event.awayMs !== null)
      else if (event.type === 'gate-closed') {
        const { code, reason, partition, offset } = event
        gate = { code, reason, partition, offset }
      } else if (event.type === 'gate-opened') gate = null
    },
    totals: (): Totals => totals,
    /** As this member knows it. */
    gate: () => gate,
    limits: (): readonly LaneLimits[] => [...inForce.values()].sort((a, b) => a.lane - b.lane),
    /** The newest first. */
    batches: (): readonly KeptBatch[] => [...batches].reverse(),
    /** What happened since the last cut. */
    cut(): Interval {
      const cut = { ...current, ms: clock.now() - since }
      since = clock.now()
      current = emptyInterval()
      return cut
    },
  }
}

const isReason = (reason: string): reason is keyof Reasons => (REASONS as readonly string[]).includes(reason)
const noOutcomes = (): Outcomes => ({ inserted: 0, duplicates: 0, deadLettered: 0, ignored: 0, alreadySettled: 0 })
const noReasons = (): Reasons => ({ size: 0, bytes: 0, age: 0, drain: 0 })
const emptyInterval = () => ({
  ...noOutcomes(),
  ...{ flushes: noReasons(), flushedRecords: 0, flushMs: { sum: 0, max: 0 }, retries: 0 },
  latencies: noLatencies(),
})
