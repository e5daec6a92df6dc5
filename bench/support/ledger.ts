// What a ledger says of itself after a run.
import type { Base } from './ground.ts'

/** A transaction that wrote rows, in milliseconds since the epoch. */
export type Flush = { began: number; committed: number; rows: number }

export const flushesOf = ({ query }: Base, topic: string): Promise<Flush[]> =>
  query<Flush>(
    `SELECT (extract(epoch FROM began) * 1000)::float8 AS began, rows,
       (extract(epoch FROM pg_xact_commit_timestamp(xid)) * 1000)::float8 AS committed
     FROM (SELECT xmin AS xid, min(created_at) AS began, count(*)::int AS rows
           FROM ledger_entry WHERE topic = $1 GROUP BY xmin) flushes`,
    [topic],
  )

export type Expected = { topic: string; records: number; quantity?: bigint; before?: number }

/** Throws unless every record is a row, the inventory is the sum of the ledger, and nothing became a dead letter. */
export async function checkLedger({ query }: Base, { topic, records, quantity, before = 0 }: Expected) {
  const [found] = await query<{ rows: number; inserted: number; quantity: string; letters: number; wrong: number }>(
    `SELECT (SELECT count(*) FROM ledger_entry)::int AS rows,
       (SELECT coalesce(sum(inserted), 0) FROM consumer_offset)::int AS inserted,
       (SELECT coalesce(sum(quantity), 0) FROM ledger_entry WHERE topic = $1)::text AS quantity,
       (SELECT count(*) FROM dead_letter)::int AS letters,
       (SELECT count(*) FROM inventory i
        FULL JOIN (SELECT item_id, sum(quantity) AS quantity FROM ledger_entry GROUP BY item_id) l USING (item_id)
        WHERE i.quantity IS DISTINCT FROM l.quantity)::int AS wrong`,
    [topic],
  )
  // numeric(18, 6): the sum has six decimals, or there is no row.
  const scaled = BigInt((found?.quantity ?? '0').replace('.', ''))
  const faults = [
    found?.rows !== records + before && `${found?.rows} rows, not ${records + before}`,
    found?.inserted !== records && `${found?.inserted} inserted by the counters, not ${records}`,
    quantity !== undefined && scaled !== quantity && `Σ quantity ${found?.quantity}, not ${quantity} millionths`,
    found?.letters !== 0 && `${found?.letters} dead letters`,
    found?.wrong !== 0 && `${found?.wrong} items whose inventory is not the sum of the ledger`,
  ].filter((fault) => fault !== false)
  if (faults.length > 0) throw new Error(`the ledger is wrong: ${faults.join('; ')}`)
}
