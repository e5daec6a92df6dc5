import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { itemOfOlderKey, olderKey } from '../line-items/mapping-name.ts'
import { olderMapping } from './mapping-change-statements.ts'
import { allocateItemIds, insertItems } from './mapping-statements.ts'
import type { Statements } from './writer.ts'

/** Where a key is to go: an item that is there, or one that is made for it. */
export type Target = { readonly itemId: bigint } | { readonly name: string | null }

export type AssignedMapping = {
  readonly id: bigint
  readonly vendorKey: string
  readonly itemId: bigint
  readonly sourceText: string | null
}

export const refused = (message: string, mend: string, cause?: unknown) =>
  new OperatorError(message, mend, ExitCode.usage, { cause })

export const movedMeanwhile = (vendorKey: string, itemId: bigint, seen: bigint) =>
  refused(`${vendorKey} stands for item ${itemId} now, not ${seen}; it was not moved`, 'look again')

/** The mapping of the key as it is now, and the item that it is to stand for, made if need be. */
export async function targetOf(tx: Statements, userId: string, vendorKey: string, to: Target) {
  const older = itemOfOlderKey(vendorKey)
  if (older !== null && (await hasItem(tx, userId, older))) await olderMapping(tx, userId, olderKey(older), older)
  const sql = `SELECT id, vendor_key AS "vendorKey", item_id AS "itemId", source_text AS "sourceText" FROM item_mapping
    WHERE user_id = $1 AND vendor_key = $2`
  const [mapping] = await tx.$queryRawUnsafe<AssignedMapping[]>(sql, userId, vendorKey)
  if (!mapping) throw refused(`user ${userId} has no key ${vendorKey}`, 'see `sluice mapping list`')
  if ('itemId' in to) {
    if (!(await hasItem(tx, userId, to.itemId)))
      throw refused(`user ${userId} has no item ${to.itemId}`, 'see `sluice mapping list`')
    return { mapping, itemId: to.itemId }
  }
  const ids = await allocateItemIds(tx, 1)
  const name = to.name ?? mapping.sourceText ?? mapping.vendorKey
  await insertItems(tx, [{ userId, sku: null, name }], ids)
  return { mapping, itemId: ids[0] ?? 0n }
}

export async function hasItem(tx: Statements, userId: string, itemId: bigint): Promise<boolean> {
  const sql = 'SELECT id FROM item WHERE user_id = $1 AND id = $2::bigint'
  return (await tx.$queryRawUnsafe<unknown[]>(sql, userId, itemId)).length > 0
}
