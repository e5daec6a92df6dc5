// The whole group as the database knows it: what the members say, and what is settled. Read at most once a second, however many
// ask, and letters are counted apart from it; when PostgreSQL does not answer, the last answer is given, and said to be old: but for
// the partitions of this member, which knows its own.
import type { Clock } from '../lib/clock.ts'
import type { GateState } from '../sink/gate-store.ts'
import { older, totalOf } from '../sink/letter-json.ts'
import type { LetterStats } from '../sink/letter-store.ts'
import { isAlive, type MemberRow } from '../sink/member-store.ts'
import type { OffsetAccount } from '../sink/offset-store.ts'
import { STALE_MS } from '../telemetry/lag.ts'
import type { MemberState } from '../telemetry/member-state.ts'
import type { DeadLetterFigures } from '../telemetry/metrics.ts'
import { kept, type Kept } from './kept.ts'

type Own = { readonly memberId: string; readonly partitions: MemberState['partitions']; readonly unansweredMs: number }
export type GroupReads = {
  readonly members: () => Promise<readonly MemberRow[]>
  readonly offsets: () => Promise<readonly OffsetAccount[]>
  readonly gate: () => Promise<GateState>
  readonly letters: () => Promise<readonly LetterStats[]>
  readonly now: () => Promise<Date>
  /** What this member knows without PostgreSQL. */
  readonly own: () => Own
}

const STATE = { ms: 1_000, share: 1 }
/** Counting letters may take a tenth of a connection's time. */
const LETTERS = { ms: 10_000, share: 10 }
const PATIENCE_MS = 3_000
/** To Prometheus older figures are unknown. */
const FIGURES_MS = 300_000

export function createGroup(reads: GroupReads, clock: Clock) {
  const table = kept(
    async () => {
      const [now, gate] = [await reads.now(), await reads.gate()]
      const members = await reads.members()
      const offsets = await reads.offsets()
      return {
        now,
        gate: gate.closure,
        members: members.map(memberOf),
        partitions: partitionsOf(members, offsets, now),
      }
    },
    STATE,
    clock,
  )
  const letters = kept(async () => ({ asOf: await reads.now(), rows: await reads.letters() }), LETTERS, clock)

  /** What is known by then; `error`: why it is not of now. */
  async function inTime<T>(source: Kept<T>, maxAgeMs?: number) {
    const enough = new AbortController()
    const late = clock
      .sleep(PATIENCE_MS, enough.signal)
      .then(() => ({ value: source.last(maxAgeMs), error: 'no answer' }))
    const answer = source.get().then(
      (value) => ({ value, error: null }),
      (error: unknown) => ({ value: source.last(maxAgeMs), error }),
    )
    const found = await Promise.race([answer, late])
    enough.abort()
    return found
  }

  return {
    async state() {
      const [found, lettersFound] = await Promise.all([inTime(table), inTime(letters)])
      const { error } = found
      const own = reads.own()
      const { now = null, gate = null, members = [], partitions: last = [] } = found.value ?? {}
      const partitions = error === null ? last : withOwn(last, own)
      const lag = lagOf(partitions, members)
      const deadLetters = lettersFound.value && figuresOf(lettersFound.value)
      // Rates are as old as the rest.
      const known = error === null ? lag : { ...lag, clearSeconds: null }
      return { error, unansweredMs: own.unansweredMs, now, gate, members, partitions, lag: known, deadLetters }
    },
    /** All of them, as they were counted last. */
    letterStats: async () => (await letters.get()).rows,
    /** For metrics; null: unknown. */
    async deadLetters(): Promise<DeadLetterFigures | null> {
      const { value } = await inTime(letters, FIGURES_MS)
      return value && figuresOf(value)
    },
  }
}

const memberOf = (row: MemberRow) => {
  const { seenMsAgo, ...rest } = row
  return { ...rest, seenMsAgo: Math.max(0, Math.round(seenMsAgo)), alive: isAlive(row) }
}

type Claim = { readonly row: MemberRow; readonly state: MemberRow['state']['partitions'][number] }

function partitionsOf(members: readonly MemberRow[], offsets: readonly OffsetAccount[], now: Date) {
  const rows = new Map(offsets.map((row) => [row.partition, row]))
  const claims = new Map<number, Claim>()
  // Who was seen last comes first; for a moment after a rebalance two may say that it is theirs.
  for (const row of members.filter(isAlive))
    for (const state of row.state.partitions)
      if (!claims.has(state.partition)) claims.set(state.partition, { row, state })
  const numbers = [...new Set([...rows.keys(), ...claims.keys()])].sort((a, b) => a - b)
  return numbers.map((partition) => partitionOf(partition, rows.get(partition), claims.get(partition), now))
}

