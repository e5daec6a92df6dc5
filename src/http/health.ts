// How a member is, from what it knows of itself: no question to Kafka or PostgreSQL, or an outage of theirs would have every
// member restarted at once. Live: a restart would not help. Ready: it works, as far as it can tell.

/** Milliseconds; null: never, or not now. */
export type Facts = {
  /** In the group, and how long since the last sign of any kind from it. */
  readonly member: boolean
  readonly silentMs: number | null
  /** Has been in the group at least once. */
  readonly joined: boolean
  /** The oldest write to PostgreSQL that has not ended. */
  readonly writingMs: number | null
  /** Every write has failed for so long. */
  readonly failingMs: number | null
  /** Records are buffered, PostgreSQL took the last write, the gate is open, and nothing has been written for so long. */
  readonly stalledMs: number
  readonly draining: boolean
  readonly gateClosed: boolean
}

export type Health = {
  readonly live: boolean
  readonly ready: boolean
  /** Why not, for a person; empty when all is well. */
  readonly reasons: readonly string[]
}

/** Time-outs of statement and transaction end a write long before. */
const WRITE_MS = 300_000
const STALLED_MS = 600_000
const SILENT_MS = 90_000
const FAILING_MS = 30_000

const seconds = (ms: number) => `${Math.floor(ms / 1000)} s`

export function judge(facts: Facts, { sessionTimeoutMs }: { sessionTimeoutMs: number }): Health {
  const { member, joined, silentMs, writingMs, stalledMs, failingMs } = facts
  const wedged: string[] = []
  if (member && silentMs !== null && silentMs > Math.max(2 * sessionTimeoutMs, SILENT_MS))
    wedged.push(`a member of the group without a heartbeat, a fetch or a join for ${seconds(silentMs)}`)
  if (writingMs !== null && writingMs > WRITE_MS) wedged.push(`a write that has not ended for ${seconds(writingMs)}`)
  if (stalledMs > STALLED_MS)
    wedged.push(`records are buffered and nothing is written for ${seconds(stalledMs)}, although PostgreSQL answers`)
  const waiting: string[] = []
  if (!joined) waiting.push('not in the group yet')
  if (failingMs !== null && failingMs > FAILING_MS)
    waiting.push(`PostgreSQL refuses every write for ${seconds(failingMs)}`)
  if (facts.draining) waiting.push('draining')
  if (facts.gateClosed) waiting.push('the gate is closed: see `sluice resume`')
  const reasons = [...wedged, ...waiting]
  return { live: wedged.length === 0, ready: reasons.length === 0, reasons }
}
