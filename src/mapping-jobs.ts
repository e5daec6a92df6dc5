// What `sluice mapping assign`, `sluice mapping undo` and the same over HTTP have in common: what they would move, and how long they may take.
import { cell } from './lib/cell.ts'
import { ExitCode, OperatorError } from './lib/operator-error.ts'
import { shellWord } from './lib/shell-word.ts'
import { itemOfOlderKey, type Named, olderKey } from './line-items/mapping-name.ts'
import { changeText, itemText, keyText, pendingText, rowsText, totalOf } from './mapping-text.ts'
import type { Corrections } from './sink/mapping-change.ts'
import type { MappingChange } from './sink/mapping-change-statements.ts'
import type { Brought, MappingReads, MappingView } from './sink/mapping-reads.ts'
import { movedMeanwhile } from './sink/mapping-target.ts'

/** A million rows of one item move in half a minute; a large ledger takes long to read. */
const TIMEOUT_MS = 3_600_000
export const CORRECTION_TIMEOUTS = { statementTimeoutMs: TIMEOUT_MS, transactionTimeoutMs: TIMEOUT_MS }

export type Plan = {
  /** Without a verb: "key … of user … from item … to item …". */
  readonly what: string
  readonly userId: string
  readonly fromItem: bigint
  /** Null: it is made for it. */
  readonly toItem: bigint | null
  readonly rows: bigint
  readonly quantity: string
  /** What a person should know besides. */
  readonly notes: readonly string[]
  readonly make: (corrections: Corrections) => Promise<MappingChange>
}

const usage = (message: string, mend: string) => new OperatorError(message, mend, ExitCode.usage)

export async function keyOf(reads: MappingReads, userId: string, named: Named): Promise<MappingView> {
  if (named.kind === 'item')
    throw usage(`item:${named.itemId} is an item, not a key`, 'a merge moves all keys of an item')
  const found = await reads.byKeys(userId, named.keys)
  if (found) return found
  throw usage(
    `user ${userId} has no mapping of ${named.keys.join(' or ')}`,
    `sluice mapping list --user ${shellWord(userId)} --text …`,
  )
}

/** The item itself, or the one that the key stands for. */
export async function itemOf(reads: MappingReads, userId: string, named: Named) {
  const itemId = named.kind === 'item' ? named.itemId : (await keyOf(reads, userId, named)).itemId
  const item = await reads.item(userId, itemId)
  if (!item) throw usage(`user ${userId} has no item ${itemId}`, `sluice mapping list --user ${shellWord(userId)}`)
  return item
}

export type Assigning = {
  readonly userId: string
  readonly key: Named
  /** Null: a new item of that name, or of the vendor's text. */
  readonly to: Named | null
  readonly name: string | null
  /** The item that the key stood for when it was looked at. */
  readonly seen?: bigint
}

export async function planAssign(
  reads: MappingReads,
  { userId, key: named, to, name, seen }: Assigning,
): Promise<Plan> {
  const key = await keyToMove(reads, userId, named)
  if (seen !== undefined && key.itemId !== seen) throw movedMeanwhile(key.vendorKey, key.itemId, seen)
  const from = await reads.item(userId, key.itemId)
  const target = to && (await itemOf(reads, userId, to))
  const pending = await reads.pending(userId)
  if (target?.id === key.itemId)
    throw usage(
      `${keyText(key)} of user ${cell(userId)} stands for ${itemText(target)} already`,
      pending ? pendingText(pending) : '',
    )
  const brought = await reads.brought(userId, key.itemId, key.id === null ? [] : [key.id])
  const isOlder = key.vendorKey === olderKey(key.itemId)
  const counted = brought.filter(({ mappingId }) => mappingId === key.id || (isOlder && mappingId === null))
  const older = brought.find(({ mappingId }) => mappingId === null)
  const behind = pending?.toItem === key.itemId ? await leftBehind(reads, pending, key) : []
  const toText = target ? itemText(target) : 'a new item'
  return {
    what: `${keyText(key)} of user ${cell(userId)} from ${from ? itemText(from) : `item ${key.itemId}`} to ${toText}`,
    ...{ userId, fromItem: key.itemId, toItem: target?.id ?? null },
    ...totalOf([...counted, ...behind]),
    notes: [
      ...(pending ? [`change ${pending.id} is half done: its ledger rows are moved first`] : []),
      ...(isOlder || !older ? [] : [olderNote(userId, key.itemId, older.rows)]),
    ],
    make: (corrections) =>
      corrections.assign(userId, key.vendorKey, target ? { itemId: target.id } : { name }, key.itemId),
  }
}

/** What the key brought, and a change that is half done has not moved yet. */
async function leftBehind(reads: MappingReads, { id, userId, fromItem }: MappingChange, key: Key): Promise<Brought[]> {
  if (key.id === null || !(await reads.keysOf(id)).includes(key.id)) return []
  return (await reads.brought(userId, fromItem, [key.id])).filter(({ mappingId }) => mappingId === key.id)
}

const olderNote = (userId: string, itemId: bigint, rows: bigint): string =>
  `${rowsText(rows)} of item ${itemId} stay there: they are older than the knowledge which key brought them (sluice mapping assign ${shellWord(userId)} ${olderKey(itemId)} --to … moves them)`

type Key = { readonly id: bigint | null; readonly vendorKey: string; readonly itemId: bigint }

/** Older rows have a key of their own, which is stored when they are moved first. */
async function keyToMove(reads: MappingReads, userId: string, named: Named): Promise<Key> {
  const older = named.kind === 'key' ? itemOfOlderKey(named.keys[0] ?? '') : null
  if (older === null || named.kind !== 'key') return keyOf(reads, userId, named)
  const stored = await reads.byKeys(userId, named.keys)
  if (stored) return stored
  const item = await itemOf(reads, userId, { kind: 'item', itemId: older })
  return { id: null, vendorKey: olderKey(item.id), itemId: item.id }
}

type KeyOf = { readonly userId: string; readonly changeId: bigint; readonly of: Named }

/** Refuses a key that had no part in the last correction. */
export async function checkKeyOf(reads: MappingReads, { userId, changeId, of }: KeyOf, what = ''): Promise<void> {
  const { id } = await keyOf(reads, userId, of)
  if ((await reads.keysOf(changeId)).includes(id)) return
  throw usage(
    `the last correction of user ${userId} is of another key: change ${changeId}${what}`,
    `undo that one first, here or with: sluice mapping undo ${shellWord(userId)}`,
  )
}

/** `of`: only if the key had a part in the last correction. */
export async function planUndo(
  reads: MappingReads,
  userId: string,
  of: Named | null,
): Promise<Plan & { change: bigint }> {
  const last = await reads.last(userId)
  if (!last) throw usage(`user ${userId} has no correction to undo`, '`sluice mapping show` has the history of an item')
  const undoing = (await reads.pending(userId))?.undoes ?? null
  if (of) await checkKeyOf(reads, { userId, changeId: last.id, of }, ` (${changeText(last)})`)
  const keys = new Set(await reads.keysOf(last.id))
  const brought = (await reads.brought(userId, last.toItem, [...keys])).filter(
    ({ mappingId }) => mappingId !== null && keys.has(mappingId),
  )
  return {
    what: `back what change ${last.id} of user ${cell(userId)} moved (${changeText(last)})`,
    ...{ userId, fromItem: last.toItem, toItem: last.fromItem, change: last.id },
    ...totalOf(brought),
    notes: undoing === null ? [] : [`the undo of change ${undoing} is half done: its ledger rows are moved first`],
    make: (corrections) => corrections.undo(userId, last.id),
  }
}
