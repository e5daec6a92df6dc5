import { Command, InvalidArgumentError } from 'commander'
import type { LetterFilter } from '../dead-letters/letter-filter.ts'
import { statusesThatTake } from '../dead-letters/life-cycle.ts'
import { actor } from '../lib/actor.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { toDiscard } from '../letter-jobs.ts'
import { createLetterChanges } from '../sink/letter-change.ts'
import { type ChangeFlags, change } from './dlq-change.ts'
import { connected, type Connected, selectionOf } from './dlq-connect.ts'
import { type FilterFlags, givenFilters, idPrefixes, withFilters } from './dlq-options.ts'
import { shortId } from './dlq-text.ts'
import type { Io } from './io.ts'

type Flags = FilterFlags & ChangeFlags & { reason: string }

const reasonOption = (text: string): string => {
  if (text.trim() === '' || text.length > 500) throw new InvalidArgumentError('1 to 500 characters.')
  return text
}

export const dlqDiscard = (io: Io, exit: (code: ExitCode) => void): Command =>
  withFilters(new Command('discard').description('decide that dead letters are not wanted; they stay to be looked at'))
    .argument('[id...]', 'letters by id, or by its beginning', idPrefixes)
    .requiredOption('--reason <text>', 'why; kept with each letter and in audit_entry', reasonOption)
    .option('--dry-run', 'say how many, and change nothing')
    .option('--yes', 'do not ask, however many there are')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
By filters, open and parked letters are discarded; a replayed one, whose outcome is not known yet, only by --status replayed or by
its id. A copy that is under way may still be written: then the letter becomes resolved, and the ledger is right.

Examples:
  sluice dlq discard 3f2a90c1be44 --reason 'test data'
  sluice dlq discard --code QUANTITY_ZERO --reason 'zero lines are not booked' --dry-run`,
    )
    .action(async (ids: string[], flags: Flags) => exit(await run(io, ids, flags)))

const needsOne = (ids: readonly string[], flags: Flags): void => {
  if (ids.length === 0 && givenFilters(flags).length === 0)
    throw new OperatorError('which dead letters?', 'give ids or filters; --status open means every open one', ExitCode.usage) // prettier-ignore
  const never = (flags.status ?? []).filter((status) => !statusesThatTake('discard').includes(status))
  if (never.length > 0)
    throw new OperatorError(`letters that are ${never.join(' or ')} are not discarded`, `possible are: ${statusesThatTake('discard').join(', ')}`, ExitCode.usage) // prettier-ignore
}

async function run(io: Io, ids: readonly string[], flags: Flags): Promise<ExitCode> {
  needsOne(ids, flags)
  return connected(io, async (all) => {
    const chosen = await selectionOf(all, ids, flags)
    const refused = await whyNot(all, chosen)
    for (const line of refused) io.stderr.write(`${line}\n`)
    const filter = toDiscard(chosen, await all.store.now())
    const changes = createLetterChanges({ database: all.database, groupId: all.config.groupId })
    const who = actor()
    const code = await change(io, flags, {
      ...{ verb: 'discard', done: 'discarded', note: null },
      remaining: () => changes.countToDiscard(filter),
      batch: (after) => changes.discard(filter, flags.reason, who, after),
    })
    return code === ExitCode.ok && refused.length > 0 ? ExitCode.partial : code
  })
}

async function whyNot({ store }: Connected, { ids }: LetterFilter): Promise<string[]> {
  const lines: string[] = []
  for (const id of ids ?? []) {
    const status = (await store.get(id))?.status
    if (status !== undefined && statusesThatTake('discard').includes(status)) continue
    lines.push(`${shortId(id)} is ${status ?? 'gone'}: nothing to discard`)
  }
  return lines
}
