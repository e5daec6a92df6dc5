import { Command } from 'commander'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { systemClock } from '../lib/clock.ts'
import { actor } from '../lib/actor.ts'
import { createCorrections } from '../sink/mapping-change.ts'
import { cell, jsonLine, writeOut } from './dlq-text.ts'
import type { Io } from './io.ts'
import { type Connected, connected } from './mapping-connect.ts'
import { correct, type CorrectFlags, type Plan, told, withCorrectOptions } from './mapping-correct.ts'
import { changeJson, changeText, quantityText, rowsText, totalOf } from './mapping-text.ts'

export const mappingUndo = (io: Io, exit: (code: ExitCode) => void): Command =>
  withCorrectOptions(
    new Command('undo').description('undo the last assign or merge of a user').argument('<user>', 'whose'),
  )
    .addHelpText(
      'after',
      `
The keys stand for the item they stood for before, by the method and score of then, and all that came by them goes back there, also
what came since. Keys that joined the other item since by themselves stay with it. Undo again for the one before it.

Example:
  sluice mapping undo u-1 --dry-run`,
    )
    .action(async (user: string, flags: CorrectFlags) => exit(await correct(io, flags, (all) => plan(all, user))))

async function plan({ reads }: Connected, userId: string): Promise<Plan> {
  const last = await reads.last(userId)
  if (!last)
    throw new OperatorError(`user ${userId} has no correction to undo`, '`sluice mapping show` has the history of an item', ExitCode.usage) // prettier-ignore
  const undoing = (await reads.pending(userId))?.undoes ?? null
  const keys = new Set(await reads.keysOf(last.id))
  const brought = (await reads.brought(userId, last.toItem, [...keys])).filter(
    ({ mappingId }) => mappingId !== null && keys.has(mappingId),
  )
  return {
    what: `back what change ${last.id} of user ${cell(userId)} moved (${changeText(last)})`,
    ...{ userId, fromItem: last.toItem, toItem: last.fromItem },
    ...totalOf(brought),
    notes: undoing === null ? [] : [`the undo of change ${undoing} is half done: its ledger rows are moved first`],
    make: (corrections) => corrections.undo(userId, last.id),
  }
}

export const mappingFinish = (io: Io, exit: (code: ExitCode) => void): Command =>
  new Command('finish')
    .description('move the ledger rows of a correction that was cut short; the next correction does so too')
    .argument('<user>', 'whose')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  sluice mapping finish u-1')
    .action(async (userId: string, { json }: { json?: true }) => {
      await connected(io, async ({ database, reads }) => {
        const pending = await reads.pending(userId)
        const corrections = createCorrections({ database, clock: systemClock, actor: actor(), reason: null })
        const done = pending && (await told(io, async () => (await corrections.finish(userId)) ?? pending))
        if (json) return writeOut(io, jsonLine(io, done ? changeJson(done) : { change: null }))
        if (!done) return writeOut(io, `user ${cell(userId)} has no correction that is half done\n`)
        const moved = `${rowsText(done.movedRows ?? 0n)}, quantity ${quantityText(done.quantity)}`
        await writeOut(io, `change ${done.id} is done: moved ${moved} (${changeText(done)})\n`)
      })
      exit(ExitCode.ok)
    })
