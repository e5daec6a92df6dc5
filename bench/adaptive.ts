// The adaptive batch against fixed sizes and fixed waits, under a load that steps and a database that slows down. Usage:
//   npm run bench -- adaptive [--seconds N] [--slow N] [--rounds N]
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { plot } from './adaptive/plot.ts'
import { type Contestant, type Outcome, runSteps, type Step } from './adaptive/steps.ts'
import { openGround } from './support/ground.ts'
import { optionsOf } from './support/options.ts'
import { goals, markdownTable, median, preamble, writeSection } from './results.ts'

const PLOT = fileURLToPath(new URL('adaptive.svg', import.meta.url))
const ADAPTIVE: Contestant = { name: 'adaptive', env: {} }
/** Ten per cent. */
const WORSE = 1.1

/** Nothing of it moves: the target is out of reach, floor and ceiling of the wait are one. */
const fixed = (records: number, waitMs: number): Contestant => ({
  name: `${records.toLocaleString('en-US')} records, ${waitMs.toLocaleString('en-US')} ms`,
  env: {
    FLUSH_MAX_RECORDS: String(records),
    FLUSH_MIN_AGE_MS: String(waitMs),
    FLUSH_MAX_AGE_MS: String(waitMs),
    FLUSH_TARGET_MS: '60000',
  },
})
const SIZES = [1, 100, 500, 5_000].map((records) => fixed(records, 250))
const WAITS = [5, 1_000].map((wait) => fixed(5_000, wait))

export async function benchAdaptive(args: readonly string[]): Promise<void> {
  const options = optionsOf(args, ['seconds', 'slow'])
  const seconds = options.number('seconds', 8, 1)
  const slow = options.number('slow', 12, 1)
  const [busy, steady] = options.quick ? [500, 200] : [20_000, 2_000]
  const steps: Step[] = [
    { name: '100/s', rate: 100, seconds },
    { name: `${busy.toLocaleString('en-US')}/s`, rate: busy, seconds },
    { name: '100/s again', rate: 100, seconds },
    { name: `${steady.toLocaleString('en-US')}/s, database 10 × slower`, rate: steady, seconds: slow, slow: 10 },
    { name: `${steady.toLocaleString('en-US')}/s, database well again`, rate: steady, seconds },
  ]
  const contestants = options.quick ? [ADAPTIVE, fixed(500, 5)] : [ADAPTIVE, ...SIZES, ...WAITS]
  const ground = await openGround()
  try {
    const runs = new Map<Contestant, Outcome[][]>(contestants.map((each) => [each, []]))
    for (let round = 0; round < options.rounds; round++)
      for (const [contestant, all] of runs) {
        const { outcomes } = await runSteps(ground, contestant, steps)
        all.push(outcomes)
        console.log(`round ${round + 1}: ${contestant.name}: ${outcomes.map(({ rate, p99 }) => `${Math.round(rate)}/s ${p99?.toFixed(0) ?? 'behind'}`).join(' | ')}`) // prettier-ignore
      }
    // One more for the plot: its log would cost the others time.
    const shown = await runSteps(ground, { ...ADAPTIVE, env: { LOG_LEVEL: 'debug' } }, steps)
    const svg = plot(shown.timeline)
    const text = report(ground.version, { runs, steps, rounds: options.rounds })
    console.log(text)
    if (options.quick) return
    await writeFile(PLOT, svg)
    await writeSection('adaptive', text)
  } finally {
    await ground.close()
  }
}

type Results = { runs: ReadonlyMap<Contestant, readonly Outcome[][]>; steps: readonly Step[]; rounds: number }

function report(version: string, { runs, steps, rounds }: Results): string {
  const of = (contestant: Contestant, step: number, field: 'rate' | 'p50' | 'p99') =>
    median((runs.get(contestant) ?? []).map((outcomes) => outcomes[step]?.[field] ?? (field === 'rate' ? 0 : Infinity)))
  const ms = (value: number) => (value === Infinity ? 'behind' : `${value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US')}`) // prettier-ignore
  const rows = [...runs.keys()].map((each) => [
    each.name,
    ...steps.map((_, at) => `${Math.round(of(each, at, 'rate')).toLocaleString('en-US')} · ${ms(of(each, at, 'p50'))} · ${ms(of(each, at, 'p99'))}`), // prettier-ignore
  ])
  const others = [...runs.keys()].filter((each) => each !== ADAPTIVE)
  const lines = steps.flatMap(({ name }, at) => {
    const bestRate = Math.max(...others.map((each) => of(each, at, 'rate')))
    const bestP99 = Math.min(...others.map((each) => of(each, at, 'p99')))
    const [rate, p99] = [of(ADAPTIVE, at, 'rate'), of(ADAPTIVE, at, 'p99')]
    return [
      [`${name}: rows/s`, `${Math.round(bestRate / WORSE)}`, `${Math.round(rate)}`, rate >= bestRate / WORSE] as const,
      [`${name}: p99`, `≤ ${ms(bestP99 * WORSE)} ms`, `${ms(p99)} ms`, p99 <= bestP99 * WORSE] as const,
    ]
  })
  const what = `One member; the steps follow one another without a pause; ${rounds} rounds, the contestants taking turns; medians of rows/s written within the step · p50 · p99 in ms of its events, from send to COMMIT. "behind": not all were written ten seconds after the end.
The database is made slower by stopping the member's sessions (SIGSTOP) for nine tenths of every 20 ms. Goals: the best fixed setting of the step, and ten per cent.

![size limit, age limit, latency and lag over time](adaptive.svg)`
  const table = markdownTable(['setting', ...steps.map(({ name }) => name)], rows)
  return `${preamble(what, version)}\n\n${table}\n\n${goals(lines)}`
}
