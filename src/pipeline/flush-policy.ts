// When to flush, and why. Pure: time is an argument. The wait runs from the OLDEST record (a timer restarted by every
// record never fires on a steady trickle), and is there to make fewer flushes of many: a lane that has rested so long already
// flushes at once, as waiting would only be latency.
import type { LaneState } from './buffer.ts'
import type { FlushReason } from './sink.ts'

export type FlushLimits = { readonly records: number; readonly bytes: number; readonly ageMs: number }

/** Asked only while the lane's sink is free: since `freeSince`, −Infinity if it never was in use. */
export type Moment = { readonly now: number; readonly freeSince: number; readonly draining: boolean }

/** The reason to flush now, or null to wait on. */
export function due(state: LaneState, limits: FlushLimits, { now, freeSince, draining }: Moment): FlushReason | null {
  if (state.oldestAt === null) return null
  if (draining) return 'drain'
  if (state.records >= limits.records) return 'size'
  if (state.bytes >= limits.bytes) return 'bytes'
  // Nothing more can arrive: waiting for the limits would only wait for the age.
  if (state.full !== null) return state.full === 'records' ? 'size' : 'bytes'
  return now >= dueAt(state.oldestAt, limits, freeSince) ? 'age' : null
}

/** Milliseconds until `due` answers 'age' if nothing else happens; null when nothing waits. */
export function msUntilDue({ oldestAt }: LaneState, limits: FlushLimits, { now, freeSince }: Moment): number | null {
  return oldestAt === null ? null : Math.max(0, dueAt(oldestAt, limits, freeSince) - now)
}

const dueAt = (oldestAt: number, { ageMs }: FlushLimits, freeSince: number) =>
  Math.max(oldestAt, Math.min(oldestAt, freeSince) + ageMs)
