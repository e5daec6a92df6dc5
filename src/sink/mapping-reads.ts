// Reading mappings for people: pages, one key, one item.
import { z } from 'zod'
import type { Immutable } from '../lib/immutable.ts'
import { type MappingCursor, type MappingFilter, METHODS } from '../line-items/mapping-filter.ts'
import { numberArray, textArray } from './array-literal.ts'
import type { Database } from './database.ts'
import { createParams } from './letter-where.ts'
import { CHANGE, lastChange, type MappingChange, pendingChange } from './mapping-change-statements.ts'

export const mappingView = z.object({
  ...{ id: z.bigint(), userId: z.string(), vendorKey: z.string(), itemId: z.bigint() },
  ...{ itemName: z.string().nullable(), itemSku: z.string().nullable(), method: z.enum(METHODS) },
  score: z.number().nullable().describe('0 to 1; null: it was not found by likeness'),
  ...{ sourceText: z.string().nullable(), ruleVersion: z.number(), createdAt: z.date() },
})
export type MappingView = Immutable<z.infer<typeof mappingView>>
export type ItemView = {
  readonly id: bigint
  readonly userId: string
  readonly name: string
  readonly sku: string | null
  readonly createdAt: Date
  readonly onHand: string | null
}
/** Ledger rows at an item by the mapping that brought them; null: older than that knowledge. */
export type Brought = { readonly mappingId: bigint | null; readonly rows: bigint; readonly quantity: string }

const VIEW = `m.id, m.user_id AS "userId", m.vendor_key AS "vendorKey", m.item_id AS "itemId", i.name AS "itemName",
  i.sku AS "itemSku", m.method, m.score, m.source_text AS "sourceText", m.rule_version AS "ruleVersion",
  m.created_at AS "createdAt"`
const FROM = 'item_mapping m LEFT JOIN item i ON i.id = m.item_id'

export type MappingReads = ReturnType<typeof createMappingReads>

export function createMappingReads(database: Database) {
  const read = <Row>(sql: string, ...values: unknown[]) => database.client().$queryRawUnsafe<Row[]>(sql, ...values)
  return {
    /** Behind `after`. Newest first; with `scoreBelow`, the least certain first. */
    async page(filter: MappingFilter, after: MappingCursor | null, limit: number): Promise<MappingView[]> {
      const params = createParams()
      const { add } = params
      const { userId, methods, scoreBelow, text, itemId } = filter
      const has = (what: string, part: string) => `strpos(lower(${what}), lower(${part})) > 0`
      const part = text === null ? '' : add(text, 'text')
      const behind = after === null ? '' : add(after.id, 'bigint')
      const conditions = [
        userId === null ? null : `m.user_id = ${add(userId, 'text')}`,
        methods === null ? null : `m.method = ANY (${add(textArray(methods), 'text[]')})`,
        scoreBelow === null ? null : `m.score < ${add(scoreBelow, 'real')}`,
        itemId === null ? null : `m.item_id = ${add(itemId, 'bigint')}`,
        text === null
          ? null
          : `(${['m.source_text', 'm.vendor_key', 'i.name'].map((what) => has(what, part)).join(' OR ')})`,
        after === null
          ? null
          : scoreBelow === null
            ? `m.id < ${behind}`
            : `(m.score, -m.id) > (${add(after.score, 'real')}, -${behind})`,
      ].filter((each) => each !== null)
      const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
      const order = scoreBelow === null ? 'm.id DESC' : 'm.score, m.id DESC'
      const sql = `SELECT ${VIEW} FROM ${FROM} ${where} ORDER BY ${order} LIMIT ${add(limit, 'integer')}`
      return read<MappingView>(sql, ...params.values)
    },
    /** The first of the keys that is mapped. */
    async byKeys(userId: string, keys: readonly string[]): Promise<MappingView | null> {
      const sql = `SELECT ${VIEW} FROM ${FROM} WHERE m.user_id = $1 AND m.vendor_key = ANY ($2::text[])
        ORDER BY array_position($2::text[], m.vendor_key) LIMIT 1`
      return (await read<MappingView>(sql, userId, textArray(keys)))[0] ?? null
    },
    async item(userId: string, itemId: bigint): Promise<ItemView | null> {
      const sql = `SELECT i.id, i.user_id AS "userId", i.name, i.sku, i.created_at AS "createdAt", v.quantity::text AS "onHand"
        FROM item i LEFT JOIN inventory v ON v.item_id = i.id WHERE i.user_id = $1 AND i.id = $2::bigint`
      return (await read<ItemView>(sql, userId, itemId))[0] ?? null
    },
    /** What came to the item by each key: reads all ledger rows of the user. */
    async brought(userId: string, itemId: bigint, mappingIds: readonly bigint[] | null = null): Promise<Brought[]> {
      const which = mappingIds === null ? '' : 'AND (mapping_id = ANY ($3::bigint[]) OR mapping_id IS NULL)'
      const sql = `SELECT mapping_id AS "mappingId", count(*)::bigint AS rows, sum(quantity)::text AS quantity
        FROM ledger_entry WHERE user_id = $1 AND item_id = $2::bigint ${which} GROUP BY mapping_id ORDER BY 2 DESC, 1`
      const values = mappingIds === null ? [userId, itemId] : [userId, itemId, numberArray(mappingIds)]
      return read<Brought>(sql, ...values)
    },
    /** The newest changes in which the item, or one of its keys, had a part. */
    history(userId: string, itemId: bigint, limit: number): Promise<MappingChange[]> {
      const sql = `SELECT ${CHANGE} FROM mapping_change c WHERE c.user_id = $1 AND (c.from_item = $2::bigint
          OR c.to_item = $2::bigint) ORDER BY c.id DESC LIMIT $3::integer`
      return read<MappingChange>(sql, userId, itemId, limit)
    },
    pending: (userId: string) => pendingChange(database.client(), userId),
    last: (userId: string) => lastChange(database.client(), userId),
    keysOf: async (changeId: bigint): Promise<bigint[]> => {
      const sql = 'SELECT mapping_id AS id FROM mapping_change_key WHERE change_id = $1::bigint'
      return (await read<{ id: bigint }>(sql, changeId)).map(({ id }) => id)
    },
  }
}
