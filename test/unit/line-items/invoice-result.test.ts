import { expect, test } from 'vitest'
import { type FailedItem, type InvoiceTally, invoiceResults } from '../../../src/line-items/invoice-result.ts'

const tally = (userId: string | null, over: Partial<InvoiceTally> = {}): InvoiceTally => ({
  ...{ userId, written: 1, lines: [], failed: 0, discarded: 0, firstAt: null, lastAt: null },
  ...over,
})
const item = (userId: string | null, line: number): FailedItem => ({
  ...{ userId, line, code: 'X', error: '', path: '', deadLetterId: `${userId}-${line}`, status: 'open' },
  ...{ group: 'g', topic: 't', partition: 0, offset: 0n },
})
const asked = { invoiceId: '1', userId: null, limit: 9 }

test('each user has its own lines; what is of no known user counts to all, and is listed once', () => {
  const tallies = [
    ...[tally('a'), tally('b'), tally('a', { written: 0, failed: 1 })],
    tally(null, { written: 0, failed: 2, discarded: 1 }),
  ]
  const items = [item('a', 1), item(null, 1), item(null, 2), item(null, 3)]
  const results = invoiceResults(asked, { tallies, items, more: false })
  expect(results).toMatchObject([
    { userId: 'a', itemsProcessed: 1, itemsFailed: 3, itemsDiscarded: 1, itemsUnread: 3, failedItems: [{ line: 1 }] },
    { userId: 'b', itemsProcessed: 1, itemsFailed: 2, itemsDiscarded: 1, itemsUnread: 3, failedItems: [] },
    { userId: null, itemsProcessed: 0, itemsFailed: 2, itemsDiscarded: 1, itemsUnread: 0, failedItems: [{}, {}, {}] },
  ])
})

test('a user who is asked for and has nothing is unknown, and so is an invoice that nobody has', () => {
  const none = { tallies: [], items: [], more: false }
  for (const userId of ['a', null])
    expect(invoiceResults({ ...asked, userId }, none)).toMatchObject([{ userId, status: 'unknown' }])
})