type Counts = Record<'inserted' | 'duplicates' | 'deadLettered' | 'ignored' | 'skipped', bigint | null>

function partitionOf(partition: number, row: OffsetAccount | undefined, claim: Claim | undefined, now: Date) {
  const counts: Counts = {
    inserted: row?.inserted ?? 0n,
    duplicates: row?.duplicate ?? 0n,
    deadLettered: row?.deadLettered ?? 0n,
    ignored: row?.ignored ?? 0n,
    skipped: row?.skipped ?? 0n,
  }
  const position = row ? Number(row.nextOffset) : null
  // Not by the member's wall clock: now is by PostgreSQL's.
  const askedMsAgo = claim?.row.state.askedMsAgo ?? null
  const ageMs = claim && askedMsAgo !== null ? askedMsAgo + Math.max(0, claim.row.seenMsAgo) : null
  // PostgreSQL was asked later than Kafka: what it holds was there.
  const told = claim?.state.end ?? null
  const end = told === null ? null : Math.max(told, position ?? 0)
  const behind = end === null || position === null ? null : end - position
  const isBelieved = ageMs !== null && ageMs <= STALE_MS && claim?.state.lagRecords !== null
  const lagRecords = isBelieved || (behind ?? 0) > 0 ? behind : null
  const age = claim?.state.lagSeconds ?? null
  return {
    ...{ partition, memberId: claim?.row.memberId ?? null, position, end },
    asOf: ageMs === null ? null : new Date(now.getTime() - Math.round(ageMs)),
    committed: claim?.state.committed ?? null,
    lagRecords,
    // An age of nothing is believed only with a lag of nothing; that of a record that waits remains exact.
    lagSeconds: lagRecords === 0 ? 0 : lagRecords === null && age === 0 ? null : age,
    ...counts,
  }
}

function withOwn(partitions: readonly Partition[], { memberId, partitions: own }: Own) {
  const all = new Map(partitions.map((each) => [each.partition, each]))
  for (const { partition, position, ...told } of own) {
    const last = all.get(partition) ?? { ...NEVER_READ, partition, memberId, position }
    if (last.memberId !== memberId || told.end === null) continue
    all.set(partition, { ...last, ...told, position: position ?? last.position, asOf: null })
  }
  return [...all.values()].sort((a, b) => a.partition - b.partition)
}

/** PostgreSQL has not answered this member since it started. */
const NEVER_READ = { inserted: null, duplicates: null, deadLettered: null, ignored: null, skipped: null }

type Partition = ReturnType<typeof partitionOf>
type Member = ReturnType<typeof memberOf>

function lagOf(partitions: readonly Partition[], members: readonly Member[]) {
  const [records, seconds] = [partitions.map((each) => each.lagRecords), partitions.map((each) => each.lagSeconds)]
  const total =
    partitions.length === 0 || records.includes(null)
      ? null
      : records.reduce<number>((sum, each) => sum + (each ?? 0), 0)
  const rates = members.filter(({ alive }) => alive).map(({ state }) => state.rate)
  const gain = rates.some(({ settledPerSecond }) => settledPerSecond === null)
    ? null
    : rates.reduce((sum, each) => sum + (each.settledPerSecond ?? 0) - (each.arrivedPerSecond ?? 0), 0)
  return {
    records: total,
    seconds: partitions.length === 0 || seconds.includes(null) ? null : Math.max(...seconds.map((each) => each ?? 0)),
    clearSeconds: total === 0 ? 0 : total === null || gain === null || gain <= 0 ? null : Math.round(total / gain),
  }
}

const unresolvedOf = ({ open, replayed, parked }: LetterStats) => open + replayed + parked

function figuresOf({ asOf, rows }: { asOf: Date; rows: readonly LetterStats[] }) {
  const total = totalOf(rows)
  const { open, replayed, resolved, parked, discarded } = total
  const codes = [...new Set(rows.map(({ code }) => code))]
  const byCode = codes.map((code) => {
    const all = rows.filter((row) => row.code === code)
    const sum = (of: (row: LetterStats) => number) => all.reduce((count, row) => count + of(row), 0)
    return {
      code,
      unresolved: sum(unresolvedOf),
      total: sum((row) => row.total),
      lastHour: sum((row) => row.lastHour),
      hourBefore: sum((row) => row.hourBefore),
      oldestUnresolvedAt: all.reduce<Date | null>((oldest, row) => older(oldest, row.oldestUnresolved), null),
    }
  })
  return {
    asOf,
    unresolved: unresolvedOf(total),
    byStatus: { open, replayed, resolved, parked, discarded },
    ...{ unpublished: total.unpublished, lastHour: total.lastHour, hourBefore: total.hourBefore },
    oldestUnresolvedAt: total.oldestUnresolved,
    byCode,
  }
}
