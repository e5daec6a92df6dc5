import { cell } from './lib/cell.ts'
import { shellWord } from './lib/shell-word.ts'
import { canonicalDecimal, fromMicros, toMicros } from './line-items/decimal.ts'
import type { MappingChange } from './sink/mapping-change-statements.ts'
import type { Brought, ItemView, MappingView } from './sink/mapping-reads.ts'

export const rowsText = (rows: bigint): string =>
  `${rows.toLocaleString('en-US')} ledger ${rows === 1n ? 'row' : 'rows'}`
export const keysText = (keys: number): string => `${keys.toLocaleString('en-US')} ${keys === 1 ? 'key' : 'keys'}`
/** Digits in groups, exact: a number of JavaScript would round it. */
export const quantityText = (quantity: string | null): string => {
  const [whole = '0', part] = canonicalDecimal(quantity ?? '0').split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return part === undefined ? grouped : `${grouped}.${part}`
}

export const totalOf = (brought: readonly Brought[]) => ({
  rows: brought.reduce((sum, { rows }) => sum + rows, 0n),
  quantity: fromMicros(brought.reduce((sum, { quantity }) => sum + toMicros(quantity), 0n)),
})

export const score = (value: number | null): string => (value === null ? '–' : value.toFixed(3))
export const itemText = ({ id, name }: Pick<ItemView, 'id' | 'name'>): string =>
  `item ${id} ${JSON.stringify(cell(name, 60))}`
export const keyText = ({ vendorKey }: Pick<MappingView, 'vendorKey'>): string => cell(vendorKey, 80)

/** What a change does, or has done, in one line. */
export const changeText = ({ action, keys, fromItem, toItem, undoes }: MappingChange): string =>
  `${undoes === null ? action : `undo ${undoes}`}: ${keysText(keys)}, item ${fromItem} → item ${toItem}`

/** The names that machines know it by. */
export const changeJson = ({ id, quantity, ...rest }: MappingChange): object => ({
  change: id,
  ...rest,
  quantity: quantity === null ? null : canonicalDecimal(quantity),
})

export const pendingText = ({ id, userId }: MappingChange): string =>
  `change ${id} is half done, its ledger rows are not moved yet: sluice mapping finish ${shellWord(userId)}`
