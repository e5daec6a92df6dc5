import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** Monotonic milliseconds, wall-clock milliseconds, and a sleep that ends early, without an error, when aborted. */
export type Clock = {
  now(): number
  wall(): number
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** `now` never jumps: a flush timer on a wall clock stands still when the clock is set back. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, { signal, ref: true }).catch((error: unknown) => {
      if (!signal?.aborted) throw error
    })
  },
}
