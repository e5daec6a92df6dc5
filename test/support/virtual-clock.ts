// Time that passes only when it is told to, from one sleeper to the next. For code of which all waiting is at the clock.
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../src/lib/clock.ts'

export const virtualClock = () => {
  let now = 0
  const sleepers = new Set<{ at: number; wake: () => void }>()
  const clock: Clock = {
    now: () => now,
    wall: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const wake = () => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { at: now + ms, wake }
        sleepers.add(sleeper)
        if (signal?.aborted) wake()
        signal?.addEventListener('abort', wake)
      }),
  }
  return {
    clock,
    /** Lets `ms` pass; `each` is called whenever somebody has woken. */
    run: async (ms: number, each: () => void = () => {}): Promise<void> => {
      const until = now + ms
      for (;;) {
        await setImmediate()
        const [next] = [...sleepers].sort((a, b) => a.at - b.at)
        if (!next || next.at > until) break
        now = Math.max(now, next.at)
        next.wake()
        await setImmediate()
        each()
      }
      now = until
    },
  }
}
