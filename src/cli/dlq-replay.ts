import { Command } from 'commander'
import { replay, type ReplayOutcome } from '../dead-letters/replay.ts'
import { createAdmin } from '../kafka/admin.ts'
import { createProducer } from '../kafka/producer.ts'
import { isTooLarge } from '../kafka/refusal.ts'
import { actor } from '../lib/actor.ts'
import { systemClock } from '../lib/clock.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { createGateStore } from '../sink/gate-store.ts'
import { createReplayLetters, type ReplayCount, type ReplayLetters } from '../sink/letter-replay.ts'
import { createLog } from '../telemetry/log.ts'
import { confirmed } from './confirm.ts'
import { connected, type Connected, selectionOf } from './dlq-connect.ts'
import { atLeastOne, type FilterFlags, idPrefixes, withFilters } from './dlq-options.ts'
import { readEdit } from './dlq-replay-edit.ts'
import { dryRunText, foundOf, hintFor, outcomeText, refuseStatuses, whyNot } from './dlq-replay-text.ts'
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
      const { outcome, ms, hint } = await sendAll(io, all, { flags, store, counts, wanted, edit, audited: filter })
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

type SendAll = {
  readonly flags: ReplayFlags
  readonly store: ReplayLetters
  readonly counts: readonly ReplayCount[]
  readonly wanted: number
  readonly edit: Buffer | null
  /** The filter. */
  readonly audited: object
}

async function sendAll(
  io: Io,
  all: Connected,
  sending: SendAll,
): Promise<{ outcome: ReplayOutcome; ms: number; hint: string }> {
  const { flags, store, counts, wanted, edit, audited } = sending
  const { partitions, hint } = await lookRound(all, new Set(counts.map(({ topic }) => topic)))
  const producer = createProducer(all.config.kafka, createLog('silent'))
  await producer.connect()
  const who = actor()
  let sent = 0
  const progress = createProgress({ ...{ stderr: io.stderr, now: systemClock.now, noun: 'letters' }, total: wanted, done: () => sent }) // prettier-ignore
  const began = systemClock.now()
  try {
    const given = Object.entries(audited).filter(([, value]) => value !== null)
    const { again = false, rate = null, limit = null } = flags
    const how = { again, rate, limit, edited: edit !== null }
    await store.audit(who, 'dlq.replay', { ...Object.fromEntries(given), ...how, found: wanted })
    const outcome = await replay({
      ...{ store, isTooLarge, partitions, clock: systemClock, signal: io.drain, wanted, edit, rate },
      send: (topic, records) => producer.send(topic, records),
      onProgress: (count) => progress.update((sent = count)),
    })
    const { ending, ...told } = outcome
    await store.audit(who, 'dlq.replay.end', { ...told, ending: ending.kind })
    return { outcome, ms: systemClock.now() - began, hint }
  } finally {
    progress.stop()
    await producer.disconnect()
  }
}

type Surroundings = { readonly partitions: ReadonlyMap<string, number>; readonly hint: string }

/** All topics are there before the first letter is marked; and who is there to settle what is sent? */
async function lookRound({ config, database }: Connected, topics: ReadonlySet<string>): Promise<Surroundings> {
  const { groupId } = config
  const admin = createAdmin(config.kafka, createLog('silent'))
  await admin.connect()
  try {
    const partitions = new Map<string, number>()
    await admin.checkRights({ topics: Object.fromEntries([...topics].map((topic) => [topic, ['WRITE']])), groupId })
    for (const topic of topics) {
      const described = await admin.describeTopic(topic)
      if (described === null)
        throw new OperatorError(
          `the topic ${topic}, where some of the letters came from, does not exist; nothing was sent`,
          'create it, or leave its letters out: --topic names another one',
        )
      partitions.set(topic, described.partitions)
    }
    const { closure } = await createGateStore({ database, groupId }).state()
    return { partitions, hint: hintFor({ groupId, closed: closure !== null, members: await admin.groupMembers(groupId) }) } // prettier-ignore
  } finally {
    await admin.disconnect()
  }
}

/** kafka/explain.ts has put into words what it knows. */
const sendFault = (error: unknown): OperatorError =>
  error instanceof OperatorError
    ? error
    : new OperatorError(
        `sending failed: ${error instanceof Error ? error.message : String(error)}`,
        'check the brokers, then replay again: it goes on where it stopped',
        ExitCode.unavailable,
        { cause: error },
      )
