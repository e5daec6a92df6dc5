import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { CatalogueItem } from './catalogue.ts'
import { eventId } from './event-id.ts'
import type { LineItemEvent } from './row.ts'

export type InvoiceOptions = {
  readonly seed: number
  readonly users: number
  /** Line items of an invoice: between half and one and a half times of this. */
  readonly linesPerInvoice: number
  readonly catalogue: readonly CatalogueItem[]
}

/** 2025-01-01, and one year from there: never ahead of the consumer's clock. */
const EPOCH_MS = Date.UTC(2025, 0, 1)
const MINUTES = 365 * 24 * 60
const MINUTE_MS = 60_000

const titleCase = (text: string): string => text.toLowerCase().replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase())

/** How vendors write one and the same item; most write it alike. */
const spelling = (text: string, dice: number): string => {
  if (dice < 90) return text
  if (dice < 93) return text.toLowerCase()
  if (dice < 96) return titleCase(text)
  return dice < 98 ? text.replace(' ', '  ') : `${text} `
}

const vendorItem = (item: CatalogueItem, dice: number, spellingDice: number): LineItemEvent['vendorItem'] => {
  const description = spelling(item.description, spellingDice)
  if (dice < 5) return { description: description === item.description ? description.toLowerCase() : description }
  return dice < 7 ? { sku: item.sku } : { sku: item.sku, description }
}

/** Pieces mostly; weights and lengths with up to six decimals, without trailing zeros. */
const amount = (dice: number, digits: number): string => {
  if (dice < 85) return String(1 + (digits % 48))
  const decimals = dice < 95 ? 1 + (digits % 3) : 4 + (digits % 3)
  const fraction = String(1 + (digits % (10 ** decimals - 1)))
    .padStart(decimals, '0')
    .replace(/0+$/, '')
  return `${digits % 40}.${fraction}`
}

/**
 * The events of invoice `index`. Each invoice has its own random numbers, from seed and index alone: line 3 of invoice 7 is the
 * same event however many records, users or lines were asked for, so two runs with one seed never contradict each other.
 */
export const invoiceEvents = (
  { seed, users, linesPerInvoice, catalogue }: InvoiceOptions,
  index: number,
): LineItemEvent[] => {
  const random = xoroshiro128plus(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b))
  const upTo = (limit: number): number => uniformInt(random, 0, limit - 1)
  const userId = `u-${1 + Math.floor((upTo(1_000_000) / 1_000_000) * users)}`
  const share = upTo(1_000_001) / 1_000_000
  const lines = Math.max(1, Math.round(linesPerInvoice * (0.5 + share)))
  const isCredit = upTo(100) < 3
  const currency = ['GBP', 'GBP', 'GBP', 'EUR', 'USD'][upTo(5)] ?? 'GBP'
  const invoiceId = `${isCredit ? 'C' : ''}${seed}-${String(500_001 + index)}`
  const minute = (index * 7 + upTo(7)) % MINUTES
  const occurredAt = new Date(EPOCH_MS + minute * MINUTE_MS).toISOString()
  return Array.from({ length: lines }, (_, at) => {
    const item = catalogue[upTo(catalogue.length)] as CatalogueItem
    const dice = upTo(1_000_000)
    const quantity = amount(dice % 100, upTo(0x7fffffff))
    const isReturn = isCredit || Math.floor(dice / 100) % 100 < 2
    return {
      eventId: eventId(userId, invoiceId, at + 1),
      userId,
      invoiceId,
      lineNumber: at + 1,
      vendorItem: vendorItem(item, Math.floor(dice / 10_000), upTo(100)),
      quantity: isReturn ? `-${quantity}` : quantity,
      unitPrice: `${Math.floor(item.cents / 100)}.${String(item.cents % 100).padStart(2, '0')}`,
      currency,
      occurredAt,
    }
  })
}
