// What became of an invoice, for each user who has one of that id: from the ledger entries and the dead letters that bear it.

/** What was found under one user; null: under no user, as the record could not be read. */
export type InvoiceTally = {
  readonly userId: string | null
  /** Ledger entries. */
  readonly written: number
  /** Dead letters that nobody has dealt with, by those that somebody decided not to want. */
  readonly failed: number
  readonly discarded: number
  readonly firstAt: Date | null
  readonly lastAt: Date | null
}

export type FailedItem = {
  /** Null: the record could not be read so far. */
  readonly userId: string | null
  readonly line: number | null
  readonly code: string
  readonly error: string
  readonly deadLetterId: string
  readonly status: string
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

export type InvoiceStatus = 'success' | 'partial_success' | 'failed' | 'unknown'

export type InvoiceResult = {
  readonly invoiceId: string
  readonly userId: string | null
  readonly status: InvoiceStatus
  readonly itemsProcessed: number
  readonly itemsFailed: number
  readonly itemsDiscarded: number
  /** Failed and discarded ones, by line; may be fewer than there are. */
  readonly failedItems: readonly FailedItem[]
  /** From the first to the last settling of its records. */
  readonly processingTimeMs: number | null
  readonly firstSettledAt: Date | null
  readonly lastSettledAt: Date | null
}

/** `userId`: one user, or null for all there are. `limit`: so many failed items are listed of each; all are counted. */
export type InvoiceAsked = { readonly invoiceId: string; readonly userId: string | null; readonly limit: number }

export type InvoiceFacts = { readonly tallies: readonly InvoiceTally[]; readonly items: readonly FailedItem[] }

/**
 * A record that could not be read belongs to nobody for certain: it counts to every user of the invoice, as a line that
 * may be missing must not be hidden from its owner.
 */
export function invoiceResults({ invoiceId, userId: asked, limit }: InvoiceAsked, { tallies, items }: InvoiceFacts) {
  const known = [...new Set(tallies.map(({ userId }) => userId))].filter((userId) => userId !== null).sort()
  const users: (string | null)[] = asked !== null ? [asked] : known
  const counts = (owner: string | null) => (each: { userId: string | null }) =>
    each.userId === owner || each.userId === null
  return (users.length > 0 ? users : [null]).map((userId) =>
    resultOf({ invoiceId, userId }, tallies.filter(counts(userId)), items.filter(counts(userId)).slice(0, limit)),
  )
}

function resultOf(
  invoice: Pick<InvoiceResult, 'invoiceId' | 'userId'>,
  tallies: readonly InvoiceTally[],
  failedItems: readonly FailedItem[],
): InvoiceResult {
  const sum = (field: 'written' | 'failed' | 'discarded') => tallies.reduce((total, tally) => total + tally[field], 0)
  const [itemsProcessed, itemsFailed, itemsDiscarded] = [sum('written'), sum('failed'), sum('discarded')]
  const times = tallies.flatMap(({ firstAt, lastAt }) => [firstAt, lastAt]).filter((at) => at !== null)
  const sorted = times.sort((a, b) => a.getTime() - b.getTime())
  const [firstSettledAt = null, lastSettledAt = null] = [sorted[0], sorted.at(-1)]
  return {
    ...invoice,
    status: statusOf({ itemsProcessed, itemsFailed, itemsDiscarded }),
    ...{ itemsProcessed, itemsFailed, itemsDiscarded, failedItems },
    processingTimeMs: firstSettledAt && lastSettledAt && lastSettledAt.getTime() - firstSettledAt.getTime(),
    ...{ firstSettledAt, lastSettledAt },
  }
}

/** Nobody misses what was discarded; but an invoice of which nothing was written did not succeed. */
function statusOf(items: Pick<InvoiceResult, 'itemsProcessed' | 'itemsFailed' | 'itemsDiscarded'>): InvoiceStatus {
  if (items.itemsProcessed > 0) return items.itemsFailed > 0 ? 'partial_success' : 'success'
  return items.itemsFailed + items.itemsDiscarded > 0 ? 'failed' : 'unknown'
}
