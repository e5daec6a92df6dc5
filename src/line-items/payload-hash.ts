import { hash } from 'node:crypto'
import type { LineItem } from './line-item.ts'

/**
 * Version of the layout below, the first byte that is hashed. Change the layout only together with it: hashes in the
 * ledger are compared for as long as the ledger lives, and another layout under the same version would turn
 * redelivered events into conflicts.
 */
export const PAYLOAD_HASH_VERSION = 1

const VERSION_BYTE = String.fromCharCode(PAYLOAD_HASH_VERSION)

/**
 * The first 16 bytes of SHA-256 over the version byte and the canonical fields. No validated field is empty or holds
 * NUL, hence NUL separates them and an empty place means absent. The internal item is left out: mapping a line anew
 * must not make it another fact.
 */
export const payloadHash = (line: Omit<LineItem, 'payloadHash'>): Buffer => {
  const fields =
    `${VERSION_BYTE}${line.eventId}\0${line.userId}\0${line.invoiceId}\0${line.lineNumber}\0${line.sku ?? ''}\0` +
    `${line.description ?? ''}\0${line.quantity}\0${line.unitPrice}\0${line.currency}\0${line.occurredAt}`
  return Buffer.from(hash('sha256', fields, 'hex').slice(0, 32), 'hex')
}
