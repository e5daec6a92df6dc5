export const METHODS = ['sku', 'exact', 'fuzzy', 'created', 'manual'] as const
export type Method = (typeof METHODS)[number]

/** Which mappings; null: any. All that are given must fit. */
export type MappingFilter = {
  readonly userId: string | null
  readonly methods: readonly Method[] | null
  readonly scoreBelow: number | null
  /** Part of the vendor's text, of the key or of the name of the item; case does not count. */
  readonly text: string | null
  readonly itemId: bigint | null
}
