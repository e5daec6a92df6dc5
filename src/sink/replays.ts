// Records that are replays of dead letters: what becomes of one is told to its letter, in the same transaction.
import { hash } from 'node:crypto'
import { type DeadLetterStatus, MAX_REPLAYS, nextStatus } from '../dead-letters/life-cycle.ts'
import { type ReplayClaim, replayClaim } from '../dead-letters/replay-headers.ts'
import { messageOf } from '../line-items/fault.ts'
import type { SourceRecord } from '../pipeline/source-record.ts'
import { numberArray, textArray } from './array-literal.ts'
import { storable } from './letter.ts'
import type { Rejected } from './sorted.ts'
import type { Tx } from './writer.ts'

/** A record that is a replay, and the letter it belongs to. */
export type Replay = { readonly letterId: string; readonly attempt: number }
export type Replays = ReadonlyMap<SourceRecord, Replay>

type StoredLetter = {
  id: string
  status: DeadLetterStatus
  replayCount: number
  /** Of the value that the newest replay sent, and of the letter's own; null: it was never replayed. */
  replayHash: string | null
  valueHash: string | null
}

export type Claims = ReadonlyMap<SourceRecord, ReplayClaim>

/** What the headers say; anybody may write such headers. */
export function claimsOf(records: readonly SourceRecord[]): Claims {
  const claims = new Map<SourceRecord, ReplayClaim>()
  for (const record of records) {
    // A tombstone has no outcome.
    const claim = record.value && record.headers.length > 0 ? replayClaim(record.headers) : null
    if (claim) claims.set(record, claim)
  }
  return claims
}

/**
 * Which of the records are replays; their letters are locked. A claim without a letter of this group that was replayed with
 * just this value is somebody's own header: ignored. The letter's own value counts too: a replay may be under way still when
 * an operator sends an edited one after it.
 */
export async function matchReplays(
  tx: Tx,
  groupId: string,
  claims: Claims,
): Promise<{ replays: Replays; letters: Map<string, StoredLetter> }> {
  const replays = new Map<SourceRecord, Replay>()
  if (claims.size === 0) return { replays, letters: new Map() }
  const sql = `
    SELECT id, status, replay_count AS "replayCount", encode(replay_hash, 'hex') AS "replayHash",
      CASE WHEN replay_hash IS NOT NULL THEN encode(coalesce(value_sha256, sha256(coalesce(value, ''))), 'hex') END
        AS "valueHash"
    FROM dead_letter WHERE group_id = $1 AND id = ANY ($2::text[]) ORDER BY id FOR UPDATE`
  const ids = textArray([...new Set([...claims.values()].map(({ id }) => id))])
  const rows = await tx.$queryRawUnsafe<StoredLetter[]>(sql, groupId, ids)
  const letters = new Map(rows.map((row) => [row.id, row]))
  for (const [record, { id, count }] of claims) {
    const sent = hash('sha256', record.value ?? Buffer.alloc(0), 'hex')
    const letter = letters.get(id)
    if (letter?.replayHash === sent || letter?.valueHash === sent) replays.set(record, { letterId: id, attempt: count })
  }
  return { replays, letters }
}

export type ReplayOutcome = { readonly record: SourceRecord; readonly rejected: Rejected | null }

type Change = { id: string; status: DeadLetterStatus; seen: number; rejected: Rejected | null }

/** `outcomes` in order of arrival: a replay may have come twice. */
export async function settleReplays(
  tx: Tx,
  { replays, letters }: Awaited<ReturnType<typeof matchReplays>>,
  { outcomes, failedAt }: { outcomes: readonly ReplayOutcome[]; failedAt: Date },
): Promise<void> {
  const changes = new Map<string, Change>()
  for (const { record, rejected } of outcomes) {
    const replay = replays.get(record)
    const letter = replay && letters.get(replay.letterId)
    if (!replay || !letter) continue
    const before = changes.get(letter.id)
    const status = statusAfter(before?.status ?? letter.status, rejected !== null, replay.attempt, letter.replayCount)
    const seen = (before?.seen ?? 0) + (rejected ? 1 : 0)
    const reason = status === 'resolved' ? null : (rejected ?? before?.rejected ?? null)
    changes.set(letter.id, { id: letter.id, status, seen, rejected: reason })
  }
  if (changes.size > 0) await update(tx, [...changes.values()], failedAt)
}

/** A second copy of a replay that failed already, or one of an earlier replay, is no new failure. */
function statusAfter(status: DeadLetterStatus, failed: boolean, attempt: number, newest: number): DeadLetterStatus {
  if (!failed) return nextStatus(status, 'written') ?? status
  if (attempt !== newest) return status
  return nextStatus(status, newest >= MAX_REPLAYS ? 'refused-finally' : 'refused') ?? status
}

async function update(tx: Tx, changes: readonly Change[], failedAt: Date): Promise<void> {
  const sql = `
    UPDATE dead_letter d SET status = v.status, seen_count = d.seen_count + v.seen,
      resolved_at = CASE WHEN v.status = 'resolved' THEN coalesce(d.resolved_at, now()) END,
      stage = coalesce(v.stage, d.stage), code = coalesce(v.code, d.code), message = coalesce(v.message, d.message),
      path = CASE WHEN v.code IS NULL THEN d.path ELSE v.path END,
      sqlstate = CASE WHEN v.code IS NULL THEN d.sqlstate ELSE v.sqlstate END,
      failed_at = CASE WHEN v.code IS NULL THEN d.failed_at ELSE $8::timestamptz END
    FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::text[], $9::text[])
      AS v (id, status, seen, stage, code, path, sqlstate, message)
    WHERE d.id = v.id`
  const reasons = changes.map(({ rejected }) => rejected?.reason ?? null)
  await tx.$executeRawUnsafe(
    sql,
    textArray(changes.map(({ id }) => id)),
    textArray(changes.map(({ status }) => status)),
    numberArray(changes.map(({ seen }) => seen)),
    textArray(reasons.map((reason) => reason?.stage ?? null)),
    textArray(reasons.map((reason) => reason?.code ?? null)),
    textArray(reasons.map((reason) => storable(reason?.path ?? null))),
    textArray(reasons.map((reason) => reason?.sqlstate ?? null)),
    failedAt,
    textArray(reasons.map((reason) => (reason ? messageOf(reason.code) : null))),
  )
}
