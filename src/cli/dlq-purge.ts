import { Command } from 'commander'
import { ALL_LETTERS, type LetterFilter } from '../dead-letters/letter-filter.ts'
import type { DeadLetterStatus } from '../dead-letters/life-cycle.ts'
import { actor } from '../lib/actor.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { createLetterChanges } from '../sink/letter-change.ts'
import { type ChangeFlags, change } from './dlq-change.ts'
import { connected } from './dlq-connect.ts'
import { duration, statusOption } from './dlq-options.ts'
import type { Io } from './io.ts'

type Flags = ChangeFlags & { olderThan?: number; user?: string; invoice?: string; status?: DeadLetterStatus[] }

export const dlqPurge = (io: Io, exit: (code: ExitCode) => void): Command =>
  new Command('purge')
    .description('delete dead letters from the table: those that are done with, or all of one person')
    .option('--older-than <duration>', 'first failed so long ago, such as 90d', duration)
    .option('--user <id>', 'all letters of this userId, in every status, also those not published yet')
    .option('--invoice <id>', 'the same, of this invoiceId, and of records with this key that could not be read')
    .option(
      '--status <status...>',
      'only these (default: resolved and discarded; with --user, --invoice: all)',
      statusOption,
    ) // prettier-ignore
    .option('--dry-run', 'say how many, and delete nothing')
    .option('--yes', 'do not ask, however many there are')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
A record that could not be read has no userId: find a person's such letters by the keys of their records (--invoice).
Copies on the DLQ topic are not touched: they end with the retention of that topic.

Examples:
  sluice dlq purge --older-than 90d
  sluice dlq purge --user u-1 --dry-run`,
    )
    .action(async (flags: Flags) => exit(await run(io, flags)))

async function run(io: Io, flags: Flags): Promise<ExitCode> {
  const { olderThan, user, invoice, status } = flags
  const person = user !== undefined || invoice !== undefined
  if (olderThan === undefined && !person)
    throw new OperatorError('which dead letters?', 'give --older-than, --user or --invoice', ExitCode.usage)
  return connected(io, async ({ config, database, store }) => {
    const now = await store.now()
    const filter: LetterFilter = {
      ...ALL_LETTERS,
      userId: user ?? null,
      invoiceId: invoice ?? null,
      statuses: status ?? (person ? null : ['resolved', 'discarded']),
      until: new Date(now.getTime() - (olderThan ?? 0)),
    }
    const selection = { filter, unpublished: person }
    const changes = createLetterChanges({ database, groupId: config.groupId })
    const who = actor()
    return change(io, flags, {
      ...{ verb: 'purge', done: 'purged' },
      remaining: () => changes.countToPurge(selection),
      batch: (after) => changes.purge(selection, who, after),
      note: `copies on ${config.dlqTopic} end with the retention of that topic`,
    })
  })
}
