// The live display of `sluice demo`: a block of lines that is drawn over itself on a terminal, one plain line every two
// seconds in a pipe.
import { createLogUpdate } from 'log-update'
import pc from 'picocolors'
import type { Member } from './member.ts'

export type Totals = {
  published: number
  expected: number
  written: number
  duplicates: number
  deadLetters: number
  ignored: number
  lag: number
}

const DRAW_MS = 200
const PLAIN_MS = 2_000
/** The rate shown is that of the last seconds: flushes come in lumps. */
const WINDOW_MS = 3_000

export function createProgress(out: NodeJS.WriteStream, now: () => number) {
  const live = out.isTTY ? createLogUpdate(out) : null
  let drawnAt = -Infinity
  /** What was settled when, of the last seconds; the first that was ever seen stays apart. */
  let seen: { at: number; settled: number }[] = []
  let first: { at: number; settled: number } | null = null

  const n = (value: number) => value.toLocaleString('en-US')
  const perSecond = (from: { at: number; settled: number } | null | undefined, at: number, settled: number) =>
    from && at > from.at ? Math.round(((settled - from.settled) * 1000) / (at - from.at)) : 0

  function picture(t: Totals, members: readonly Member[], rate: string): string[] {
    return [
      `published ${pc.bold(n(t.published))} of ${n(t.expected)}   lag ${n(t.lag)}   ${rate}`,
      `written ${pc.bold(n(t.written))}   duplicates ${n(t.duplicates)}   dead letters ${n(t.deadLetters)}`,
      ...members.map(lineOf),
    ]
  }
  function lineOf(member: Member): string {
    const flush = member.flush()
    const said = flush
      ? `last flush ${n(flush.records)} (${flush.reason}) in ${flush.durationMs.toFixed(0)} ms, limit ${n(flush.limits.records)}`
      : 'no flush yet'
    return `  ${member.name}: ${member.partitions()} partitions, ${said}`
  }
  const settledOf = (t: Totals) => t.written + t.duplicates + t.deadLetters + t.ignored

  return {
    draw(totals: Totals, members: readonly Member[]) {
      const at = now()
      const settled = settledOf(totals)
      if (settled > 0) first ??= { at, settled }
      seen = [...seen.filter((each) => at - each.at <= WINDOW_MS), { at, settled }]
      if (at - drawnAt < (live ? DRAW_MS : PLAIN_MS)) return
      drawnAt = at
      const lines = picture(totals, members, `${n(perSecond(seen[0], at, settled))} rows/s`)
      if (live) live(lines.join('\n'))
      else out.write(`  ${lines.slice(0, 2).join('   ')}\n`)
    },
    /** Leaves the last picture standing, with the rate of the whole run. */
    done(totals: Totals, members: readonly Member[]) {
      const rate = perSecond(first, now(), settledOf(totals))
      const lines = picture(totals, members, rate > 0 ? `${n(rate)} rows/s on average` : '')
      if (live) live(lines.join('\n'))
      else out.write(`${lines.map((text) => `  ${text}`).join('\n')}\n`)
      live?.done()
    },
  }
}
