// Reads what is in the tables, for proofs: `sluice demo` and the tests compare it with what is in the topic.
import type { Database } from './database.ts'

export type LedgerFact = {
  eventId: string
  userId: string
  itemId: string
  invoiceId: string
  lineNumber: number
  /** As PostgreSQL prints numeric(18,6): always six decimals. */
  quantity: string
  unitPrice: string
  partition: number
  recordOffset: bigint
}

const PAGE = 20_000

/** All ledger rows, page by page in key order. */
export async function* ledgerRows(database: Database): AsyncGenerator<LedgerFact> {
  let after = ['00000000-0000-0000-0000-000000000000', '']
  for (;;) {
    const page = await database.prisma().$queryRawUnsafe<LedgerFact[]>(
      `SELECT event_id::text AS "eventId", user_id AS "userId", item_id::text AS "itemId", invoice_id AS "invoiceId",
              line_number AS "lineNumber", quantity::text AS quantity, unit_price::text AS "unitPrice", partition,
              record_offset AS "recordOffset"
         FROM ledger_entry WHERE (event_id, user_id) > ($1::uuid, $2) ORDER BY event_id, user_id LIMIT ${PAGE}`,
      ...after,
    )
    yield* page
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    after = [last.eventId, last.userId]
  }
}

/** Item id → quantity on hand, as PostgreSQL prints it. */
export async function inventoryRows(database: Database): Promise<Map<string, string>> {
  const rows = await database
    .prisma()
    .$queryRawUnsafe<{ itemId: string; quantity: string }[]>(
      'SELECT item_id::text AS "itemId", quantity::text AS quantity FROM inventory',
    )
  return new Map(rows.map(({ itemId, quantity }) => [itemId, quantity]))
}

export type LetterFact = {
  id: string
  code: string
  partition: number
  recordOffset: bigint
  key: Buffer | null
  value: Buffer | null
  publishedAt: Date | null
}

export async function letterRows(database: Database, groupId: string): Promise<LetterFact[]> {
  const rows = await database.prisma().deadLetter.findMany({
    where: { groupId },
    select: { id: true, code: true, partition: true, recordOffset: true, key: true, value: true, publishedAt: true },
    orderBy: [{ partition: 'asc' }, { recordOffset: 'asc' }],
  })
  return rows.map((row) => ({
    ...row,
    key: row.key && Buffer.from(row.key),
    value: row.value && Buffer.from(row.value),
  }))
}
