// What the lag of one partition means, as a function of some looks at it. Burrow's rules: a large lag that falls is well, a
// small one that stands still is not. With what Burrow cannot see: PostgreSQL's position, the gate, who owns the partition.
import { type Trend, trendOf } from './lag-trend.ts'

export type Look = {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** In PostgreSQL; null: there is no row yet. */
  readonly position: bigint | null
  readonly end: bigint
  /** In records. */
  readonly lag: bigint
  /** Of the oldest record that is not in PostgreSQL; 0: there is none, null: unknown. */
  readonly ageMs: number | null
}
/** At the last look. */
export type Circumstances = {
  /** Why members would refuse to begin here: see source/start-position.ts. */
  readonly finding: string | null
  /** What Kafka has committed, when the position (read after it) is below. */
  readonly ahead: bigint | null
  /** Since when and why the gate is closed. */
  readonly gate: string | null
  readonly group: 'working' | 'rebalancing' | 'empty'
  readonly owner: string | null
  /** Since the position last moved, by PostgreSQL's clock; null: it never has. */
  readonly stillMs: number | null
}
export type VerdictName = 'ok' | 'behind' | 'stalled' | 'stopped' | 'rewound'
export type Verdict = { readonly verdict: VerdictName; readonly why: string; readonly remedy: string | null }

/** What is younger is on its way: a flush waits up to a second for company, and takes up to a second. */
export const FRESH_MS = 5_000
/** Above every time-out of a write, and above what a rebalance usually takes. */
export const STILL_MS = 60_000
/** The alert SluiceLagHigh has the same. */
export const LATE_MS = 600_000

const RESET = 'stop the members, then decide where to go on: `sluice offsets reset --to earliest`, or `--to kafka`'
const SCALE = 'add members (as many as there are partitions), see docs/scaling.md'

/** `looks`: at least one, the oldest first. */
export function verdictOf(looks: readonly Look[], now: Circumstances): Verdict {
  const last = looks.at(-1)
  if (!last) throw new Error('a verdict needs a look')
  if (now.finding !== null) return say('stopped', `members refuse to begin: ${now.finding}`, RESET)
  const rewound = rewoundBy(looks, last, now)
  if (rewound) return rewound
  if (last.lag === 0n) return say('ok', 'caught up')
  const blocked = blockedBy(now)
  if (blocked) return blocked
  // A lag of zero a moment ago: this one has just come.
  if (looks.some(({ lag }) => lag === 0n)) return say('ok', 'was caught up a moment ago')
  const trend = trendOf(looks)
  const moves = trend !== null && trend.settledPerSecond > 0 && (now.stillMs ?? 0) < STILL_MS
  return moves ? moving(last, trend) : standing(looks, last, now)
}

function rewoundBy(looks: readonly Look[], { position }: Look, { ahead }: Circumstances): Verdict | null {
  const again =
    'nothing, if it was `sluice offsets reset`; else find out whether PostgreSQL failed over or was restored'
  const highest = looks.reduce(
    (most, look) => (look.position !== null && look.position > most ? look.position : most),
    -1n,
  )
  if (position !== null && highest > position)
    return say(
      'rewound',
      `the position went back from ${highest} to ${position}; what lies between is read again`,
      again,
    )
  if (position !== null && ahead !== null)
    return say(
      'rewound',
      `Kafka's commit (${ahead}) is ahead of PostgreSQL, which counts: read again from ${position}`,
      again,
    )
  return null
}

function blockedBy({ gate, group, owner }: Circumstances): Verdict | null {
  if (gate !== null) return say('stopped', `the gate is ${gate}`, 'mend the cause, then `sluice resume`')
  if (group === 'empty') return say('stopped', 'no member of the group runs', 'start one: `sluice consume`')
  if (group === 'rebalancing') return say('behind', 'the group is rebalancing', 'wait; a killed member is waited for (KAFKA_SESSION_TIMEOUT_MS)') // prettier-ignore
  if (owner === null) return say('stopped', 'no member owns this partition', 'compare KAFKA_TOPIC and KAFKA_GROUP_ID of the members with yours') // prettier-ignore
  return null
}

function moving({ ageMs }: Look, { direction, secondsToClear }: Trend): Verdict {
  const left = secondsToClear === null ? '' : `, about ${inWords(secondsToClear * 1_000)} to go`
  if (ageMs !== null && ageMs <= FRESH_MS) return say('ok', 'keeps up')
  if (direction !== 'falling') return say('behind', 'it moves, but the lag does not fall', SCALE)
  if (ageMs === null || ageMs <= LATE_MS) return say('ok', `catching up${left}`)
  return say('behind', `catching up${left}; the oldest record has waited ${inWords(ageMs)}`, SCALE)
}

function standing(looks: readonly Look[], { at, ageMs }: Look, { stillMs, owner }: Circumstances): Verdict {
  const seen = at - (looks[0]?.at ?? at)
  // Long idle, it still waits only since a record came.
  const waited = stillMs === null ? seen : Math.max(seen, Math.min(stillMs, ageMs ?? stillMs))
  const still = `the position has not moved for ${inWords(waited)}`
  const look = `see what ${owner ?? 'its member'} logs and what its /ready says, then \`sluice doctor\``
  if (waited >= STILL_MS) return say('stalled', `${still}, although a member owns the partition`, look)
  if (looks.length === 1 && stillMs !== null && stillMs <= FRESH_MS)
    return say('behind', 'it moves; one look does not tell whether the lag falls')
  if (ageMs !== null && ageMs <= FRESH_MS) return say('ok', 'has just come')
  return say(
    'behind',
    `${still}; it counts as stalled from ${inWords(STILL_MS)} on`,
    'look again: `sluice lag --watch`',
  )
}

const say = (verdict: VerdictName, why: string, remedy: string | null = null): Verdict => ({ verdict, why, remedy })

/** The two largest units. */
export function inWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}
