import type { Cursor } from '../dead-letters/letter-filter.ts'
import { type Changed, sweep, type Swept } from '../dead-letters/sweep.ts'
import { systemClock } from '../lib/clock.ts'
import { ExitCode } from '../lib/operator-error.ts'
import { confirmed } from './confirm.ts'
import { count, jsonLine, letters, writeOut } from './dlq-text.ts'
import type { Io } from './io.ts'
import { createProgress } from './progress.ts'

// What discard and purge have in common: count, ask, change in batches, say what was done.

export type ChangeFlags = { dryRun?: true; yes?: true; json?: true }

export type Change = {
  readonly verb: 'discard' | 'purge'
  readonly done: 'discarded' | 'purged'
  readonly remaining: () => Promise<number>
  readonly batch: (after: Cursor | null) => Promise<Changed>
  /** A line for the end. */
  readonly note: string | null
}

export async function change(io: Io, flags: ChangeFlags, what: Change): Promise<ExitCode> {
  const { verb, done, remaining, batch, note } = what
  const found = await remaining()
  if (flags.dryRun || found === 0) {
    const text = found === 0 ? `no dead letters to ${verb} fit\n` : `would ${verb} ${letters(found)}; nothing was changed\n` // prettier-ignore
    await writeOut(io, flags.json ? jsonLine(io, { dryRun: flags.dryRun ?? false, found, [done]: 0 }) : text)
    return ExitCode.ok
  }
  const question = `${verb === 'purge' ? 'Purge' : 'Discard'} ${letters(found)}${verb === 'purge' ? ' for good' : ''}?`
  if (!(await confirmed({ io, stdin: process.stdin, question, count: found, yes: flags.yes ?? false }))) {
    io.stderr.write('nothing was changed\n')
    return io.drain.aborted ? ExitCode.aborted : ExitCode.partial
  }
  let so = 0
  const progress = createProgress({ ...{ stderr: io.stderr, now: systemClock.now, noun: 'letters' }, total: found, done: () => so }) // prettier-ignore
  const onProgress = (n: number): void => progress.update((so = n))
  let swept: Swept
  try {
    swept = await sweep({ batch, remaining, clock: systemClock, signal: io.drain, onProgress })
  } finally {
    progress.stop()
  }
  const { left, stopped } = swept
  await writeOut(io, flags.json ? jsonLine(io, { found, [done]: swept.count, left, stopped }) : sweptText(swept, done, note)) // prettier-ignore
  if (stopped) return ExitCode.aborted
  return left > 0 ? ExitCode.partial : ExitCode.ok
}

function sweptText({ count: changed, left, stopped }: Swept, done: string, note: string | null): string {
  const lines = [
    `${done} ${letters(changed)}`,
    ...(stopped ? [`stopped: ${count(left)} that fit are left as they were`] : []),
    ...(!stopped && left > 0 ? [`${letters(left)} in the hands of others just now: run it again`] : []),
    ...(note === null ? [] : [note]),
  ]
  return `${lines.join('\n')}\n`
}
