export const METHODS = ['sku', 'exact', 'fuzzy', 'created', 'manual'] as const
export type Method = (typeof METHODS)[number]

/**
 * The last mapping of a page, which the next one is behind: its number alone, newest first; with the score that it had, the least
 * certain first: once a person has assigned it, it has none.
 */
export type MappingCursor = { readonly id: bigint; readonly score: number | null }
/** `17` · `0.94:17` */
export const CURSOR = /^(?:(\d(?:\.\d{1,20})?):)?(\d{1,18})$/
export const cursorText = ({ id, score }: MappingCursor): string => (score === null ? String(id) : `${score}:${id}`)
/** Null: it is none. */
export const parseCursor = (text: string): MappingCursor | null => {
  const [, score, id] = CURSOR.exec(text) ?? []
  return id === undefined ? null : { id: BigInt(id), score: score === undefined ? null : Number(score) }
}
export const cursorOf = ({ scoreBelow }: Pick<MappingFilter, 'scoreBelow'>, last: MappingCursor): MappingCursor => ({
  ...{ id: last.id, score: scoreBelow === null ? null : last.score },
})

/** Which mappings; null: any. All that are given must fit. */
export type MappingFilter = {
  readonly userId: string | null
  readonly methods: readonly Method[] | null
  readonly scoreBelow: number | null
  /** Part of the vendor's text, of the key or of the name of the item; case does not count. */
  readonly text: string | null
  readonly itemId: bigint | null
}
