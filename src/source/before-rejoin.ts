// What a member does before it joins again: settle what it holds and tell Kafka, in bounded time, or others would read it again.
// kafkajs waits for every batch that it has fetched, and each of them is refused its heartbeat: they wait for one and the same
// end, once. One after the other they took so many times as long, and the group gave the member up meanwhile.
import type { Emit } from '../telemetry/events.ts'
import { protocolType } from './rejoin.ts'

const DRAIN_MS = 10_000
const COMMIT_MS = 3_000

export type BeforeRejoinDeps = {
  /** Nobody sends heartbeats for us while we wait: the least of the time-outs of the group. */
  limitMs: number
  drain: (ms: number) => Promise<void>
  /** False: it is not committed. */
  settleCommits: (ms: number) => Promise<boolean>
  emit: Emit
}

export type BeforeRejoin = ReturnType<typeof createBeforeRejoin>

export function createBeforeRejoin({ limitMs, drain, settleCommits, emit }: BeforeRejoinDeps) {
  const limit = limitMs / 3
  let settling: Promise<void> | null = null

  async function settle(code: string) {
    // Others may have our partitions by now, and no commit of ours is taken: the sooner we join the better.
    const known = code !== 'UNKNOWN_MEMBER_ID'
    if (known) await drain(Math.min(DRAIN_MS, limit))
    const drained = known && (await settleCommits(Math.min(COMMIT_MS, limit)))
    emit({ type: 'rebalancing', code, drained })
  }

  return {
    settled: (error: unknown): Promise<void> => (settling ??= settle(protocolType(error) ?? '')),
    /** Joined: the next time is another one. */
    over(): void {
      settling = null
    },
  }
}
