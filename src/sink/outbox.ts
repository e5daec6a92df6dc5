// Dead letters on their way to the DLQ topic. A short transaction leases them, the relay sends, and only then they are
// marked: at least once, with a stable id. A lock held during the send lost the mark to the session's time-out 3 of 3
// times and blocked the sink; a lease blocks nobody.
import type { DeadLetterRow } from '../dead-letters/dead-letter.ts'
import type { DeadLetterStatus } from '../dead-letters/life-cycle.ts'
import { textArray } from './array-literal.ts'
import type { Database } from './database.ts'
import { decodeHeaders } from './letter.ts'

export type Outbox = {
  /** Up to `limit` unpublished letters, oldest first, that nobody else gets for `leaseMs`. */
  claim(limit: number, leaseMs: number): Promise<DeadLetterRow[]>
  markPublished(ids: readonly string[]): Promise<void>
  /** Gives letters back that could not be sent, so that the next claim need not wait for the lease to end. */
  release(ids: readonly string[]): Promise<void>
  pending(): Promise<number>
}

export type StoredLetter = Omit<
  DeadLetterRow,
  'key' | 'value' | 'headers' | 'status' | 'valueSha256' | 'replayHash'
> & {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: Uint8Array
  readonly status: string
  readonly valueSha256: Uint8Array | null
  readonly replayHash: Uint8Array | null
}

/** All columns of `dead_letter d`, for `letterFromRow`. */
export const LETTER = `d.id, d.group_id AS "groupId", d.topic, d.partition, d.record_offset AS "recordOffset",
  d.record_timestamp AS "recordTimestamp", d.key, d.value, d.headers, d.stage, d.code, d.sqlstate, d.path, d.message,
  d.attempts, d.seen_count AS "seenCount", d.replay_count AS "replayCount", d.user_id AS "userId",
  d.invoice_id AS "invoiceId", d.line_number AS "lineNumber", d.status, d.failed_at AS "failedAt",
  d.published_at AS "publishedAt", d.claimed_until AS "claimedUntil", d.created_at AS "createdAt",
  d.value_sha256 AS "valueSha256", d.replay_hash AS "replayHash", d.replay_sent_at AS "replaySentAt",
  d.resolved_at AS "resolvedAt", d.discard_reason AS "discardReason"`

/** The database's clock alone decides about leases. */
const CLAIM = `
  WITH next AS MATERIALIZED (
    SELECT id FROM dead_letter
    WHERE group_id = $1 AND published_at IS NULL AND (claimed_until IS NULL OR claimed_until < now())
    ORDER BY created_at, id LIMIT $2::integer FOR UPDATE SKIP LOCKED
  )
  UPDATE dead_letter d SET claimed_until = now() + $3::integer * interval '1 millisecond'
  FROM next WHERE d.id = next.id
  RETURNING ${LETTER}`

export function createOutbox({ database, groupId }: { database: Database; groupId: string }): Outbox {
  const change = async (assignments: string, ids: readonly string[]) => {
    if (ids.length === 0) return
    // Sorted like the sink's own upsert: the two must never wait for each other crosswise.
    const sql = `
      WITH mine AS MATERIALIZED (SELECT id FROM dead_letter WHERE id = ANY ($1::text[]) ORDER BY id FOR UPDATE)
      UPDATE dead_letter d SET ${assignments} FROM mine WHERE d.id = mine.id`
    await database.client().$executeRawUnsafe(sql, textArray(ids))
  }
  return {
    async claim(limit, leaseMs) {
      const rows = await database.client().$queryRawUnsafe<StoredLetter[]>(CLAIM, groupId, limit, leaseMs)
      return rows.map(letterFromRow).sort(byAge)
    },
    markPublished: (ids) => change('published_at = now(), claimed_until = NULL', ids),
    release: (ids) => change('claimed_until = NULL', ids),
    async pending() {
      const sql = 'SELECT count(*) AS count FROM dead_letter WHERE group_id = $1 AND published_at IS NULL'
      const [row] = await database.client().$queryRawUnsafe<{ count: bigint }[]>(sql, groupId)
      return Number(row?.count ?? 0)
    },
  }
}

const byAge = (a: DeadLetterRow, b: DeadLetterRow) =>
  a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1)

const bufferOf = (bytes: Uint8Array | null) =>
  bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

export function letterFromRow(row: StoredLetter): DeadLetterRow {
  return {
    ...row,
    key: bufferOf(row.key),
    value: bufferOf(row.value),
    headers: decodeHeaders(row.headers),
    status: row.status as DeadLetterStatus,
    valueSha256: bufferOf(row.valueSha256),
    replayHash: bufferOf(row.replayHash),
  }
}
