// Everything that bears the id of an invoice: ledger entries and dead letters, read in one snapshot, so that a replay
// which succeeds meanwhile is in one of them. No index begins with the invoice id alone, and none should be paid for in
// every flush: without a user the users are found first, each by one look into the index that begins with the user.
import type { FailedItem, InvoiceAsked, InvoiceFacts, InvoiceTally } from '../line-items/invoice-result.ts'
import type { Database } from './database.ts'
import { keyIs } from './letter-where.ts'
import { inSnapshot } from './snapshot.ts'

/** The different users of a table, in order, without reading its rows. */
const usersOf = (name: string, table: string, where: string) => `
  ${name}(user_id) AS (
    (SELECT user_id FROM ${table} WHERE ${where} ORDER BY user_id LIMIT 1)
    UNION ALL
    SELECT (SELECT t.user_id FROM ${table} t WHERE ${where} AND t.user_id > u.user_id ORDER BY t.user_id LIMIT 1)
    FROM ${name} u WHERE u.user_id IS NOT NULL
  )`

/** $1: the invoice, $2: the user or NULL for all. */
const users = (table: string, where: string) => ({
  all: `WITH RECURSIVE ${usersOf('users', table, where)}`,
  one: 'WITH users(user_id) AS (SELECT $2::text)',
})
const LEDGER_USERS = users('ledger_entry', 'true')
const LETTER_USERS = users('dead_letter', 'invoice_id IS NOT NULL AND user_id IS NOT NULL')

const LEDGER = `
  SELECT u.user_id AS "userId", l.written, 0 AS failed, 0 AS discarded, l.first AS "firstAt", l.last AS "lastAt"
  FROM users u CROSS JOIN LATERAL (
    SELECT count(*)::integer AS written, min(created_at) AS first, max(created_at) AS last
    FROM ledger_entry WHERE user_id = u.user_id AND invoice_id = $1 AND ($2::text IS NULL OR user_id = $2)
  ) l WHERE u.user_id IS NOT NULL AND l.written > 0`

/**
 * By the invoice id that the record claims; where it could not be read, by its key, which is the invoice id by contract.
 * Not by the key of a record that claims another id.
 */
const LETTERS = `, letters AS MATERIALIZED (
    SELECT d.* FROM users u CROSS JOIN LATERAL (
      SELECT ${columns()} FROM dead_letter WHERE user_id = u.user_id AND invoice_id = $1) d WHERE u.user_id IS NOT NULL
    UNION ALL
    SELECT ${columns()} FROM dead_letter WHERE user_id IS NULL AND invoice_id = $1
    UNION ALL
    SELECT ${columns()} FROM dead_letter d
    WHERE invoice_id IS NULL AND ${keyIs('d', '$1')} AND ($2::text IS NULL OR user_id IS NULL OR user_id = $2)
  )`

/** Not the bytes: they may be a megabyte each. */
function columns(): string {
  return `id, group_id, topic, partition, record_offset, code, message, user_id, line_number, status, created_at`
}

const TALLIES = `
  SELECT user_id AS "userId", 0 AS written,
    count(*) FILTER (WHERE status NOT IN ('resolved', 'discarded'))::integer AS failed,
    count(*) FILTER (WHERE status = 'discarded')::integer AS discarded,
    min(created_at) AS "firstAt", max(created_at) AS "lastAt"
  FROM letters GROUP BY user_id`

/** A resolved letter's event is in the ledger: it is listed there. */
const ITEMS = `
  SELECT user_id AS "userId", line_number AS line, code, message AS error, id AS "deadLetterId", status,
    group_id AS "group", topic, partition, record_offset AS "offset"
  FROM (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY line_number, topic, partition, record_offset, id) AS nth
        FROM letters WHERE status <> 'resolved') l
  WHERE nth <= $3::integer ORDER BY line_number, topic, partition, record_offset, id`

export function readInvoice(database: Database, { invoiceId, userId, limit }: InvoiceAsked): Promise<InvoiceFacts> {
  const which = userId === null ? 'all' : 'one'
  return inSnapshot(database, async (tx) => {
    const read = <Row>(sql: string, ...more: unknown[]) => tx.$queryRawUnsafe<Row[]>(sql, invoiceId, userId, ...more)
    const ledger = await read<InvoiceTally>(LEDGER_USERS[which] + LEDGER)
    const letters = await read<InvoiceTally>(LETTER_USERS[which] + LETTERS + TALLIES)
    const items = letters.length > 0 ? await read<FailedItem>(LETTER_USERS[which] + LETTERS + ITEMS, limit) : []
    return { tallies: [...ledger, ...letters], items }
  })
}
