// Reading dead letters for people: pages, one letter, counts. Never all at once: there may be millions.
import { z } from 'zod'
import type { DeadLetterRow } from '../dead-letters/dead-letter.ts'
import type { Cursor, LetterFilter, LetterSummary } from '../dead-letters/letter-filter.ts'
import type { Immutable } from '../lib/immutable.ts'
import type { Database } from './database.ts'
import { beyond, createParams, whereOf } from './letter-where.ts'
import { LETTER, letterFromRow, type StoredLetter } from './outbox.ts'

export type LetterDetail = DeadLetterRow & { readonly replayClaimedUntil: Date | null }

export const letterCounts = z.object({
  ...{ total: z.number(), lastHour: z.number(), hourBefore: z.number() },
  unpublished: z.number().describe('Not on the DLQ topic yet'),
  oldestOpen: z.date().nullable(),
  oldestUnresolved: z.date().nullable().describe('Also of those replayed and not settled yet, or parked'),
  ...{ open: z.number(), replayed: z.number(), resolved: z.number(), parked: z.number(), discarded: z.number() },
})
export type LetterStats = Immutable<z.infer<typeof letterCounts>> & {
  /** Empty when the letters are counted by topic; `topic` is empty when by code. */
  readonly code: string
  readonly stage: string
  readonly topic: string
}

export type LetterStore = {
  /** Newest first, behind `after`. */
  page(filter: LetterFilter, after: Cursor | null, limit: number): Promise<LetterSummary[]>
  /** The first letters, up to `limit`, whose id begins so. */
  idsWithPrefix(prefix: string, limit: number): Promise<string[]>
  /** Null: the group has no such letter. */
  get(id: string): Promise<LetterDetail | null>
  count(filter: LetterFilter): Promise<number>
  /** One pass over the table; the largest count first. */
  stats(filter: LetterFilter, by: 'code' | 'topic'): Promise<LetterStats[]>
  /** The database's clock: it alone says what was there before. */
  now(): Promise<Date>
}

const SUMMARY = `d.id, d.topic, d.partition, d.record_offset AS "recordOffset", d.record_timestamp AS "recordTimestamp",
  d.stage, d.code, d.sqlstate, d.path, d.message, d.attempts, d.seen_count AS "seenCount",
  d.replay_count AS "replayCount", d.user_id AS "userId", d.invoice_id AS "invoiceId", d.line_number AS "lineNumber",
  d.status, d.failed_at AS "failedAt", d.published_at AS "publishedAt", d.created_at AS "createdAt",
  d.replay_sent_at AS "replaySentAt", d.resolved_at AS "resolvedAt", d.discard_reason AS "discardReason",
  octet_length(d.value) AS "valueBytes", d.value_sha256 IS NULL AS stored`

const STATS = `count(*)::integer AS total,
  count(*) FILTER (WHERE d.status = 'open')::integer AS open,
  count(*) FILTER (WHERE d.status = 'replayed')::integer AS replayed,
  count(*) FILTER (WHERE d.status = 'resolved')::integer AS resolved,
  count(*) FILTER (WHERE d.status = 'parked')::integer AS parked,
  count(*) FILTER (WHERE d.status = 'discarded')::integer AS discarded,
  count(*) FILTER (WHERE d.created_at > now() - interval '1 hour')::integer AS "lastHour",
  count(*) FILTER (WHERE d.created_at > now() - interval '2 hours'
                     AND d.created_at <= now() - interval '1 hour')::integer AS "hourBefore",
  count(*) FILTER (WHERE d.published_at IS NULL)::integer AS unpublished,
  min(d.created_at) FILTER (WHERE d.status = 'open') AS "oldestOpen",
  min(d.created_at) FILTER (WHERE d.status IN ('open', 'replayed', 'parked')) AS "oldestUnresolved"`

export function createLetterStore({ database, groupId }: { database: Database; groupId: string }): LetterStore {
  const read = <Row>(sql: string, values: readonly unknown[]) =>
    database.client().$queryRawUnsafe<Row[]>(sql, ...values)
  return {
    page(filter, after, limit) {
      const params = createParams()
      const where = whereOf(params, groupId, filter) + beyond(params, after, '<')
      const sql = `SELECT ${SUMMARY} FROM dead_letter d WHERE ${where}
        ORDER BY d.created_at DESC, d.id DESC LIMIT ${params.add(limit, 'integer')}`
      return read<LetterSummary>(sql, params.values)
    },
    async idsWithPrefix(prefix, limit) {
      // `g` sorts behind every hex digit, in any collation: a range that the primary key's index answers.
      const sql = `SELECT id FROM dead_letter WHERE group_id = $1 AND id >= $2 AND id < $2 || 'g' ORDER BY id
        LIMIT $3::integer`
      return (await read<{ id: string }>(sql, [groupId, prefix, limit])).map(({ id }) => id)
    },
    async get(id) {
      const sql = `SELECT ${LETTER}, d.replay_claimed_until AS "replayClaimedUntil" FROM dead_letter d
        WHERE d.group_id = $1 AND d.id = $2`
      const [row] = await read<StoredLetter & { replayClaimedUntil: Date | null }>(sql, [groupId, id])
      return row ? { ...letterFromRow(row), replayClaimedUntil: row.replayClaimedUntil } : null
    },
    async count(filter) {
      const params = createParams()
      const where = whereOf(params, groupId, filter)
      const sql = `SELECT count(*)::integer AS count FROM dead_letter d WHERE ${where}`
      return (await read<{ count: number }>(sql, params.values))[0]?.count ?? 0
    },
    stats(filter, by) {
      const params = createParams()
      const where = whereOf(params, groupId, filter)
      const columns = by === 'code' ? "d.code, d.stage, '' AS topic" : "'' AS code, '' AS stage, d.topic"
      const sql = `SELECT ${columns}, ${STATS} FROM dead_letter d WHERE ${where}
        GROUP BY ${by === 'code' ? 'd.code, d.stage' : 'd.topic'} ORDER BY total DESC, 1, 2, 3`
      return read<LetterStats>(sql, params.values)
    },
    async now() {
      const [row] = await read<{ now: Date }>('SELECT now()::timestamptz(3) AS now', [])
      if (!row) throw new TypeError('SELECT now() gave no row')
      return row.now
    },
  }
}
