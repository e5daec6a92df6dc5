import { fromMicros, toMicros } from './decimal.ts'

export type ItemQuantity = { readonly itemId: bigint; readonly quantity: string }

/**
 * One delta per item, exact, sorted by item id: the one lock order of all writers. An item whose quantities cancel
 * out stays, so that its inventory row exists as soon as the ledger names it.
 */
export const sumByItem = (rows: Iterable<ItemQuantity>): ItemQuantity[] => {
  const sums = new Map<bigint, bigint>()
  for (const { itemId, quantity } of rows) sums.set(itemId, (sums.get(itemId) ?? 0n) + toMicros(quantity))
  return [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([itemId, micros]) => ({ itemId, quantity: fromMicros(micros) }))
}
