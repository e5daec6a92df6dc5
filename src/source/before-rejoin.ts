// What a member does before it joins again: settle what it holds and tell Kafka, in bounded time, or others would read it again.
import type { Emit } from '../telemetry/events.ts'

const DRAIN_MS = 10_000
const COMMIT_MS = 3_000

export type BeforeRejoinDeps = {
  /** Nobody sends heartbeats for us while we wait: the least of the time-outs of the group. */
  limitMs: number
  /** False: something is left. */
  drain: (ms: number) => Promise<boolean>
  /** False: it is not committed. */
  settleCommits: (ms: number) => Promise<boolean>
  emit: Emit
}

export type BeforeRejoin = ReturnType<typeof createBeforeRejoin>

export function createBeforeRejoin({ limitMs, drain, settleCommits, emit }: BeforeRejoinDeps) {
  const limit = limitMs / 3
  let settling: Promise<void> | null = null

  async function settle() {
    const empty = await drain(Math.min(DRAIN_MS, limit))
    const committed = await settleCommits(Math.min(COMMIT_MS, limit))
    emit({ type: 'rebalancing', drained: empty && committed })
  }

  return {
    /** Once for each rebalance, however often the join is tried, and by however many fetchers. */
    settled: (): Promise<void> => (settling ??= settle()),
    /** Joined: the next time is another one. */
    over(): void {
      settling = null
    },
  }
}
