import { Command, InvalidArgumentError } from 'commander'
import { createLogUpdate } from 'log-update'
import { systemClock } from '../lib/clock.ts'
import { toJson } from '../lib/json.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { explainDatabaseError } from '../sink/explain.ts'
import type { Io } from './io.ts'
import { type GroupLook, lookAt } from './lag-look.ts'
import { reportOf } from './lag-report.ts'
import { lagText } from './lag-text.ts'
import { type Connected, connected } from './offsets-connect.ts'

type Options = { watch?: true; json?: true; interval: number }

/** How far back --watch looks: as long as a position may stand still before it counts as stalled. */
const WINDOW_MS = 60_000

export const lagCommand = (io: Io, exit: (code: ExitCode) => void): Command =>
  new Command('lag')
    .description('how far the group is behind, in records and in seconds, who works on it, what it means, what to do')
    .option('--watch', 'look again and again, until Ctrl-C')
    .option('--interval <seconds>', 'between two looks', seconds, 2)
    .option('--json', 'one JSON object; with --watch one a line')
    .addHelpText(
      'after',
      `
The position is PostgreSQL's: what is below it is in the tables. Kafka's commit follows it. "oldest" is the age of the oldest
record that is not in PostgreSQL yet. Everything is read from Kafka and PostgreSQL, so it works while no member runs. When
there is lag it looks twice; --watch remembers the last minute.

  ok       caught up, keeping up, or catching up
  behind   the oldest record waits, and the lag does not fall (or the position has just stopped moving)
  stalled  a member owns the partition, and the position has not moved for a minute
  stopped  nobody works on it: no member, the gate is closed, or members refuse to begin
  rewound  the position went back, or Kafka's commit is ahead of it; records are read again

Exit code 0: every partition is ok (and with --watch, always). 1: one is not.

Examples:
  sluice lag
  sluice lag --watch --interval 5
  sluice lag --json | jq '.partitions[] | select(.verdict != "ok")'`,
    )
    .action(async (options: Options) => {
      await connected(io, async (all) =>
        exit(options.watch ? await watch(io, all, options) : await once(io, all, options)),
      )
    })

function seconds(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) > 0) return Number(text)
  throw new InvalidArgumentError('a whole number of seconds, from 1 to 9999.')
}

async function once(io: Io, all: Connected, { json, interval }: Options): Promise<ExitCode> {
  const looks = [await lookAt(all, systemClock.wall)]
  // One look cannot tell what moves from what stands still.
  if (looks[0]?.partitions.some(({ look }) => look.lag > 0n)) {
    await systemClock.sleep(interval * 1_000, io.drain)
    if (!io.drain.aborted) looks.push(await lookAt(all, systemClock.wall))
  }
  const report = reportOf(all.config, looks)
  io.stdout.write(`${json ? toJson(report) : lagText(report)}\n`)
  return report.ok ? ExitCode.ok : ExitCode.partial
}

async function watch(io: Io, all: Connected, { json, interval }: Options): Promise<ExitCode> {
  const repaint = !json && io.stdout.isTTY ? createLogUpdate(io.stdout) : null
  let looks: GroupLook[] = []
  const show = (text: string) =>
    repaint ? repaint(`${text}\n${stamp(interval)}`) : io.stdout.write(`${stamp(interval)}\n${text}\n\n`)
  while (!io.drain.aborted) {
    const look = await lookAt(all, systemClock.wall).catch((error: unknown) => {
      // Whoever watches an outage wants to see its end.
      const known = explainDatabaseError(error, all.config.databaseUrl)
      if (!known || looks.length === 0) throw error
      return known
    })
    if (look instanceof OperatorError) {
      if (json) io.stderr.write(`sluice: ${look.message}\n`)
      else show(`cannot look: ${look.message}\n  → ${look.remedy}`)
      await systemClock.sleep(interval * 1_000, io.drain)
      continue
    }
    looks.push(look)
    const least = systemClock.wall() - WINDOW_MS - interval * 1_000
    looks = looks.filter(({ partitions: [first] }, i) => i === looks.length - 1 || (first?.look.at ?? 0) >= least)
    const report = reportOf(all.config, looks)
    if (json) io.stdout.write(`${toJson(report)}\n`)
    else show(lagText(report))
    await systemClock.sleep(interval * 1_000, io.drain)
  }
  repaint?.done()
  return ExitCode.ok
}

const stamp = (interval: number) => `${new Date(systemClock.wall()).toISOString()}, every ${interval} s, Ctrl-C ends`
