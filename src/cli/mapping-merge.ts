import { Command } from 'commander'
import { cell } from '../lib/cell.ts'
import type { Named } from '../line-items/mapping-name.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { itemOf, type Plan } from '../mapping-jobs.ts'
import { itemText, totalOf } from '../mapping-text.ts'
import type { Io } from './io.ts'
import type { Connected } from './mapping-connect.ts'
import { correct, type CorrectFlags, withCorrectOptions } from './mapping-correct.ts'
import { nameArgument, NAMES } from './mapping-options.ts'

export const mappingMerge = (io: Io, exit: (code: ExitCode) => void): Command =>
  withCorrectOptions(
    new Command('merge')
      .description('make two items one: all keys, ledger rows and the quantity of the first move to the second')
      .argument('<user>', 'whose')
      .argument('<from>', 'the item that is given up: item:<number>, or a key of it', nameArgument)
      .argument('<into>', 'the item that stays', nameArgument),
  )
    .addHelpText(
      'after',
      `
${NAMES}
The item that is given up stays as an empty one, without keys and with 0 on hand. If the other one has no sku, it gets
that of the first.

Examples:
  sluice mapping merge u-1 item:18 item:17 --dry-run
  sluice mapping merge u-1 'hanging heart, white' 85123A --reason 'the same thing'`,
    )
    .action(async (user: string, from: Named, into: Named, flags: CorrectFlags) =>
      exit(await correct(io, flags, (all) => plan(all, user, from, into))),
    )

async function plan({ reads }: Connected, userId: string, fromName: Named, intoName: Named): Promise<Plan> {
  const from = await itemOf(reads, userId, fromName)
  const into = await itemOf(reads, userId, intoName)
  if (from.id === into.id) throw new OperatorError(`both are ${itemText(into)}`, 'name two items', ExitCode.usage)
  const brought = await reads.brought(userId, from.id)
  return {
    what: `all keys of user ${cell(userId)} from ${itemText(from)} to ${itemText(into)}`,
    ...{ userId, fromItem: from.id, toItem: into.id },
    ...totalOf(brought),
    notes:
      from.sku !== null && into.sku !== null && from.sku !== into.sku
        ? [`they have two skus, ${cell(from.sku)} and ${cell(into.sku)}: both stand for item ${into.id} then`]
        : [],
    make: (corrections) => corrections.merge(userId, from.id, into.id),
  }
}
