// When to flush, and why. Pure: time is an argument. The wait runs from the OLDEST record (a timer restarted by every
// record never fires on a steady trickle).
import type { LaneState } from './buffer.ts'
import type { FlushReason } from './sink.ts'

export type FlushLimits = { readonly records: number; readonly bytes: number; readonly ageMs: number }

/** The reason to flush now, or null to wait on. Asked only while the lane's sink is free. */
export function due(state: LaneState, limits: FlushLimits, draining: boolean, now: number): FlushReason | null {
  if (state.oldestAt === null) return null
  if (draining) return 'drain'
  if (state.records >= limits.records) return 'size'
  if (state.bytes >= limits.bytes) return 'bytes'
  // Nothing more can arrive: waiting for the limits would only wait for the age.
  if (state.full !== null) return state.full === 'records' ? 'size' : 'bytes'
  return now - state.oldestAt >= limits.ageMs ? 'age' : null
}

/** Milliseconds until `due` answers 'age' if nothing else happens; null when nothing waits. */
export function msUntilDue(state: LaneState, limits: FlushLimits, now: number): number | null {
  return state.oldestAt === null ? null : Math.max(0, state.oldestAt + limits.ageMs - now)
}
