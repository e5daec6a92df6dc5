// Tells the group how this member is: looks at its lag, writes its row, and now and then a sample and a clean-up. The pipeline
// must not feel it: one statement at a time, none while PostgreSQL is away, and a fault is told once and changes nothing.
import type { Clock } from '../lib/clock.ts'
import type { Emit } from './events.ts'
import type { LagView, LagWatch } from './lag.ts'
import { type MemberState, partitionStates, type Phase, type Quantiles, quantilesOf, sampleOf } from './member-state.ts'
import { createRate, type Rate } from './rate.ts'
import type { Tally } from './tally.ts'

export type MemberStore = {
  write(state: MemberState): Promise<void>
  sample(sample: object): Promise<void>
  /** Old samples, and members that are gone for a day. */
  clean(): Promise<void>
}

/** What the member knows of itself at the moment. */
export type Facts = Pick<MemberState, 'health' | 'buffer' | 'database'> & { readonly phase: Phase }

export type MemberReportDeps = {
  readonly store: MemberStore
  readonly lag: LagWatch
  readonly tally: Tally
  readonly bounds: MemberState['bounds']
  readonly facts: () => Facts
  readonly clock: Clock
  readonly emit: Emit
}

export const TICK_MS = 2_500
const SAMPLE_EVERY = 2
const CLEAN_EVERY = 60
/** PostgreSQL, which is asked every second, has not answered: it is not asked for this too. */
const AWAY_MS = 3_000
const LAST_WRITE_MS = 1_000

export function createMemberReport({ store, lag, tally, clock, emit, ...deps }: MemberReportDeps) {
  const rates = createRate()
  let rate: Rate = { settledPerSecond: null, arrivedPerSecond: null, clearSeconds: null }
  let latencyMs: Quantiles | null = null
  let writing: Promise<void> | null = null
  let [begun, failed] = [false, false]
  const ended = new AbortController()

  const stateOf = (facts: Facts, view: LagView): MemberState => {
    const gate = tally.gate()
    return {
      ...facts,
      gate: gate && { ...gate, offset: gate.offset === null ? null : Number(gate.offset) },
      partitions: facts.phase === 'stopped' ? [] : partitionStates(view),
      asOf: view.asOf === null ? null : new Date(view.asOf).toISOString(),
      askedMsAgo: view.asked === null ? null : Math.round(clock.now() - view.asked),
      limits: tally.limits().map((each) => ({ ...each, ageMs: Math.round(each.ageMs) })),
      bounds: deps.bounds,
      totals: tally.totals(),
      ...{ rate, latencyMs },
    }
  }

  async function tell(work: () => Promise<void>) {
    try {
      await work()
      if (failed) emit({ type: 'reporting', cause: null })
      failed = false
    } catch (cause) {
      if (!failed) emit({ type: 'reporting', cause })
      failed = true
    }
  }

  async function tick(ticks: number) {
    const view = await lag.look()
    rate = rates.saw(clock.now(), view.partitions)
    const facts = deps.facts()
    const sampling = ticks % SAMPLE_EVERY === 0
    // Also when it cannot be written: the next sample is of its own interval.
    const interval = sampling ? tally.cut() : null
    if (interval) latencyMs = quantilesOf(interval)
    if (writing !== null || facts.database.unansweredMs > AWAY_MS || ended.signal.aborted) return
    const state = stateOf(facts, view)
    writing = tell(async () => {
      await store.write(state)
      if (interval) await store.sample(sampleOf(interval, { buffer: state.buffer, limits: state.limits, lag: view }))
      if (ticks % CLEAN_EVERY === 0) await store.clean()
    }).finally(() => (writing = null))
  }

  return {
    /** As it was written last, or would have been. */
    state: () => stateOf(deps.facts(), lag.view()),
    /** Until ended; never rejects. */
    async run(): Promise<void> {
      begun = true
      for (let ticks = 1; !ended.signal.aborted; ticks += 1) {
        const began = clock.now()
        await tick(ticks)
        await clock.sleep(Math.max(0, began + TICK_MS - clock.now()), ended.signal)
      }
    },
    /** Says that it is stopped (if it ever said anything), unless that takes too long: then the others find out. */
    async end(): Promise<void> {
      ended.abort()
      if (!begun) return
      const last = async () => {
        await writing
        await store.write(stateOf({ ...deps.facts(), phase: 'stopped' }, lag.view()))
      }
      const enough = new AbortController()
      await Promise.race([last().catch(() => {}), clock.sleep(LAST_WRITE_MS, enough.signal)])
      enough.abort()
    },
  }
}
export type MemberReport = ReturnType<typeof createMemberReport>
