import { Command } from 'commander'
import { itemOfOlderKey, olderKey, type Named } from '../line-items/mapping-name.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { shellWord } from '../lib/shell-word.ts'
import type { ItemView } from '../sink/mapping-reads.ts'
import { cell } from './dlq-text.ts'
import type { Io } from './io.ts'
import { type Connected, itemOf, keyOf } from './mapping-connect.ts'
import { correct, type CorrectFlags, type Plan, withCorrectOptions } from './mapping-correct.ts'
import { nameArgument, NAMES } from './mapping-options.ts'
import { itemText, keyText, rowsText, totalOf } from './mapping-text.ts'

type Flags = CorrectFlags & { to: Named | 'new'; name?: string }

const targetOption = (text: string): Named | 'new' => (text === 'new' ? 'new' : nameArgument(text))

export const mappingAssign = (io: Io, exit: (code: ExitCode) => void): Command =>
  withCorrectOptions(
    new Command('assign')
      .description('let a vendor key stand for another item: its ledger rows and their quantity move there')
      .argument('<user>', 'whose')
      .argument('<key>', 'a key, or a sku or description as it came', nameArgument)
      .requiredOption('--to <item>', 'item:<number>, a key that stands for the item, or `new`', targetOption)
      .option('--name <text>', "with --to new: its name (default: the vendor's text)"),
  )
    .addHelpText(
      'after',
      `
${NAMES}
Lines that come from now on go to the new item, also in members that are writing: none of their batches that was mapped before is
written afterwards. The rows that came by the key, and no others, move in one transaction with their quantity. Other keys of the
old item stay: \`mapping show\` lists them, and a line with a sku is decided by its sku alone.

Examples:
  sluice mapping assign u-1 'White hanging heart' --to item:17 --dry-run
  sluice mapping assign u-1 85123A --to new --reason 'is a candle, not a heart'`,
    )
    .action(async (user: string, key: Named, flags: Flags) => {
      if (flags.name !== undefined && flags.to !== 'new')
        throw new OperatorError('--name is for --to new', 'an item that is there keeps its name', ExitCode.usage)
      exit(await correct(io, flags, (all) => plan(all, user, key, flags)))
    })

async function plan(all: Connected, userId: string, named: Named, { to, name }: Flags): Promise<Plan> {
  const key = await keyToMove(all, userId, named)
  const from = await all.reads.item(userId, key.itemId)
  const target = to === 'new' ? null : await itemOf(all, userId, to)
  if (target?.id === key.itemId)
    throw new OperatorError(
      `${keyText(key)} of user ${cell(userId)} stands for ${itemText(target)} already`,
      '',
      ExitCode.usage,
    )
  const brought = await all.reads.brought(userId, key.itemId, key.id === null ? [] : [key.id])
  const isOlder = key.vendorKey === olderKey(key.itemId)
  const counted = brought.filter(({ mappingId }) => mappingId === key.id || (isOlder && mappingId === null))
  const older = brought.find(({ mappingId }) => mappingId === null)
  return {
    what: `${keyText(key)} of user ${cell(userId)} from ${from ? itemText(from) : `item ${key.itemId}`} to ${targetText(target)}`,
    ...{ userId, fromItem: key.itemId, toItem: target?.id ?? null },
    ...totalOf(counted),
    notes: isOlder || !older ? [] : [olderNote(userId, key.itemId, older.rows)],
    make: (corrections) =>
      corrections.assign(userId, key.vendorKey, target ? { itemId: target.id } : { name: name ?? null }),
  }
}

const targetText = (item: ItemView | null): string => (item ? itemText(item) : 'a new item')

const olderNote = (userId: string, itemId: bigint, rows: bigint): string =>
  `${rowsText(rows)} of item ${itemId} stay there: they are older than the knowledge which key brought them (sluice mapping assign ${shellWord(userId)} ${olderKey(itemId)} --to … moves them)`

type Key = { readonly id: bigint | null; readonly vendorKey: string; readonly itemId: bigint }

/** Older rows have a key of their own, which is stored when they are moved first. */
async function keyToMove(all: Connected, userId: string, named: Named): Promise<Key> {
  const older = named.kind === 'key' ? itemOfOlderKey(named.keys[0] ?? '') : null
  if (older === null || named.kind !== 'key') return keyOf(all, userId, named)
  const stored = await all.reads.byKeys(userId, named.keys)
  if (stored) return stored
  const item = await itemOf(all, userId, { kind: 'item', itemId: older })
  return { id: null, vendorKey: olderKey(item.id), itemId: item.id }
}
