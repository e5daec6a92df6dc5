import Table from 'cli-table3'
import { Command, InvalidArgumentError } from 'commander'
import pc from 'picocolors'
import { ExitCode } from '../lib/operator-error.ts'
import {
  type FailedItem,
  type InvoiceResult,
  invoiceResults,
  type InvoiceStatus,
  MAX_USERS,
} from '../line-items/invoice-result.ts'
import { readInvoice } from '../sink/invoice-report.ts'
import { printable } from '../lib/printable.ts'
import { shortId } from './dlq-text.ts'
import type { Io } from './io.ts'
import { withDatabase } from './with-database.ts'
import { toJson } from '../lib/json.ts'

type Options = { user?: string; json?: true; limit: number }

export const invoiceCommand = (io: Io, exit: (code: ExitCode) => void): Command =>
  new Command('invoice')
    .description('what became of an invoice: lines processed, lines failed and why')
    .argument('<invoiceId>', 'its id')
    .option(
      '--user <id>',
      `the invoice of this user (default: of every user who has one of that id, at most ${MAX_USERS})`,
    )
    .option('--json', 'one JSON object a line, one for each user, and one for what is of no known user')
    .option(
      '--limit <n>',
      'list at most so many failed lines, and ranges of lines in the ledger, of each user; all are counted',
      limit,
      1_000,
    )
    .addHelpText(
      'after',
      `
  success          its records are in the ledger, and none waits as a dead letter
  partial_success  some are in the ledger, some are dead letters
  failed           none is in the ledger
  unknown          no record of it is known, in the ledger or as a dead letter

A dead letter counts by the invoice id in its record or, when the record could not be read, by its key. When its user could not
be read either it counts to every user of the invoice, as it may be theirs, and is listed once, under no known user. Resolved
letters are in the ledger and do not count; discarded ones are listed, but are neither processed nor failed. A line that was sent twice, once refused, counts in both.
Time taken: from the first to the last time that records of it were settled (written, or made a dead letter); 0 when that was
one transaction.

Exit code 0: success, for every user shown. 1: anything else.

Examples:
  sluice invoice 536365
  sluice invoice 536365 --user u-1 --json | jq .status`,
    )
    .action(async (invoiceId: string, { user, json, limit }: Options) => {
      const asked = { invoiceId, userId: user ?? null, limit }
      const facts = await withDatabase(io, { applicationName: 'sluice-invoice' }, (database) =>
        readInvoice(database, asked),
      )
      const results = invoiceResults(asked, facts)
      if (facts.more) io.stderr.write(`more than ${MAX_USERS} users have an invoice of that id; --user asks for one\n`)
      io.stdout.write(`${results.map(json ? toJson : textOf).join(json ? '\n' : '\n\n')}\n`)
      // What is of no known user counts to each of the others.
      const judged = results.filter(({ userId }) => results.length === 1 || userId !== null)
      exit(judged.every(({ status }) => status === 'success') ? ExitCode.ok : ExitCode.partial)
    })

function limit(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('a whole number, at most 999999.')
}

const count = (value: number) => value.toLocaleString('en-US')

const COLOUR: Record<InvoiceStatus, (text: string) => string> = {
  success: pc.green,
  partial_success: pc.yellow,
  failed: pc.red,
  unknown: pc.red,
}

function textOf(result: InvoiceResult): string {
  const { userId, status, itemsProcessed, itemsFailed, itemsDiscarded, itemsUnread, failedItems } = result
  const nobody = status === 'unknown' ? '' : ', no known user'
  const owner = userId === null ? nobody : `, user ${printable(userId)}`
  const discarded = itemsDiscarded > 0 ? `, discarded ${count(itemsDiscarded)}` : ''
  const lines = [
    `invoice ${printable(result.invoiceId)}${owner}: ${COLOUR[status](status)}`,
    `processed ${count(itemsProcessed)}, failed ${count(itemsFailed)}${discarded}${timeTaken(result)}`,
  ]
  const inLedger = result.processedLines.map(({ from, to }) => (from === to ? `${from}` : `${from}–${to}`)).join(', ')
  if (inLedger !== '')
    lines.push(`lines in the ledger: ${inLedger}${result.moreProcessedLines ? ' and more (--limit)' : ''}`)
  if (failedItems.length > 0) lines.push(tableOf(failedItems))
  const missing = itemsFailed + itemsDiscarded - itemsUnread - failedItems.length
  if (missing > 0) lines.push(`and ${count(missing)} more (--limit)`)
  if (itemsUnread > 0) lines.push(`${count(itemsUnread)} of these are of no known user: below`)
  const [first] = failedItems
  if (first) lines.push(`the whole record, and what to do: sluice dlq show ${shortId(first.deadLetterId)}`)
  return lines.join('\n')
}

function timeTaken({ processingTimeMs, firstSettledAt }: InvoiceResult): string {
  if (processingTimeMs === null || firstSettledAt === null) return ''
  return `, time taken ${count(processingTimeMs)} ms from ${firstSettledAt.toISOString()}`
}

function tableOf(items: readonly FailedItem[]): string {
  const table = new Table({
    head: ['line', 'code', 'field', 'what is wrong', 'status', 'record', 'dead letter'],
    style: { head: [], border: [], compact: true },
    colAligns: ['right', 'left', 'left', 'left', 'left', 'left', 'left'],
  })
  for (const item of items) {
    const where = `${item.topic}[${item.partition}]@${item.offset}`
    const row = [
      String(item.line ?? '?'),
      item.code,
      item.path || '–',
      item.error,
      item.status,
      where,
      shortId(item.deadLetterId),
    ]
    table.push(row.map(printable))
  }
  return table.toString()
}
