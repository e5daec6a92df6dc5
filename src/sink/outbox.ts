// Dead letters on their way to the DLQ topic. A short transaction leases them, the relay sends, and only then they are
// marked: at least once, with a stable id. A lock held during the send lost the mark to the session's time-out 3 of 3
// times and blocked the sink; a lease blocks nobody. One relay of a group holds a lease at a time, so that letters reach
// the topic in the order of their records; when it is killed, its lease ends and another goes on.
import type { DeadLetterRow } from '../dead-letters/dead-letter.ts'
import type { DeadLetterStatus } from '../dead-letters/life-cycle.ts'
import type { Lease, Outbox as RelayOutbox } from '../dead-letters/relay.ts'
import { textArray } from './array-literal.ts'
import type { Database } from './database.ts'
import { decodeHeaders } from './letter.ts'
import type { Tx } from './writer.ts'

export type Outbox = RelayOutbox & { pending(): Promise<number> }

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

/** A letter may hold a megabyte and more: what is claimed at once stays below this, unless it is one letter. */
const CLAIM_BYTES = 8 * 1024 * 1024
/** Counting goes no further. */
const MANY = 10_000

const UNPUBLISHED = 'group_id = $1 AND published_at IS NULL'

/** Ends with the transaction: of two relays that claim at once, the second sees what the first has. */
const LOCK = "SELECT count(pg_advisory_xact_lock(hashtextextended('dead-letters:' || $1, 0)))"
const BUSY = `SELECT EXISTS (SELECT FROM dead_letter WHERE ${UNPUBLISHED} AND claimed_until >= now()) AS busy`

/** The database's clock alone decides about leases. */
const CLAIM = `
  WITH next AS MATERIALIZED (
    SELECT id, created_at, topic, partition, record_offset,
      coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0) + octet_length(headers) AS bytes
    FROM dead_letter
    WHERE ${UNPUBLISHED} AND (claimed_until IS NULL OR claimed_until < now())
      AND (deferred_until IS NULL OR deferred_until < now())
    ORDER BY created_at, topic, partition, record_offset LIMIT $2::integer FOR UPDATE SKIP LOCKED
  ), fitting AS MATERIALIZED (
    SELECT id, sum(bytes) OVER records AS total, row_number() OVER records AS nth FROM next
    WINDOW records AS (ORDER BY created_at, topic, partition, record_offset)
  )
  UPDATE dead_letter d SET claimed_until = now() + $3::integer * interval '1 millisecond'
  FROM fitting WHERE d.id = fitting.id AND (nth = 1 OR total <= ${CLAIM_BYTES})
  RETURNING ${LETTER}`

/** Sorted like the sink's own upsert: the two must never wait for each other crosswise. A letter may be gone (purged). */
const change = (assignments: string, condition: string, returning = '') => `
  WITH mine AS MATERIALIZED (
    SELECT id FROM dead_letter WHERE id = ANY ($1::text[]) AND published_at IS NULL ${condition} ORDER BY id FOR UPDATE
  )
  UPDATE dead_letter d SET ${assignments} FROM mine WHERE d.id = mine.id ${returning}`

// A lease that ended may be another relay's by now: its end, as we know it, tells whether it is still ours.
const OURS = 'AND claimed_until = $2'
const IN_MS = "now() + $3::integer * interval '1 millisecond'"
const RENEW = change(`claimed_until = ${IN_MS}`, OURS, 'RETURNING d.claimed_until AS until')
const RELEASE = change('claimed_until = NULL', OURS)
const DEFER = change(`claimed_until = NULL, deferred_until = ${IN_MS}`, OURS)
// Not only ours: what the topic has is published, whoever holds the lease.
const MARK = change('published_at = now(), claimed_until = NULL, deferred_until = NULL', '')

const WAITING = `
  SELECT (SELECT count(*) FROM (SELECT FROM dead_letter WHERE ${UNPUBLISHED} LIMIT ${MANY}) AS counted) AS count,
    (SELECT 1000 * extract(epoch FROM now() - created_at) FROM dead_letter
      WHERE ${UNPUBLISHED} ORDER BY created_at LIMIT 1)::bigint AS "oldestAgeMs"`
const PENDING = `SELECT count(*) AS count FROM dead_letter WHERE ${UNPUBLISHED}`

export function createOutbox({ database, groupId }: { database: Database; groupId: string }): Outbox {
  const read = <Row>(sql: string, ...values: unknown[]) =>
    database.client().$queryRawUnsafe<Row[]>(sql, groupId, ...values)
  const write = async (sql: string, ids: readonly string[], ...values: unknown[]) => {
    if (ids.length > 0) await database.client().$executeRawUnsafe(sql, textArray(ids), ...values)
  }
  return {
    claim: (limit, leaseMs) =>
      database.transaction(async (tx) => {
        await tx.$queryRawUnsafe(LOCK, groupId)
        const [row] = await tx.$queryRawUnsafe<{ busy: boolean }[]>(BUSY, groupId)
        return row?.busy ? 'busy' : claim(tx, groupId, limit, leaseMs)
      }),
    async renew(ids, until, leaseMs) {
      const client = database.client()
      const rows = await client.$queryRawUnsafe<{ until: Date }[]>(RENEW, textArray(ids), until, leaseMs)
      return rows[0]?.until ?? until
    },
    markPublished: (ids) => write(MARK, ids),
    release: (ids, until) => write(RELEASE, ids, until),
    defer: (ids, until, ms) => write(DEFER, ids, until, ms),
    async waiting() {
      const [row] = await read<{ count: bigint; oldestAgeMs: bigint | null }>(WAITING)
      return { count: Number(row?.count ?? 0), oldestAgeMs: Number(row?.oldestAgeMs ?? 0) }
    },
    async pending() {
      const [row] = await read<{ count: bigint }>(PENDING)
      return Number(row?.count ?? 0)
    },
  }
}

async function claim(tx: Tx, groupId: string, limit: number, leaseMs: number): Promise<Lease | null> {
  const letters = (await tx.$queryRawUnsafe<StoredLetter[]>(CLAIM, groupId, limit, leaseMs)).map(letterFromRow)
  const until = letters[0]?.claimedUntil
  return until ? { letters: letters.sort(byRecord), until } : null
}

const compare = <T extends string | number | bigint>(a: T, b: T) => (a < b ? -1 : a > b ? 1 : 0)

const byRecord = (a: DeadLetterRow, b: DeadLetterRow) =>
  compare(a.createdAt.getTime(), b.createdAt.getTime()) ||
  compare(a.topic, b.topic) ||
  compare(a.partition, b.partition) ||
  compare(a.recordOffset, b.recordOffset)

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
