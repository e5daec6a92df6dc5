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

export function createProgress(out: NodeJS.WriteStream, now: () => number) {
  const live = out.isTTY ? createLogUpdate(out) : null
  let drawnAt = -Infinity
  let last = { at: now(), settled: 0 }
  let rate = 0

  const n = (value: number) => value.toLocaleString('en-US')
  function lines(t: Totals, members: readonly Member[]): string[] {
    const counts = [
      `published ${pc.bold(n(t.published))} of ${n(t.expected)}`,
      `written ${pc.bold(n(t.written))}`,
      `duplicates ${n(t.duplicates)}`,
      `dead letters ${n(t.deadLetters)}`,
      `lag ${n(t.lag)}`,
      `${n(Math.round(rate))} rows/s`,
    ]
    const each = members.map((member) => {
      const flush = member.flush()
      const said = flush
        ? `last flush ${n(flush.records)} records (${flush.reason}) in ${flush.durationMs.toFixed(0)} ms, size limit ${n(flush.limits.records)}`
        : 'no flush yet'
      return `  ${member.name}: ${member.partitions()} partitions, ${said}`
    })
    return [counts.join('   '), ...each]
  }

  return {
    draw(totals: Totals, members: readonly Member[]) {
      const at = now()
      if (at - drawnAt < (live ? DRAW_MS : PLAIN_MS)) return
      drawnAt = at
      const settled = totals.written + totals.duplicates + totals.deadLetters + totals.ignored
      if (at > last.at) rate = ((settled - last.settled) * 1000) / (at - last.at)
      last = { at, settled }
      if (live) live(lines(totals, members).join('\n'))
      else out.write(`  ${lines(totals, members)[0] ?? ''}\n`)
    },
    /** Leaves the last picture standing. */
    done(totals: Totals, members: readonly Member[]) {
      if (live) live(lines(totals, members).join('\n'))
      else
        out.write(
          `${lines(totals, members)
            .map((text) => `  ${text}`)
            .join('\n')}\n`,
        )
      live?.done()
    },
  }
}
