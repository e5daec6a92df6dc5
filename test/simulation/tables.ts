// What the simulated PostgreSQL holds. Rows are never changed in place: a table is a map from key to row.

export type OffsetRow = {
  readonly nextOffset: bigint
  readonly inserted: bigint
  readonly duplicate: bigint
  readonly deadLettered: bigint
  readonly ignored: bigint
  readonly absent: bigint
}
export type LedgerRow = {
  readonly itemId: bigint
  /** In millionths. */
  readonly quantity: bigint
  readonly hash: string
  readonly partition: number
  readonly offset: bigint
}
export type LetterRow = {
  readonly partition: number
  readonly offset: bigint
  readonly code: string
  readonly seen: number
}

export type Tables = {
  readonly consumer_offset: Map<string, OffsetRow>
  readonly ledger_entry: Map<string, LedgerRow>
  readonly inventory: Map<string, bigint>
  readonly dead_letter: Map<string, LetterRow>
  /** When the gate was closed; null: it is open. */
  gate: number | null
  /** Of all mappings. Nobody corrects one here: that needs a lock that is shared (contract/mapping-change.test.ts). */
  readonly mappingVersion: bigint
  /** `table key` of what a transaction has written. */
  written: Set<string>
}

export const emptyTables = (): Tables => ({
  consumer_offset: new Map(),
  ledger_entry: new Map(),
  inventory: new Map(),
  dead_letter: new Map(),
  gate: null,
  mappingVersion: 0n,
  written: new Set(),
})

export const clone = (tables: Tables): Tables => ({
  consumer_offset: new Map(tables.consumer_offset),
  ledger_entry: new Map(tables.ledger_entry),
  inventory: new Map(tables.inventory),
  dead_letter: new Map(tables.dead_letter),
  gate: tables.gate,
  mappingVersion: tables.mappingVersion,
  written: new Set(tables.written),
})

export const micros = (decimal: string): bigint => {
  const [, sign = '', whole = '0', part = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(decimal) ?? []
  return BigInt(`${sign}${whole}${part.padEnd(6, '0')}`)
}
