import { type ItemQuantity, sumByItem } from '../line-items/inventory.ts'
import { isolate } from '../pipeline/isolate.ts'
import type { SourceRecord } from '../pipeline/source-record.ts'
import { type Attempting, createAttempts } from './attempts.ts'
import type { Line } from './ledger.ts'
import { addToInventory, addToPresentInventory } from './statements.ts'
import type { Tx } from './writer.ts'

/** Lines that the quantity on hand cannot take, with what PostgreSQL said (SQLSTATE). */
export type RefusedLines = ReadonlyMap<SourceRecord, string | null>

/**
 * Moves the quantity on hand by the entries that are new, one delta for each item. When an item's delta is refused (the
 * sum would leave its range, a CHECK on the stock), its lines are tried in order of arrival, in ever smaller groups: each
 * may be fine alone, so whoever comes first has the room. `lines`: all lines of the batch, in order of arrival.
 */
export async function moveInventory(
  tx: Tx,
  inserted: readonly Line[],
  { lines, attempting }: { lines: readonly Line[]; attempting: Attempting },
): Promise<RefusedLines> {
  const deltas = deltasOf(inserted)
  const upsert = createAttempts(tx, { name: 'inventory', ...attempting, store: () => addToInventory(tx, deltas) })
  if (deltas.length === 0 || (await upsert(deltas)).ok) return new Map()

  const update = (some: readonly ItemQuantity[]) => addToPresentInventory(tx, some)
  const addDeltas = createAttempts(tx, { name: 'inventory', ...attempting, store: update })
  const addLines = createAttempts<Line, void>(tx, {
    ...{ name: 'inventory', ...attempting },
    store: (some) => update(deltasOf(some)),
  })
  const { refused } = await isolate(deltas, addDeltas)
  const overfull = new Set(refused.map(({ item }) => item.itemId))
  const isNew = new Set(inserted)
  const result = new Map<SourceRecord, string | null>()
  for (const itemId of overfull) {
    const ofItem = lines.filter((line) => line.itemId === itemId && isNew.has(line))
    for (const { item, fault } of (await isolate(ofItem, addLines)).refused) result.set(item.record, fault)
  }
  return result
}

const deltasOf = (lines: readonly Line[]) =>
  sumByItem(lines.map(({ itemId, lineItem }) => ({ itemId, quantity: lineItem.quantity })))
