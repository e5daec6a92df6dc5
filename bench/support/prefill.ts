import type { Base, Ground } from './ground.ts'

const ITEMS = 1_000_000
/** Item ids of their own: those that members make begin at 1. */
const FIRST_ITEM = 1_000_000_000

/** A database whose ledger holds so many rows already, with random ids as real ones; a template for others. */
export async function prefilled(ground: Ground, rows: number): Promise<Base> {
  const base = await ground.database()
  const item = `${FIRST_ITEM} + i % ${ITEMS}`
  await base.query(
    `INSERT INTO ledger_entry (event_id, user_id, item_id, invoice_id, line_number, quantity, unit_price, currency,
       occurred_at, payload_hash, topic, partition, record_offset)
     SELECT gen_random_uuid(), 'u-' || 1 + i % 8, ${item}, 'before-' || i / 35, 1 + i % 35, 1 + i % 48, 2.55, 'GBP',
       timestamptz '2025-01-01Z' + i % 500000 * interval '1 minute', sha256(int8send(i)), 'before', 0, i
     FROM generate_series(0, $1::bigint - 1) AS i`,
    [rows],
  )
  await base.query('INSERT INTO inventory SELECT item_id, sum(quantity) FROM ledger_entry GROUP BY item_id')
  await base.query('VACUUM (ANALYZE) ledger_entry')
  return base
}
