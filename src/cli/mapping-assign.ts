import { Command } from 'commander'
import type { Named } from '../line-items/mapping-name.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { planAssign } from '../mapping-jobs.ts'
import type { Io } from './io.ts'
import { correct, type CorrectFlags, withCorrectOptions } from './mapping-correct.ts'
import { nameArgument, NAMES } from './mapping-options.ts'

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
    .action(async (userId: string, key: Named, flags: Flags) => {
      const { to, name = null } = flags
      if (name !== null && to !== 'new')
        throw new OperatorError('--name is for --to new', 'an item that is there keeps its name', ExitCode.usage)
      const assigning = { userId, key, to: to === 'new' ? null : to, name }
      exit(await correct(io, flags, ({ reads }) => planAssign(reads, assigning)))
    })
