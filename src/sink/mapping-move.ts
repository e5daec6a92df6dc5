// Moves the ledger rows of a change, and what they are on hand, in ONE transaction. By then its mappings are redirected and no
// batch that was mapped before is on its way (mapping-change.ts): no row can come to the old item by them any more, so that nobody
// has to be kept from writing while this reads the ledger, however long that takes.
import { fromMicros, toMicros } from '../line-items/decimal.ts'
import { olderKey } from '../line-items/mapping-name.ts'
import { numberArray, textArray } from './array-literal.ts'
import { AUDIT } from './audit-entry.ts'
import { classifyError, SinkError } from './classify.ts'
import { getChange, lockCorrections, type MappingChange, olderMapping } from './mapping-change-statements.ts'
import { addToPresentInventory } from './statements.ts'
import type { Statements, Tx } from './writer.ts'
import { toJson } from '../lib/json.ts'

type Moved = { rows: bigint; quantity: string }

/** Again for a change whose rows have moved: says what was done. */
export async function moveRows(tx: Tx, id: bigint): Promise<MappingChange> {
  const change = await getChange(tx, id)
  await lockCorrections(tx, change.userId)
  if ((await getChange(tx, id)).movedAt !== null) return getChange(tx, id)
  const { rows, quantity } = await saying('its ledger rows', moveLedger(tx, change))
  if (rows > 0n) await moveStock(tx, change, quantity)
  await tx.$executeRawUnsafe(
    `UPDATE mapping_change SET moved_at = clock_timestamp(), moved_rows = $2::bigint, quantity = $3::numeric WHERE id = $1::bigint`,
    ...[id, rows, quantity],
  )
  const done = await getChange(tx, id)
  await tx.$executeRawUnsafe(AUDIT, change.actor, `mapping.${change.action}`, detailOf(done))
  return done
}

async function moveLedger(tx: Tx, { id, userId, action, fromItem, toItem }: MappingChange): Promise<Moved> {
  const older = await olderOf(tx, { id, userId, action, fromItem, toItem })
  const sql = `
    WITH moved AS (
      UPDATE ledger_entry SET item_id = $3::bigint, mapping_id = coalesce(mapping_id, $4::bigint)
      WHERE user_id = $1 AND item_id = $2::bigint
        AND (mapping_id IN (SELECT mapping_id FROM mapping_change_key WHERE change_id = $5::bigint)
          OR (mapping_id IS NULL AND $4::bigint IS NOT NULL))
      RETURNING quantity
    )
    SELECT count(*)::bigint AS rows, coalesce(sum(quantity), 0)::text AS quantity FROM moved`
  const [moved] = await tx.$queryRawUnsafe<Moved[]>(sql, userId, fromItem, toItem, older, id)
  return moved ?? { rows: 0n, quantity: '0' }
}

/** Rows that are older than the knowledge which key brought them have a key of their own from their first move on. */
async function olderOf(
  tx: Statements,
  { id, userId, action, fromItem, toItem }: Pick<MappingChange, 'id' | 'userId' | 'action' | 'fromItem' | 'toItem'>,
): Promise<bigint | null> {
  const key = olderKey(fromItem)
  if (action === 'undo') return null
  if (action === 'assign') {
    const sql = `SELECT m.id FROM mapping_change_key k JOIN item_mapping m ON m.id = k.mapping_id
      WHERE k.change_id = $1::bigint AND m.vendor_key = $2`
    return (await tx.$queryRawUnsafe<{ id: bigint }[]>(sql, id, key))[0]?.id ?? null
  }
  const some = `SELECT EXISTS (SELECT FROM ledger_entry WHERE user_id = $1 AND item_id = $2::bigint AND mapping_id IS NULL) AS some`
  if (!(await tx.$queryRawUnsafe<{ some: boolean }[]>(some, userId, fromItem))[0]?.some) return null
  const { id: mapping, itemId } = await olderMapping(tx, userId, key, toItem)
  // They were assigned elsewhere before; these were written since, by a member of an older build.
  if (itemId !== toItem) return null
  await tx.$executeRawUnsafe(
    `INSERT INTO mapping_change_key (change_id, mapping_id, method, score, source_text, rule_version)
     SELECT $1::bigint, m.id, m.method, m.score, m.source_text, m.rule_version FROM item_mapping m WHERE m.id = $2::bigint
     ON CONFLICT DO NOTHING`,
    ...[id, mapping],
  )
  return mapping
}

async function moveStock(tx: Tx, { fromItem, toItem }: MappingChange, quantity: string): Promise<void> {
  const micros = toMicros(quantity)
  const deltas = [
    { itemId: fromItem, quantity: fromMicros(-micros) },
    { itemId: toItem, quantity: fromMicros(micros) },
  ].sort((a, b) => (a.itemId < b.itemId ? -1 : 1))
  const sql = `SELECT format('item %s has %s on hand and would have %s', item_id,
      trim_scale(coalesce(quantity, 0)), trim_scale(coalesce(quantity, 0) + delta)) AS text
    FROM unnest($1::bigint[], $2::numeric[]) AS v (item_id, delta) LEFT JOIN inventory i USING (item_id) ORDER BY item_id`
  const arrays = [numberArray(deltas.map(({ itemId }) => itemId)), textArray(deltas.map((delta) => delta.quantity))]
  const then = await tx.$queryRawUnsafe<{ text: string }[]>(sql, ...arrays)
  // An item that is empty then stays on hand with 0: to see that nothing is left of it would be to read all of the ledger, with
  // both rows locked.
  await saying(then.map(({ text }) => text).join(', '), addToPresentInventory(tx, deltas))
}

/** A row that is refused is told with what was being done. */
async function saying<R>(what: string, work: Promise<R>): Promise<R> {
  try {
    return await work
  } catch (error) {
    const { fate, code } = classifyError(error)
    throw fate === 'row' ? new SinkError(fate, code, what, { cause: error }) : error
  }
}

function detailOf({ id, userId, fromItem, toItem, keys, movedRows, quantity, reason, undoes }: MappingChange): string {
  const detail = {
    change: id,
    user: userId,
    from: fromItem,
    to: toItem,
    keys,
    rows: movedRows,
    quantity,
    reason,
    undoes,
  }
  return toJson(detail)
}
