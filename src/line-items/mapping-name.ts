import { skuKey, textKey } from './vendor-key.ts'

// How a person names what is mapped: an item by its number, `item:17`; a vendor's line by what it says.

/** The key of the ledger rows of an item that are older than the knowledge which key brought them. */
export const olderKey = (itemId: bigint): string => `older:${itemId}`
/** The item of such a key; null: it is another one. */
export const itemOfOlderKey = (vendorKey: string): bigint | null => {
  const [, digits] = /^older:(\d{1,18})$/.exec(vendorKey) ?? []
  return digits === undefined ? null : BigInt(digits)
}

export type Named =
  | { readonly kind: 'item'; readonly itemId: bigint }
  /** Keys that it may mean; the first that is mapped counts. */
  | { readonly kind: 'key'; readonly keys: readonly string[] }

/** `item:17` · `sku:85123A` · `text:white hanging heart` · `older:17` · or the sku or the description itself. Null: it names nothing. */
export function parseName(text: string): Named | null {
  if (text.startsWith('item:')) return parseItem(text.slice('item:'.length))
  // Stored as they are: keys of long texts, and older rows.
  if (/^(?:sku|text)#[0-9a-f]{64}$/.test(text) || itemOfOlderKey(text) !== null) return { kind: 'key', keys: [text] }
  const [, kind, rest = ''] = /^(sku|text):(.+)$/su.exec(text) ?? []
  if (kind === 'sku') return { kind: 'key', keys: [skuKey(rest)] }
  // As it is stored, or as it came.
  if (kind === 'text') return { kind: 'key', keys: unique([text, textKey(rest)]) }
  const plain = text.trim()
  return plain === '' ? null : { kind: 'key', keys: unique([skuKey(plain), textKey(plain)]) }
}

function parseItem(digits: string): Named | null {
  const itemId = /^\d{1,18}$/.test(digits) ? BigInt(digits) : 0n
  return itemId > 0n ? { kind: 'item', itemId } : null
}

const unique = (keys: readonly (string | null)[]): string[] => [...new Set(keys.filter((key) => key !== null))]
