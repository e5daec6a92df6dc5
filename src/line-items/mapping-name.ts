import { skuKey, textKey } from './vendor-key.ts'

// How a person names what is mapped: an item by its number, `item:17`; a vendor's line by what it says.

/** The key of the ledger rows of an item that are older than the knowledge which key brought them. */
export const olderKey = (itemId: bigint): string => `older:${itemId}`

export type Named =
  | { readonly kind: 'item'; readonly itemId: bigint }
  /** Keys that it may mean; the first that is mapped counts. */
  | { readonly kind: 'key'; readonly keys: readonly string[] }

const MAX_ID = 9_223_372_036_854_775_807n

/** `item:17` · `sku:85123A` · `text:white hanging heart` · `older:17` · or the sku or the description itself. Null: it names nothing. */
export function parseName(text: string): Named | null {
  const [, kind = '', rest = ''] = /^(item|sku|text|older|sku#|text#):?(.*)$/su.exec(text) ?? []
  if (text.startsWith('item:')) {
    const itemId = /^\d{1,19}$/.test(rest) ? BigInt(rest) : 0n
    return itemId > 0n && itemId <= MAX_ID ? { kind: 'item', itemId } : null
  }
  if (text.startsWith(`${kind}:`) && kind !== '') {
    // As it is stored; a text also as it came.
    const said = kind === 'text' ? textKey(rest) : kind === 'sku' ? skuKey(rest) : null
    return { kind: 'key', keys: unique([text, said]) }
  }
  const plain = text.trim()
  const keys = plain === '' ? [] : unique([skuKey(plain), textKey(text), text])
  return keys.length > 0 ? { kind: 'key', keys } : null
}

const unique = (keys: readonly (string | null)[]): string[] => [...new Set(keys.filter((key) => key !== null))]
