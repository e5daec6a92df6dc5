// Puts the batch's line items into the ledger, each event of a user once, and says what became of every one of them.
import type { FaultCode } from '../line-items/fault.ts'
import type { LineItem } from '../line-items/line-item.ts'
import { isolate } from '../pipeline/isolate.ts'
import type { SourceRecord } from '../pipeline/source-record.ts'
import { type Attempting, createAttempts } from './attempts.ts'
import { SinkError } from './classify.ts'
import { insertLedgerEntries, storedHashes } from './statements.ts'
import type { LedgerKey, Tx } from './writer.ts'

/** `mappingId`: the mapping that gave the line its item. */
export type Line = {
  readonly record: SourceRecord
  readonly lineItem: LineItem
  readonly itemId: bigint
  readonly mappingId: bigint
}
export type Refusal = { readonly line: Line; readonly code: FaultCode; readonly sqlstate: string | null }
export type LedgerOutcome = {
  readonly inserted: readonly Line[]
  readonly duplicates: readonly Line[]
  readonly refused: readonly Refusal[]
}

const keyOf = ({ eventId, userId }: LedgerKey) => `${eventId} ${userId}`
const hashOf = (line: Line) => line.lineItem.payloadHash.toString('hex')

const lineKey = ({ lineItem }: Line) => keyOf(lineItem)

/** `lines` in order of arrival: of several with one (event id, user), the first counts. */
export async function writeLedger(
  tx: Tx,
  lines: readonly Line[],
  { topic, attempting }: { topic: string; attempting: Attempting },
): Promise<LedgerOutcome> {
  const { firsts, followers } = splitByEvent(lines)
  const store = (some: readonly Line[]) =>
    insertLedgerEntries(
      tx,
      some.map((line) => ledgerRow(topic, line)),
    )
  const attempt = createAttempts(tx, { name: 'ledger', ...attempting, store })
  const { stored, refused } = await isolate(firsts, attempt)
  const returned = stored.flat()
  // The usual case: every event is new.
  if (returned.length === lines.length) return { inserted: lines, duplicates: [], refused: [] }

  const isNew = new Set(returned.map(keyOf))
  const inserted = firsts.filter((line) => isNew.has(lineKey(line)))
  const notNew = firsts.filter((line) => !isNew.has(lineKey(line)))
  // Also of what was refused: a constraint that is younger than the entry refuses its duplicates.
  const hashes = await storedHashesOf(tx, notNew)
  const rowFaults = new Map(
    refused
      .filter(({ item }) => !hashes.has(lineKey(item)))
      .map(({ item, fault }) => [lineKey(item), { line: item, sqlstate: fault }]),
  )
  const present = notNew.filter((line) => !rowFaults.has(lineKey(line)))
  if (present.some((line) => !hashes.has(lineKey(line))))
    throw new SinkError('transient', 'LEDGER_ENTRY_VANISHED', 'an entry was deleted while it was compared')
  const firstOf = new Map(followers.length === 0 ? [] : firsts.map((line) => [lineKey(line), line]))

  const duplicates: Line[] = []
  const refusals: Refusal[] = [...rowFaults.values()].map((fault) => ({ ...fault, code: 'ROW_REJECTED' }))
  const orphans: Line[] = []
  for (const line of [...present, ...followers]) {
    const key = lineKey(line)
    const first = firstOf.get(key)
    const hash = hashes.get(key) ?? (first && isNew.has(key) ? hashOf(first) : undefined)
    const fault = rowFaults.get(key)
    if (hash !== undefined && hash === hashOf(line)) duplicates.push(line)
    else if (hash !== undefined) refusals.push({ line, code: 'EVENT_ID_CONFLICT', sqlstate: null })
    else if (fault && hashOf(fault.line) === hashOf(line)) refusals.push({ ...fault, line, code: 'ROW_REJECTED' })
    else orphans.push(line)
  }
  if (orphans.length === 0) return { inserted, duplicates, refused: refusals }

  // Their first was refused by the database and says something else: the next of them is the first now.
  const rest = await writeLedger(tx, orphans, { topic, attempting })
  return {
    inserted: [...inserted, ...rest.inserted],
    duplicates: [...duplicates, ...rest.duplicates],
    refused: [...refusals, ...rest.refused],
  }
}

/**
 * A statement must never hold a key twice: PostgreSQL kept the second copy in half the tries. Sorted: the lock order. Ids
 * are lower case and of one length, so the order of the keys is the order of (event_id, user_id).
 */
function splitByEvent(lines: readonly Line[]): { firsts: Line[]; followers: Line[] } {
  // No event id comes twice, usually: it is the key then, and no other text has to be made.
  const byEvent = new Map(lines.map((line) => [line.lineItem.eventId, line]))
  if (byEvent.size === lines.length) return { firsts: sortedByKey(byEvent), followers: [] }
  const firsts = new Map<string, Line>()
  const followers: Line[] = []
  for (const line of lines) {
    const key = lineKey(line)
    if (firsts.has(key)) followers.push(line)
    else firsts.set(key, line)
  }
  return { firsts: sortedByKey(firsts), followers }
}

/** Sorting the keys themselves needs no call per comparison. */
const sortedByKey = (lines: ReadonlyMap<string, Line>): Line[] =>
  [...lines.keys()].sort().flatMap((key) => lines.get(key) ?? [])

function ledgerRow(topic: string, { record, lineItem, itemId, mappingId }: Line) {
  return {
    eventId: lineItem.eventId,
    userId: lineItem.userId,
    itemId,
    invoiceId: lineItem.invoiceId,
    lineNumber: lineItem.lineNumber,
    quantity: lineItem.quantity,
    unitPrice: lineItem.unitPrice,
    currency: lineItem.currency,
    occurredAt: lineItem.occurredAt,
    payloadHash: lineItem.payloadHash as Uint8Array<ArrayBuffer>,
    topic,
    partition: record.partition,
    recordOffset: record.offset,
    mappingId,
  }
}

/** What the ledger holds now under the key of each line, by key. */
async function storedHashesOf(tx: Tx, lines: readonly Line[]): Promise<Map<string, string>> {
  if (lines.length === 0) return new Map()
  const rows = await storedHashes(
    tx,
    lines.map(({ lineItem }) => lineItem),
  )
  return new Map(rows.map((row) => [keyOf(row), row.hash]))
}
