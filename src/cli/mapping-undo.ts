import { Command } from 'commander'
import { cell } from '../lib/cell.ts'
import { ExitCode } from '../lib/operator-error.ts'
import { systemClock } from '../lib/clock.ts'
import { actor } from '../lib/actor.ts'
import { planUndo } from '../mapping-jobs.ts'
import { changeJson, changeText, quantityText, rowsText } from '../mapping-text.ts'
import { createCorrections } from '../sink/mapping-change.ts'
import { jsonLine, writeOut } from './dlq-text.ts'
import type { Io } from './io.ts'
import { connected } from './mapping-connect.ts'
import { correct, type CorrectFlags, told, withCorrectOptions } from './mapping-correct.ts'

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
    .action(async (user: string, flags: CorrectFlags) =>
      exit(await correct(io, flags, ({ reads }) => planUndo(reads, user, null))),
    )

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
