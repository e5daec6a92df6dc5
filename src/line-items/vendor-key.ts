import { hash } from 'node:crypto'
import type { LineItem } from './line-item.ts'

/**
 * Version of the rule that made a mapping, kept beside it. Keys are the same in 1 and 2, so that all that is stored is still
 * found; 2 also finds an item by a text that is nearly the same. A change of keys has to look for the old ones as well.
 */
export const RULE_VERSION = 2

/** Index rows of PostgreSQL end at 2.7 KB; a user id is in the same row. */
const MAX_KEY_BYTES = 1023
const ASCII = /^[\0-\x7f]*$/

const key = (kind: 'sku' | 'text', text: string): string => {
  const plain = `${kind}:${text}`
  return Buffer.byteLength(plain) <= MAX_KEY_BYTES ? plain : `${kind}#${hash('sha256', text, 'hex')}`
}

/** Case counts: whether `85123A` and `85123a` are one item is for a person to say (`sluice mapping assign`). */
export const skuKey = (sku: string): string => key('sku', sku)

/** NFKC and small letters. Lower-casing can decompose (İ), so compose once more. */
export const fold = (text: string): string =>
  ASCII.test(text) ? text.toLowerCase() : text.normalize('NFKC').toLowerCase().normalize('NFKC')

/** Marks stay: they are letters' parts in many scripts. */
const normalise = (description: string): string =>
  ASCII.test(description)
    ? fold(description)
        .replace(/[^a-z0-9]+/g, ' ')
        .trim()
    : fold(description)
        .replace(/[^\p{L}\p{N}\p{M}]+/gu, ' ')
        .trim()

/** Null when the text names nothing: what is left holds no letter (`?`, `---`, `12`). */
export const textKey = (description: string): string | null => {
  const text = normalise(description)
  return /\p{L}/u.test(text) ? key('text', text) : null
}

/** The keys of a line in the order in which they decide; at least one for every decoded line item. */
export const vendorKeysOf = (line: Pick<LineItem, 'sku' | 'description'>): string[] => {
  const keys = line.sku === null ? [] : [skuKey(line.sku)]
  const text = line.description === null ? null : textKey(line.description)
  return text === null ? keys : [...keys, text]
}
