// How a member is, from what it knows of itself: no question to Kafka or PostgreSQL, or an outage of theirs would have every
// member restarted at once. Live: a restart would not help. Each rule of it is about something of our own that stands still,
// and holds however long both are away. Ready: it works, as far as it can tell.

import type { Stuck } from './standstill.ts'

/** Milliseconds; null: never, or not now. */
export type Facts = {
  /** Has been in the group at least once; is in it now, as far as it knows. */
  readonly joined: boolean
  readonly member: boolean
  /** The source should have begun another consumer so long ago. */
  readonly overdueMs: number
  /** Since the coordinator last answered. */
  readonly silentMs: number | null
  /** Nothing is buffered, and no broker has answered a fetch for so long. */
  readonly fetchlessMs: number
  /** Partitions of ours of which nothing is read yet, as nobody has said where to begin. */
  readonly unpositioned: number
  /** Since PostgreSQL last answered anything. It is asked every second. */
  readonly unansweredMs: number
  /** The oldest write to PostgreSQL that has not ended. */
  readonly writingMs: number | null
  /** Of the lane that is worst off: every write has failed for so long. */
  readonly failingMs: number | null
  /** The same: there is something to write, PostgreSQL answers, the gate is open, and nothing has been written for so long. */
  readonly stalledMs: number
  /** The partition that has stood still for longest although Kafka has more of it, it and PostgreSQL answer, and the gate is open. */
  readonly stuck: Stuck | null
  readonly draining: boolean
  readonly gateClosed: boolean
}

export type Limits = { readonly sessionTimeoutMs: number; readonly flushMaxAgeMs: number }

export type Health = {
  readonly live: boolean
  readonly ready: boolean
  /** Why not, for a person; empty when all is well. */
  readonly reasons: readonly string[]
}

/** To end the consumer that was given up, and for the pause before the next. */
const OVERDUE_MS = 60_000
/** Time-outs of statement and transaction end a write long before. */
const WRITE_MS = 300_000
/** Beside the age that a batch may reach. */
const STALLED_MS = 600_000
/** Of one partition, of which nothing comes. */
const STUCK_MS = 600_000
const FAILING_MS = 30_000

const seconds = (ms: number) => `${Math.floor(ms / 1000)} s`

export function judge(facts: Facts, limits: Limits): Health {
  // A drain has its deadline, and the source's watchdog has ended.
  const stuck = facts.draining ? [] : wedged(facts, limits)
  const reasons = [...stuck, ...waiting(facts, limits)]
  return { live: stuck.length === 0, ready: reasons.length === 0, reasons }
}

function wedged({ overdueMs, unansweredMs, writingMs, stalledMs, stuck }: Facts, { flushMaxAgeMs }: Limits): string[] {
  const reasons: string[] = []
  if (overdueMs > OVERDUE_MS)
    reasons.push(`no sign of the group, and no other consumer begun although one is due for ${seconds(overdueMs)}`)
  // While PostgreSQL says nothing, what waits for it is not to blame.
  if (unansweredMs > FAILING_MS) return reasons
  if (writingMs !== null && writingMs > WRITE_MS) reasons.push(`a write that has not ended for ${seconds(writingMs)}`)
  if (stalledMs > STALLED_MS + flushMaxAgeMs)
    reasons.push(`records are buffered and nothing is written for ${seconds(stalledMs)}, although PostgreSQL answers`)
  if (stuck !== null && stuck.ms > STUCK_MS)
    reasons.push(
      `nothing of partition ${stuck.partition} is read for ${seconds(stuck.ms)}, although Kafka has more and answers`,
    )
  return reasons
}

function waiting(facts: Facts, { sessionTimeoutMs }: Limits): string[] {
  const { joined, member, silentMs, fetchlessMs, unpositioned, unansweredMs, failingMs } = facts
  const reasons: string[] = []
  if (!member) reasons.push(joined ? 'not in the group any more; joining again' : 'not in the group yet')
  // Then the group may have given us up; and a fetch takes half a second.
  else if (silentMs !== null && silentMs > sessionTimeoutMs)
    reasons.push(`Kafka has answered no heartbeat for ${seconds(silentMs)}`)
  else if (fetchlessMs > sessionTimeoutMs) reasons.push(`Kafka has answered no fetch for ${seconds(fetchlessMs)}`)
  if (unpositioned > 0)
    reasons.push(`partitions of which nothing is read, as it is not known where to begin: ${unpositioned}`)
  if (unansweredMs > FAILING_MS) reasons.push(`PostgreSQL has not answered for ${seconds(unansweredMs)}`)
  if (failingMs !== null && failingMs > FAILING_MS)
    reasons.push(`PostgreSQL refuses every write for ${seconds(failingMs)}`)
  if (facts.draining) reasons.push('draining')
  if (facts.gateClosed) reasons.push('the gate is closed: see `sluice resume`')
  return reasons
}
