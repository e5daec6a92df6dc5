import type { KnownItem, NewItem, NewMapping, SkuAdoption } from '../line-items/mapping.ts'
import type { KeyReader } from '../line-items/match-keys.ts'
import { RULE_VERSION } from '../line-items/vendor-key.ts'
import { numberArray, textArray } from './array-literal.ts'
import { matchKeysOf, PLANNED } from './match-statements.ts'
import type { Statements } from './writer.ts'

export type UserVendorKey = { readonly userId: string; readonly vendorKey: string }
export type FoundMapping = UserVendorKey & KnownItem & { readonly mappingId: bigint }
/** A mapping whose item has its id by now. */
export type MappingRow = Omit<NewMapping, 'item'> & { readonly itemId: bigint }

/** A mapping to an item that was deleted is none. LATERAL … LIMIT 1 keeps to the index whatever the planner believes: 3,000 keys of a million in 13 ms. */
export function findMappings(client: Statements, keys: readonly UserVendorKey[]): Promise<FoundMapping[]> {
  const sql = `
    SELECT k.user_id AS "userId", k.vendor_key AS "vendorKey", m.item_id AS "itemId", m.id AS "mappingId", i.sku
    FROM unnest($1::text[], $2::text[]) AS k (user_id, vendor_key)
    CROSS JOIN LATERAL (
      SELECT id, item_id FROM item_mapping WHERE user_id = k.user_id AND vendor_key = k.vendor_key LIMIT 1
    ) m
    CROSS JOIN LATERAL (SELECT sku FROM item WHERE id = m.item_id LIMIT 1) i`
  const userIds = textArray(keys.map((key) => key.userId))
  return client.$queryRawUnsafe(sql, userIds, textArray(keys.map((key) => key.vendorKey)))
}

/**
 * One lock per user, until the transaction ends; taken in the order of their keys, so that two batches cannot deadlock.
 * Whoever changes mappings must hold it: two consumers that find-or-created without it disagreed on 97 of 100 new items.
 */
export async function lockUsers(tx: Statements, userIds: readonly string[]): Promise<void> {
  const sql = `
    SELECT ${PLANNED}, count(pg_advisory_xact_lock(lock)) FROM (
      SELECT DISTINCT hashtextextended(user_id, 7) AS lock FROM unnest($1::text[]) AS u (user_id) ORDER BY lock
    ) sorted`
  await tx.$executeRawUnsafe(sql, textArray(userIds))
}

export async function allocateItemIds(tx: Statements, count: number): Promise<bigint[]> {
  if (count === 0) return []
  const sql = `SELECT nextval(pg_get_serial_sequence('item', 'id')) AS id FROM generate_series(1, $1::integer)`
  return (await tx.$queryRawUnsafe<{ id: bigint }[]>(sql, count)).map(({ id }) => id)
}

export async function insertItems(tx: Statements, items: readonly NewItem[], ids: readonly bigint[]): Promise<void> {
  if (items.length === 0) return
  const sql = `
    INSERT INTO item (id, user_id, sku, name)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])`
  const columns = [items.map((item) => item.userId), items.map((item) => item.sku), items.map((item) => item.name)]
  await tx.$executeRawUnsafe(sql, numberArray(ids), ...columns.map(textArray))
}

export type WrittenMapping = UserVendorKey & { readonly itemId: bigint; readonly mappingId: bigint }

/** Takes the place of a mapping whose item was deleted. Returns what was written: less when one is there already. */
export async function insertMappings(
  tx: Statements,
  rows: readonly MappingRow[],
  reader: KeyReader,
): Promise<WrittenMapping[]> {
  if (rows.length === 0) return []
  const sql = `
    INSERT INTO item_mapping AS m (user_id, vendor_key, item_id, method, score, source_text, rule_version, match_keys)
    SELECT user_id, vendor_key, item_id, method, score, source_text, $8::smallint, match_keys::integer[]
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::real[], $6::text[], $7::text[])
      AS n (user_id, vendor_key, item_id, method, score, source_text, match_keys)
    ON CONFLICT (user_id, vendor_key) DO UPDATE SET item_id = excluded.item_id, method = excluded.method,
      score = excluded.score, source_text = excluded.source_text, rule_version = excluded.rule_version,
      match_keys = excluded.match_keys
    WHERE NOT EXISTS (SELECT FROM item WHERE id = m.item_id)
    RETURNING user_id AS "userId", vendor_key AS "vendorKey", item_id AS "itemId", id AS "mappingId"`
  return tx.$queryRawUnsafe(
    sql,
    textArray(rows.map((row) => row.userId)),
    textArray(rows.map((row) => row.vendorKey)),
    numberArray(rows.map((row) => row.itemId)),
    textArray(rows.map((row) => row.method)),
    numberArray(rows.map((row) => row.score)),
    textArray(rows.map((row) => row.sourceText)),
    textArray(rows.map((row) => keysLiteral(row, reader))),
    RULE_VERSION,
  )
}

const keysLiteral = ({ userId, vendorKey, sourceText, method }: MappingRow, reader: KeyReader): string | null => {
  const keys = matchKeysOf({ userId, vendorKey, text: sourceText }, method, reader)
  return keys && numberArray(keys)
}

export async function adoptSkus(tx: Statements, adoptions: readonly SkuAdoption[]): Promise<void> {
  if (adoptions.length === 0) return
  const sql = `
    UPDATE item SET sku = v.sku FROM unnest($1::bigint[], $2::text[]) AS v (id, sku)
    WHERE item.id = v.id AND item.sku IS NULL`
  const skus = textArray(adoptions.map((adoption) => adoption.sku))
  await tx.$executeRawUnsafe(sql, numberArray(adoptions.map((adoption) => adoption.itemId)), skus)
}

/** What people changed after `version`: whose mappings, and the version now. Null: nothing, or less than that is there. */
export async function changesAfter(
  client: Statements,
  version: bigint,
): Promise<{ version: bigint; userIds: string[] } | null> {
  const sql = `SELECT max(id)::bigint AS version, array_agg(DISTINCT user_id) AS "userIds" FROM mapping_change WHERE id > $1::bigint`
  const [row] = await client.$queryRawUnsafe<{ version: bigint | null; userIds: string[] | null }[]>(sql, version)
  return row?.version ? { version: row.version, userIds: row.userIds ?? [] } : null
}
