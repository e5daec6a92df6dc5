import { Command } from 'commander'
import { actor } from '../lib/actor.ts'
import { systemClock } from '../lib/clock.ts'
import { givenOf, type LetterFilter } from '../dead-letters/letter-filter.ts'
import { ExitCode } from '../lib/operator-error.ts'
import { foundOf, hintFor, sendFault, type Sending, sendReplays } from '../letter-jobs.ts'
import { createReplayLetters } from '../sink/letter-replay.ts'
import { confirmed } from './confirm.ts'
import { connected, type Connected, selectionOf } from './dlq-connect.ts'
import { atLeastOne, type FilterFlags, idPrefixes, withFilters } from './dlq-options.ts'
import { readEdit } from './dlq-replay-edit.ts'
import { dryRunText, outcomeText, refuseStatuses, whyNot } from './dlq-replay-text.ts'
import { jsonLine, letters, writeOut } from './dlq-text.ts'
import type { Io } from './io.ts'
import { createProgress } from './progress.ts'

export type ReplayFlags = FilterFlags & {
  dryRun?: true
  rate?: number
  limit?: number
  yes?: true
  again?: true
  edit?: string
  json?: true
}

export const dlqReplay = (io: Io, exit: (code: ExitCode) => void): Command =>
  withFilters(new Command('replay').description('send dead letters to the topic they came from, once more'))
    .argument('[id...]', 'letters by id, or by its beginning (default: all open ones that the filters fit)', idPrefixes)
    .option('--dry-run', 'say what would be sent, and send nothing')
    .option('--rate <n>', 'at most this many a second', atLeastOne)
    .option('--limit <n>', 'at most this many, the oldest first', atLeastOne)
    .option('--yes', 'do not ask, however many there are')
    .option('--again', 'also letters that were replayed before and whose outcome never came')
    .option('--edit <file>', 'send this JSON event in the place of the value of ONE letter (- for standard input)')
    .option('--json', 'the summary as one JSON object')
    .addHelpText(
      'after',
      `
Mend the cause first. A replayed record has its original key, value and headers, and says which letter it is (dlq.replay.id). When
it is written its letter becomes resolved by itself; when it fails again the same letter is open again, and after 3 replays it is
parked: then only its id, or --status parked, replays it. Nothing is ever counted twice, however often it is replayed.

Examples:
  sluice dlq replay --code ROW_REJECTED --since 2h --dry-run
  sluice dlq replay --code ROW_REJECTED --rate 500
  sluice dlq replay 3f2a90c1be44 --edit corrected.json`,
    )
    .action(async (ids: string[], flags: ReplayFlags) => exit(await run(io, ids, flags)))

async function run(io: Io, ids: readonly string[], flags: ReplayFlags): Promise<ExitCode> {
  refuseStatuses(flags)
  const edit = flags.edit === undefined ? null : await readEdit(flags.edit, ids, systemClock.wall())
  return connected(
    io,
    async (all) => {
      const filter = await selectionOf(all, ids, flags)
      const began = await all.store.now()
      const selection = { filter, again: flags.again ?? false, began, edit }
      const store = createReplayLetters({ database: all.database, groupId: all.config.groupId, selection })
      const counts = await store.count()
      const refused = filter.ids === null ? [] : await whyNot(all, filter.ids, selection)
      for (const line of refused) io.stderr.write(`${line}\n`)
      const found = foundOf(counts)
      const wanted = Math.min(found.ready, flags.limit ?? Infinity)
      if (flags.dryRun || wanted === 0) {
        await writeOut(io, flags.json ? jsonLine(io, { dryRun: true, ...found, wanted, counts }) : dryRunText(counts, wanted, flags.dryRun ?? false)) // prettier-ignore
        return refused.length > 0 ? ExitCode.partial : ExitCode.ok
      }
      const question = `Replay ${letters(wanted)}?`
      if (!(await confirmed({ io, stdin: process.stdin, question, count: wanted, yes: flags.yes ?? false }))) {
        io.stderr.write('nothing was sent\n')
        return io.drain.aborted ? ExitCode.aborted : ExitCode.partial
      }
      const { outcome, ms, hint } = await sendAll(io, all, { flags, store, counts, wanted, edit, filter })
      const { ending, ...told } = outcome
      const summary = { ...told, ...found, wanted, stopped: ending.kind === 'stopped', failed: ending.kind === 'send-failed' } // prettier-ignore
      await writeOut(
        io,
        flags.json ? jsonLine(io, summary) : outcomeText(outcome, { ms, hint, lost: found.lost, wanted }),
      )
      if (ending.kind === 'send-failed') throw sendFault(ending.error)
      if (ending.kind === 'stopped') return ExitCode.aborted
      return refused.length > 0 || outcome.tooLarge > 0 || outcome.sent < wanted ? ExitCode.partial : ExitCode.ok
    },
    ['kafka', 'database'],
  )
}

type SendAll = Pick<Sending, 'store' | 'counts' | 'wanted' | 'edit'> & {
  readonly flags: ReplayFlags
  readonly filter: LetterFilter
}

async function sendAll(io: Io, all: Connected, { flags, filter, ...sending }: SendAll) {
  const { wanted, edit } = sending
  let sent = 0
  const progress = createProgress({ ...{ stderr: io.stderr, now: systemClock.now, noun: 'letters' }, total: wanted, done: () => sent }) // prettier-ignore
  const { again = false, rate = null, limit = null } = flags
  try {
    const { outcome, ms, around } = await sendReplays(all, {
      ...{ ...sending, rate, actor: actor(), signal: io.drain },
      audited: { ...givenOf(filter), again, rate, limit, edited: edit !== null, found: wanted },
      onProgress: (count) => progress.update((sent = count)),
    })
    return { outcome, ms, hint: hintFor({ groupId: all.config.groupId, ...around }) }
  } finally {
    progress.stop()
  }
}
