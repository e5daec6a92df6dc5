// What a member knows of its group's gate. The sink enforces it (no batch passes a closed gate); this is so that the
// member also stops taking records, says why, and goes on by itself when an operator opens it.
import type { Clock } from '../lib/clock.ts'
import { createSignal } from '../lib/signal.ts'
import type { Emit } from '../telemetry/events.ts'
import type { Closure, Gate } from './sink.ts'

const POLL_MS = 1_000

export type GateWatch = ReturnType<typeof createGateWatch>

export function createGateWatch({ gate, clock, emit }: { gate: Gate; clock: Clock; emit: Emit }) {
  let closure: Closure | null = null
  const changed = createSignal()

  async function look(): Promise<void> {
    const found = await gate.closure()
    const before = closure?.closedAt.getTime()
    closure = found
    if (before === found?.closedAt.getTime()) return
    if (found) {
      const { code, reason, partition, offset } = found
      emit({ type: 'gate-closed', code, reason, partition, offset })
    } else emit({ type: 'gate-opened' })
    changed.fire()
  }
  // A sink that does not answer is the retries' business.
  const tryLook = () => look().catch(() => {})

  return {
    closed: () => closure !== null,
    /** Looks until aborted. `onChange` is told of each closing and opening. */
    async run(signal: AbortSignal, onChange: () => void): Promise<void> {
      while (!signal.aborted) {
        const before = closure
        await tryLook()
        if (before !== closure) onChange()
        await clock.sleep(POLL_MS, signal)
      }
    },
    /** The sink said that it is closed: resolves when it is open, or when `enough`. */
    async opened(enough: () => boolean): Promise<void> {
      await tryLook()
      while (closure !== null && !enough()) await changed.wait(POLL_MS)
    },
  }
}
