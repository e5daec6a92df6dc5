import type { Command } from 'commander'
import { systemClock } from '../lib/clock.ts'
import { actor } from '../lib/actor.ts'
import { shellWord } from '../lib/shell-word.ts'
import { ExitCode } from '../lib/operator-error.ts'
import type { Plan } from '../mapping-jobs.ts'
import { changeJson, quantityText, rowsText } from '../mapping-text.ts'
import { createCorrections } from '../sink/mapping-change.ts'
import type { MappingChange } from '../sink/mapping-change-statements.ts'
import { confirmed } from './confirm.ts'
import { jsonLine, writeOut } from './dlq-text.ts'
import type { Io } from './io.ts'
import { type Connected, connected } from './mapping-connect.ts'
import { reasonOption } from './mapping-options.ts'

// What assign, merge and undo have in common: say what would move, ask, do it, say what moved.

export type CorrectFlags = { reason?: string; dryRun?: true; yes?: true; json?: true }

export const withCorrectOptions = (command: Command): Command =>
  command
    .option('--reason <text>', 'why; kept with the change and in audit_entry', reasonOption)
    .option('--dry-run', 'say what would move, and change nothing')
    .option('--yes', 'do not ask, however many ledger rows there are')
    .option('--json', 'one JSON object')

export const correct = (io: Io, flags: CorrectFlags, plan: (all: Connected) => Promise<Plan>): Promise<ExitCode> =>
  connected(io, async (all) => {
    const planned = await plan(all)
    const { what, userId, fromItem, toItem, rows, quantity, notes, make } = planned
    const lines = [`  ${rowsText(rows)}, quantity ${quantityText(quantity)}`, ...notes.map((note) => `  ${note}`)]
    if (flags.dryRun) {
      const told = { dryRun: true, userId, fromItem, toItem, rows, quantity, notes }
      const text = `would move ${what}\n${lines.join('\n')}\nnothing was changed\n`
      await writeOut(io, flags.json ? jsonLine(io, told) : text)
      return ExitCode.ok
    }
    if (rows > 100n && !flags.yes) io.stderr.write(`${what}\n${lines.join('\n')}\n`)
    const question = `Move ${rowsText(rows)}?`
    const asked = {
      io,
      stdin: process.stdin,
      question,
      count: Number(rows),
      noun: 'ledger rows',
      yes: flags.yes ?? false,
    }
    if (!(await confirmed(asked))) {
      io.stderr.write('nothing was changed\n')
      return io.drain.aborted ? ExitCode.aborted : ExitCode.partial
    }
    const corrections = createCorrections({
      ...{ database: all.database, clock: systemClock, actor: actor(), reason: flags.reason ?? null },
    })
    const done = await told(io, () => make(corrections))
    await writeOut(io, flags.json ? jsonLine(io, { ...changeJson(done), notes }) : doneText(done, planned))
    return ExitCode.ok
  })

/** A signal does not end it: it would leave the change half done, which takes as long to mend. */
export async function told(io: Io, work: () => Promise<MappingChange>): Promise<MappingChange> {
  const tell = () =>
    io.stderr.write(
      'the ledger rows are being moved; a second signal ends that, and leaves it to `sluice mapping finish`\n',
    )
  io.drain.addEventListener('abort', tell)
  try {
    return await work()
  } finally {
    io.drain.removeEventListener('abort', tell)
  }
}

const doneText = (change: MappingChange, { what, notes }: Plan): string =>
  [
    `change ${change.id}: moved ${what.replace('a new item', `item ${change.toItem}`)}`,
    `  ${rowsText(change.movedRows ?? 0n)}, quantity ${quantityText(change.quantity)}`,
    ...notes.map((note) => `  ${note}`),
    ...(change.action === 'undo' ? [] : [`  back again: sluice mapping undo ${shellWord(change.userId)}`]),
    '',
  ].join('\n')
