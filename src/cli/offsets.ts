import { Command, InvalidArgumentError } from 'commander'
import { ExitCode } from '../lib/operator-error.ts'
import type { Io } from './io.ts'
import { connected, offset, partition, partitionOption } from './offsets-connect.ts'
import { resetOffsets, type ResetOptions, target } from './offsets-reset.ts'
import { showOffsets } from './offsets-show.ts'
import { skipOffsets, type SkipOptions } from './offsets-skip.ts'

type Exit = (code: ExitCode) => void

const showCommand = (io: Io, exit: Exit): Command =>
  new Command('show')
    .description(
      'per partition: position in PostgreSQL, commit in Kafka, end of the topic, lag, and what became of the records',
    )
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  sluice offsets show')
    .action(async ({ json }: { json?: true }) => {
      await connected(io, (all) => showOffsets(io, all, json ?? false))
      exit(ExitCode.ok)
    })

const resetCommand = (io: Io, exit: Exit): Command =>
  new Command('reset')
    .description('set the position of every partition in PostgreSQL, with counters from zero; written to audit_entry')
    .requiredOption(
      '--to <where>',
      'earliest · latest · kafka (what the group committed there) · a time · an offset',
      target,
    )
    .option('--partition <n...>', 'only these partitions', partitionOption)
    .option('--yes', 'do it; without, only say what would be done')
    .option('--dry-run', 'only say what would be done, whatever else is given')
    .option('--force', 'even while members of the group are alive')
    .addHelpText(
      'after',
      `
Says first what would be read again, and what never. Records above an earlier position are read again, which changes nothing
(they are known as duplicates by their event id); records below a later one are never read. A time is of the records: the first
one with this timestamp or a later one. Stop the members of the group first.

Examples:
  sluice offsets reset --to earliest
  sluice offsets reset --to 2026-11-24T00:00Z --yes
  sluice offsets reset --partition 2 --to 48211 --yes`,
    )
    .action(async (options: ResetOptions) => {
      await connected(io, (all) => resetOffsets(io, all, options))
      exit(ExitCode.ok)
    })

function reason(text: string): string {
  const trimmed = text.trim()
  if (trimmed === '' || trimmed.length > 500) throw new InvalidArgumentError('1 to 500 characters.')
  return trimmed
}

const skipCommand = (io: Io, exit: Exit): Command =>
  new Command('skip')
    .description('pass by a record, or a record batch, that stops the members; written to audit_entry')
    .requiredOption('--partition <n>', 'its partition', partition)
    .requiredOption('--offset <n>', 'its offset: the position at which the members stop', offset)
    .option('--through <n>', 'the last offset to pass by, where a whole record batch cannot be read', offset)
    .requiredOption('--reason <text>', 'why, for the record', reason)
    .option('--yes', 'do it; without, only say what would be done')
    .option('--dry-run', 'only say what would be done, whatever else is given')
    .addHelpText(
      'after',
      `
What is passed by is never read: its lines will be missing in the ledger, and are counted as skipped. The member that stopped
said which offsets; look at them before: sluice topics record, or kafka-dump-log where they
cannot be read. Stop the members of the group first.

Example:
  sluice offsets skip --partition 2 --offset 48210 --reason "gzip bomb of 12 May, see ticket 4711" --yes`,
    )
    .action(async (options: SkipOptions) => {
      await connected(io, (all) => skipOffsets(io, all, options))
      exit(ExitCode.ok)
    })

export const offsetsCommand = (io: Io, exit: Exit): Command => {
  const command = new Command('offsets').description('where the group stands: show it, set it, or pass something by')
  for (const each of [showCommand, resetCommand, skipCommand]) command.addCommand(each(io, exit))
  return command
}
