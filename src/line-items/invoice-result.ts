// What became of an invoice, for each user who has one of that id: from the ledger entries and the dead letters that bear it.
import { z } from 'zod'
import type { Immutable } from '../lib/immutable.ts'

const lineRange = z.object({ from: z.number().int(), to: z.number().int() })
export type LineRange = Immutable<z.infer<typeof lineRange>>

/** What was found under one user; null: under no user, as the record could not be read. */
export type InvoiceTally = {
  readonly userId: string | null
  /** Ledger entries. */
  readonly written: number
  /** Of which lines, in order: one range more than are to be told of, if there are more. */
  readonly lines: readonly LineRange[]
  /** Dead letters that nobody has dealt with, by those that somebody decided not to want. */
  readonly failed: number
  readonly discarded: number
  readonly firstAt: Date | null
  readonly lastAt: Date | null
}

const count = z.number().int()
const settledAt = z.date().nullable()

const failedItem = z.object({
  userId: z.string().nullable().describe('null: the record could not be read so far'),
  line: z.number().nullable(),
  path: z.string().describe('JSON pointer of the field; empty: the whole record'),
  ...{ code: z.string(), error: z.string(), deadLetterId: z.string(), status: z.string(), group: z.string() },
  ...{ topic: z.string(), partition: z.number(), offset: z.bigint() },
})
export type FailedItem = Immutable<z.infer<typeof failedItem>>

export const invoiceResult = z.object({
  invoiceId: z.string(),
  userId: z.string().nullable().describe('null: of no known user, as the record could not be read'),
  status: z.enum(['success', 'partial_success', 'failed', 'unknown']),
  ...{ itemsProcessed: count, itemsFailed: count, itemsDiscarded: count },
  processedLines: z.array(lineRange).describe('Line numbers in the ledger, in order; may be fewer than there are'),
  moreProcessedLines: z.boolean().describe('They are fewer than there are'),
  itemsUnread: count.describe('Of the failed and discarded: those of no known user, listed once, under no user'),
  failedItems: z.array(failedItem).describe('Failed and discarded ones, by line; may be fewer than there are'),
  processingTimeMs: z.number().nullable().describe('From the first to the last settling of its records'),
  ...{ firstSettledAt: settledAt, lastSettledAt: settledAt },
})
export type InvoiceResult = Immutable<z.infer<typeof invoiceResult>>
export type InvoiceStatus = InvoiceResult['status']

/** As many are told of at once. */
export const MAX_USERS = 50

/** `userId`: one user, or null for the first MAX_USERS there are. `limit`: so many failed items, and ranges of lines, are listed of each; all are counted. */
export type InvoiceAsked = { readonly invoiceId: string; readonly userId: string | null; readonly limit: number }

export type InvoiceFacts = {
  readonly tallies: readonly InvoiceTally[]
  readonly items: readonly FailedItem[]
  /** More users have an invoice of that id. */
  readonly more: boolean
}

/**
 * A record that could not be read belongs to nobody for certain: it counts to every user of the invoice, as a line that
 * may be missing must not be hidden from its owner; and it is listed in a result of its own, the last.
 */
export function invoiceResults({ invoiceId, userId: asked, limit }: InvoiceAsked, { tallies, items }: InvoiceFacts) {
  const [talliesOf, itemsOf] = [byUser(tallies), byUser(items)]
  const unread = talliesOf.get(null) ?? []
  const known = [...talliesOf.keys()].filter((userId) => userId !== null).sort()
  const users = asked !== null ? [asked] : known
  const ofUser = (userId: string | null, also: readonly InvoiceTally[]) =>
    resultOf({ invoiceId, userId, limit }, talliesOf.get(userId) ?? [], also, itemsOf.get(userId) ?? [])
  const results = users.map((userId) => ofUser(userId, unread))
  return results.length > 0 && missing(unread) === 0 ? results : [...results, ofUser(null, [])]
}

function byUser<T extends { readonly userId: string | null }>(all: readonly T[]): ReadonlyMap<string | null, T[]> {
  const found = new Map<string | null, T[]>()
  for (const each of all) {
    const list = found.get(each.userId)
    if (list) list.push(each)
    else found.set(each.userId, [each])
  }
  return found
}

const missing = (tallies: readonly InvoiceTally[]) =>
  tallies.reduce((total, { failed, discarded }) => total + failed + discarded, 0)

function resultOf(
  { limit, ...invoice }: Pick<InvoiceResult, 'invoiceId' | 'userId'> & Pick<InvoiceAsked, 'limit'>,
  own: readonly InvoiceTally[],
  unread: readonly InvoiceTally[],
  failedItems: readonly FailedItem[],
): InvoiceResult {
  const tallies = [...own, ...unread]
  const sum = (field: 'written' | 'failed' | 'discarded') => tallies.reduce((total, tally) => total + tally[field], 0)
  const [itemsProcessed, itemsFailed, itemsDiscarded] = [sum('written'), sum('failed'), sum('discarded')]
  const lines = own.flatMap((tally) => tally.lines)
  const times = tallies.flatMap(({ firstAt, lastAt }) => [firstAt, lastAt]).filter((at) => at !== null)
  const sorted = times.sort((a, b) => a.getTime() - b.getTime())
  const [firstSettledAt = null, lastSettledAt = null] = [sorted[0], sorted.at(-1)]
  return {
    ...invoice,
    status: statusOf({ itemsProcessed, itemsFailed, itemsDiscarded }),
    ...{ itemsProcessed, itemsFailed, itemsDiscarded, itemsUnread: missing(unread), failedItems },
    ...{ processedLines: lines.slice(0, limit), moreProcessedLines: lines.length > limit },
    processingTimeMs: firstSettledAt && lastSettledAt && lastSettledAt.getTime() - firstSettledAt.getTime(),
    ...{ firstSettledAt, lastSettledAt },
  }
}

/** Nobody misses what was discarded; but an invoice of which nothing was written did not succeed. */
function statusOf(items: Pick<InvoiceResult, 'itemsProcessed' | 'itemsFailed' | 'itemsDiscarded'>): InvoiceStatus {
  if (items.itemsProcessed > 0) return items.itemsFailed > 0 ? 'partial_success' : 'success'
  return items.itemsFailed + items.itemsDiscarded > 0 ? 'failed' : 'unknown'
}
