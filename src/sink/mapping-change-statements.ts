// The statements of a correction. Its locks, in their order: other corrections of the user, whoever creates mappings of the user
// (lockUsers), whoever writes lines (lockMappings); then item_mapping. Nobody who holds one of them waits for an earlier one.
import { RULE_VERSION } from '../line-items/vendor-key.ts'
import { classifyError, SinkError } from './classify.ts'
import { MAPPINGS_LOCK } from './statements.ts'
import type { Statements } from './writer.ts'

export type ChangeAction = 'assign' | 'merge' | 'undo'
export type MappingChange = {
  readonly id: bigint
  readonly at: Date
  readonly actor: string
  readonly reason: string | null
  readonly userId: string
  readonly action: ChangeAction
  readonly fromItem: bigint
  readonly toItem: bigint
  readonly undoes: bigint | null
  readonly adoptedSku: string | null
  /** Null: its ledger rows are still to be moved. */
  readonly movedAt: Date | null
  readonly movedRows: bigint | null
  readonly quantity: string | null
  readonly keys: number
}

export const CHANGE = `c.id, c.at, c.actor, c.reason, c.user_id AS "userId", c.action, c.from_item AS "fromItem",
  c.to_item AS "toItem", c.undoes, c.adopted_sku AS "adoptedSku", c.moved_at AS "movedAt", c.moved_rows AS "movedRows",
  c.quantity::text AS quantity,
  (SELECT count(*)::integer FROM mapping_change_key k WHERE k.change_id = c.id) AS keys`

/** The code of the error of somebody who waits for a correction of the same user that takes long. */
export const CORRECTION_RUNS = 'CORRECTION_RUNS'

/** One correction of a user at a time. */
export async function lockCorrections(tx: Statements, userId: string): Promise<void> {
  try {
    await tx.$executeRawUnsafe('SELECT pg_advisory_xact_lock(hashtextextended($1, 8))', userId)
  } catch (error) {
    if (classifyError(error).code !== '55P03') throw error
    throw new SinkError('transient', CORRECTION_RUNS, 'another correction of the user runs', { cause: error })
  }
}

/** Waits until no batch is being written, and no other begins until the transaction ends: must be short. */
export async function lockMappings(tx: Statements, patienceMs: number): Promise<void> {
  await tx.$executeRawUnsafe("SELECT set_config('lock_timeout', $1, true)", `${patienceMs}ms`)
  await tx.$executeRawUnsafe(`SELECT pg_advisory_xact_lock(${MAPPINGS_LOCK})`)
}

/** The change whose rows are still to be moved: at most one, as the next one moves them first. */
export async function pendingChange(tx: Statements, userId: string): Promise<MappingChange | null> {
  const sql = `SELECT ${CHANGE} FROM mapping_change c WHERE c.user_id = $1 AND c.moved_at IS NULL ORDER BY c.id LIMIT 1`
  return (await tx.$queryRawUnsafe<MappingChange[]>(sql, userId))[0] ?? null
}

/** The last one that is not undone. */
export async function lastChange(tx: Statements, userId: string): Promise<MappingChange | null> {
  const sql = `SELECT ${CHANGE} FROM mapping_change c WHERE c.user_id = $1 AND c.action <> 'undo'
    AND NOT EXISTS (SELECT FROM mapping_change u WHERE u.undoes = c.id) ORDER BY c.id DESC LIMIT 1`
  return (await tx.$queryRawUnsafe<MappingChange[]>(sql, userId))[0] ?? null
}

export async function getChange(tx: Statements, id: bigint): Promise<MappingChange> {
  const sql = `SELECT ${CHANGE} FROM mapping_change c WHERE c.id = $1::bigint`
  const [change] = await tx.$queryRawUnsafe<MappingChange[]>(sql, id)
  if (!change) throw new TypeError(`change ${id} vanished`)
  return change
}

export type NewChange = Pick<
  MappingChange,
  'actor' | 'reason' | 'userId' | 'action' | 'fromItem' | 'toItem' | 'undoes' | 'adoptedSku'
>

