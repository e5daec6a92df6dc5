import { type ItemQuantity, sumByItem } from '../line-items/inventory.ts'
import { isolate } from '../pipeline/isolate.ts'
import { classifyError } from './classify.ts'
import type { Line } from './ledger.ts'
import { addToInventory, underSavepoint } from './statements.ts'
import type { Tx } from './writer.ts'

export type RefusedItem = { readonly itemId: bigint; readonly sqlstate: string | null }

/** Moves the quantity on hand by the entries that are new. Refused items: their sum would leave the column's range. */
export async function moveInventory(tx: Tx, inserted: readonly Line[]): Promise<RefusedItem[]> {
  const deltas = sumByItem(inserted.map(({ itemId, lineItem }) => ({ itemId, quantity: lineItem.quantity })))
  const { refused } = await isolate(deltas, (some) => add(tx, some))
  return refused.map(({ item, fault }) => ({ itemId: item.itemId, sqlstate: fault }))
}

async function add(tx: Tx, deltas: readonly ItemQuantity[]) {
  try {
    await underSavepoint(tx, 'inventory', () => addToInventory(tx, deltas))
    return { ok: true, stored: deltas.length } as const
  } catch (error) {
    const { fate, sqlstate } = classifyError(error)
    if (fate !== 'row') throw error
    return { ok: false, fault: sqlstate } as const
  }
}
