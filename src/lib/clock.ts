import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** Time as an argument. */
export type Clock = {
  /** Monotonic milliseconds: a flush timer on a wall clock would stand still when the clock is set back. */
  readonly now: () => number
  /** Milliseconds since the epoch. */
  readonly wall: () => number
  /** Ends early, without an error, when aborted. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, { signal, ref: true }).catch((error: unknown) => {
      if (!signal?.aborted) throw error
    })
  },
}