export async function insertChange(tx: Statements, change: NewChange): Promise<bigint> {
  const sql = `INSERT INTO mapping_change (actor, reason, user_id, action, from_item, to_item, undoes, adopted_sku)
    VALUES ($1, $2, $3, $4, $5::bigint, $6::bigint, $7::bigint, $8) RETURNING id`
  const { actor, reason, userId, action, fromItem, toItem, undoes, adoptedSku } = change
  const values = [actor, reason, userId, action, fromItem, toItem, undoes, adoptedSku]
  const [row] = await tx.$queryRawUnsafe<{ id: bigint }[]>(sql, ...values)
  return row?.id ?? 0n
}

/** `which` is a condition on `item_mapping m` with $2; what the mappings were before is kept. Returns how many. */
export function keepMappings(tx: Statements, changeId: bigint, which: string, value: unknown): Promise<number> {
  const sql = `INSERT INTO mapping_change_key (change_id, mapping_id, method, score, source_text, rule_version)
    SELECT $1::bigint, m.id, m.method, m.score, m.source_text, m.rule_version FROM item_mapping m WHERE ${which}`
  return tx.$executeRawUnsafe(sql, changeId, value)
}

export function redirectMappings(tx: Statements, changeId: bigint, toItem: bigint, manual: boolean): Promise<number> {
  const by = manual ? ", method = 'manual', score = NULL" : ''
  const sql = `UPDATE item_mapping m SET item_id = $2::bigint${by}
    FROM mapping_change_key k WHERE k.change_id = $1::bigint AND m.id = k.mapping_id`
  return tx.$executeRawUnsafe(sql, changeId, toItem)
}

/** As they were before the change; only those that still stand for its item. Returns how many. */
export function restoreMappings(tx: Statements, change: MappingChange): Promise<number> {
  const sql = `UPDATE item_mapping m SET item_id = $2::bigint, method = k.method, score = k.score,
      source_text = k.source_text, rule_version = k.rule_version
    FROM mapping_change_key k WHERE k.change_id = $1::bigint AND m.id = k.mapping_id AND m.item_id = $3::bigint`
  return tx.$executeRawUnsafe(sql, change.id, change.fromItem, change.toItem)
}

/** One that was cut short and is taken back: its rows never moved; those that came by it go back by the change that does so. */
export async function closeChange(tx: Statements, id: bigint): Promise<void> {
  const sql =
    'UPDATE mapping_change SET moved_at = now(), moved_rows = 0, quantity = 0 WHERE id = $1::bigint AND moved_at IS NULL'
  await tx.$executeRawUnsafe(sql, id)
}

/** The mapping of an item's older rows; made when it is not there. */
export async function olderMapping(tx: Statements, userId: string, key: string, itemId: bigint) {
  await tx.$executeRawUnsafe(
    `INSERT INTO item_mapping (user_id, vendor_key, item_id, method, rule_version)
     VALUES ($1, $2, $3::bigint, 'manual', ${RULE_VERSION}) ON CONFLICT (user_id, vendor_key) DO NOTHING`,
    ...[userId, key, itemId],
  )
  const sql = 'SELECT id, item_id AS "itemId" FROM item_mapping WHERE user_id = $1 AND vendor_key = $2'
  const [mapping] = await tx.$queryRawUnsafe<{ id: bigint; itemId: bigint }[]>(sql, userId, key)
  return mapping ?? { id: 0n, itemId: 0n }
}

/** The item's first sku, when it has none: another sku must not join it by itself then. Returns what it got. */
export async function giveSku(tx: Statements, itemId: bigint, sku: string | null): Promise<string | null> {
  if (sku === null) return null
  const sql = 'UPDATE item SET sku = $2 WHERE id = $1::bigint AND sku IS NULL'
  return (await tx.$executeRawUnsafe(sql, itemId, sku)) > 0 ? sku : null
}

export async function takeSku(tx: Statements, itemId: bigint, sku: string | null): Promise<void> {
  if (sku === null) return
  await tx.$executeRawUnsafe('UPDATE item SET sku = NULL WHERE id = $1::bigint AND sku = $2', itemId, sku)
}
