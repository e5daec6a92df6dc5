// Everything that bears the id of an invoice: ledger entries and dead letters, read in one snapshot, so that a replay
// which succeeds meanwhile is in one of them. No index begins with the invoice id alone, and none should be paid for in
// every flush: without a user the users are found first, each by one look into the index that begins with the user.
import { type FailedItem, type InvoiceAsked, type InvoiceFacts, type InvoiceTally, MAX_USERS } from '../line-items/invoice-result.ts' // prettier-ignore
import { textArray } from './array-literal.ts'
import type { Database } from './database.ts'
import { keyIs } from './letter-where.ts'
import { inSnapshot } from './snapshot.ts'

/** The first users of a table who have the invoice $1: its users in order, without reading its rows, and no more than are wanted. */
const usersOf = (name: string, table: string, where: string) => `
  ${name}_all(user_id) AS (
    (SELECT user_id FROM ${table} WHERE ${where} ORDER BY user_id LIMIT 1)
    UNION ALL
    SELECT (SELECT t.user_id FROM ${table} t WHERE ${where} AND t.user_id > u.user_id ORDER BY t.user_id LIMIT 1)
    FROM ${name}_all u WHERE u.user_id IS NOT NULL
  ), ${name}(user_id) AS (
    SELECT u.user_id FROM ${name}_all u CROSS JOIN LATERAL (
      SELECT FROM ${table} WHERE ${where} AND user_id = u.user_id AND invoice_id = $1 LIMIT 1) has
    LIMIT $2::integer
  )`
const USERS = `
  WITH RECURSIVE ${usersOf('ledger', 'ledger_entry', 'true')},
  ${usersOf('letter', 'dead_letter', 'invoice_id IS NOT NULL AND user_id IS NOT NULL')}, keyed(user_id) AS (
    SELECT DISTINCT d.user_id FROM dead_letter d
    WHERE d.invoice_id IS NULL AND d.user_id IS NOT NULL AND ${keyIs('d', '$1')} ORDER BY 1 LIMIT $2::integer
  )
  SELECT user_id AS "userId" FROM
    (SELECT user_id FROM ledger UNION SELECT user_id FROM letter UNION SELECT user_id FROM keyed) u
  ORDER BY 1 LIMIT $2::integer`

/** $1: the invoice, $2: its users, $3: so many ranges of lines. */
const LEDGER = `
  SELECT "userId", written, 0 AS failed, 0 AS discarded, "firstAt", "lastAt",
    (SELECT jsonb_agg(jsonb_build_object('from', lower(r), 'to', upper(r) - 1) ORDER BY r)
      FROM (SELECT r FROM unnest(ranges) r ORDER BY r LIMIT $3::integer) first) AS lines
  FROM (
    SELECT user_id AS "userId", count(*)::integer AS written, min(created_at) AS "firstAt", max(created_at) AS "lastAt",
      range_agg(int8range(line_number, line_number, '[]')) AS ranges
    FROM ledger_entry WHERE user_id = ANY ($2::text[]) AND invoice_id = $1 GROUP BY user_id) written`

/**
 * By the invoice id that the record claims; where it could not be read, by its key, which is the invoice id by contract.
 * Not by the key of a record that claims another id.
 */
const LETTERS = `WITH letters AS MATERIALIZED (
    SELECT ${columns()} FROM dead_letter WHERE user_id = ANY ($2::text[]) AND invoice_id = $1
    UNION ALL
    SELECT ${columns()} FROM dead_letter WHERE user_id IS NULL AND invoice_id = $1
    UNION ALL
    SELECT ${columns()} FROM dead_letter d
    WHERE invoice_id IS NULL AND ${keyIs('d', '$1')} AND (user_id IS NULL OR user_id = ANY ($2::text[]))
  )`

/** Not the bytes: they may be a megabyte each. */
function columns(): string {
  return `id, group_id, topic, partition, record_offset, code, message, path, user_id, line_number, status, created_at`
}

const TALLIES = `
  SELECT user_id AS "userId", 0 AS written,
    count(*) FILTER (WHERE status NOT IN ('resolved', 'discarded'))::integer AS failed,
    count(*) FILTER (WHERE status = 'discarded')::integer AS discarded,
    min(created_at) AS "firstAt", max(created_at) AS "lastAt", '[]'::jsonb AS lines
  FROM letters GROUP BY user_id`

/** A resolved letter's event is in the ledger: it is listed there. */
const ITEMS = `
  SELECT user_id AS "userId", line_number AS line, code, message AS error, coalesce(path, '') AS path, id AS "deadLetterId", status,
    group_id AS "group", topic, partition, record_offset AS "offset"
  FROM (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY line_number, topic, partition, record_offset, id) AS nth
        FROM letters WHERE status <> 'resolved') l
  WHERE nth <= $3::integer ORDER BY line_number, topic, partition, record_offset, id`

export function readInvoice(database: Database, { invoiceId, userId, limit }: InvoiceAsked): Promise<InvoiceFacts> {
  return inSnapshot(database, async (tx) => {
    const read = <Row>(sql: string, ...more: unknown[]) => tx.$queryRawUnsafe<Row[]>(sql, invoiceId, ...more)
    const found = userId === null ? await read<{ userId: string }>(USERS, MAX_USERS + 1) : [{ userId }]
    const users = textArray(found.slice(0, MAX_USERS).map((each) => each.userId))
    const ledger = await read<InvoiceTally>(LEDGER, users, limit + 1)
    const letters = await read<InvoiceTally>(LETTERS + TALLIES, users)
    const items = letters.length > 0 ? await read<FailedItem>(LETTERS + ITEMS, users, limit) : []
    return { tallies: [...ledger, ...letters], items, more: found.length > MAX_USERS }
  })
}
