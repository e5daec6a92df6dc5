// One run of the lane: scenario after scenario, each on a stage of its own, and what came of them.
import Table from 'cli-table3'
import type { ProofLine } from '../../src/demo/proof.ts'
import { NotPossibleHere } from '../support/small-disk.ts'
import { notOk } from '../support/oracle.ts'
import { createKafkaLane } from './lane-kafka.ts'
import { killNine, type KillNineOptions } from './kill-nine.ts'
import { type Figures, playAlone } from './play.ts'
import { type FatalOutcome, playFatals } from './play-fatal.ts'
import type { FatalScenario, Scenario } from './scenario.ts'
import { openStage, type Server, type Stage, startServer } from './stage.ts'
import { type Story, tellStory } from './story.ts'
import { watched } from './watched.ts'

export type Result = {
  readonly name: string
  readonly what: string
  readonly lines: readonly ProofLine[]
  /** Why it was not run, or what broke it. */
  readonly skipped?: string
  readonly broken?: string
  readonly survived?: { figures: Figures; records: number; rebalances: number }
  readonly fatal?: FatalOutcome & { when: string }
  readonly told?: { story: Story; records: number; seconds: number }
}
type Outcome = Omit<Result, 'name' | 'what'>

export type LaneOptions = {
  readonly brokers: readonly string[]
  readonly seed: number
  readonly rate: number
  /** Of the outages. */
  readonly minutes: number
  readonly say: (line: string) => void
}

/** Two cores, and several members that start again and again. */
const STORY_RATE = 400
/** Enough for the member to reach its full speed and its full size. */
const PRELOAD_RECORDS = 200_000

export const isOk = ({ lines, broken }: Result): boolean => broken === undefined && notOk(lines).length === 0

/** One PostgreSQL of our own serves all scenarios that do not need another. */
export const openLane = async (options: LaneOptions) => {
  const { say } = options
  const shared = await startServer()
  const open = (server: Server, more: { partitions?: number; parameters?: Readonly<Record<string, string>> } = {}) =>
    openStage({ ...options, server, ...more })

  /** Whatever goes wrong with one scenario, the next ones are run. */
  const guarded = async (name: string, what: string, work: () => Promise<Outcome>): Promise<Result> => {
    say(`\n── ${name}: ${what}`)
    let result: Result
    try {
      result = { name, what, ...(await work()) }
    } catch (error) {
      if (error instanceof NotPossibleHere) result = { name, what, lines: [], skipped: error.message }
      else
        result = {
          name,
          what,
          lines: [],
          broken: error instanceof Error ? (error.stack ?? error.message) : String(error),
        }
    }
    tell(result, say)
    return result
  }

  const onStage = async (stage: Stage, work: () => Promise<Outcome>): Promise<Outcome> => {
    try {
      return await watched(stage.world, work)
    } finally {
      await stage.close()
    }
  }

  const survive = (scenario: Scenario): Promise<Result> =>
    guarded(scenario.name, scenario.what, async () => {
      const own = await scenario.ownServer?.()
      const server = own ? await startServer(own.options) : shared
      try {
        const stage = await open(server, { parameters: scenario.parameters ?? {} })
        return await onStage(stage, async () => {
          const long = scenario.name.startsWith('outage')
          const holdMs = long ? options.minutes * 60_000 : (scenario.holdMs?.[0] ?? 0)
          const preload = long ? PRELOAD_RECORDS : 0
          const { lines, records, ...rest } = await playAlone(stage, { scenario, holdMs, preload, rate: options.rate })
          return { lines, survived: { ...rest, records } }
        })
      } finally {
        if (own) {
          await server.end()
          await own.release()
        }
      }
    })

  const kafka = createKafkaLane({ ...options, server: shared, guarded })

  return {
    survive,
    kafka,
    /** On one stage, each from where the one before left it. */
    async fatal(scenarios: readonly FatalScenario[]): Promise<Result[]> {
      const results: Result[] = []
      const aftermath = await guarded('fatal', 'faults that only a person can mend, one after the other', async () => {
        const stage = await open(shared)
        const told = ({ name, what, when }: FatalScenario, outcome: FatalOutcome) => {
          const result = { name, what, lines: outcome.lines, fatal: { ...outcome, when } }
          say(`\n── ${name}: ${what}`)
          tell(result, say)
          results.push(result)
        }
        const rate = Math.min(options.rate, 500)
        return onStage(stage, async () => ({ lines: await playFatals(stage, scenarios, { rate, told }) }))
      })
      return [...results, aftermath]
    },
    killNine: ({ partitions, ...rest }: Omit<KillNineOptions, 'seed' | 'say'> & { partitions: number }) =>
      guarded('kill-nine', `kill -9 of random members under load, ${rest.kills} times`, async () => {
        const stage = await open(shared, { partitions })
        return onStage(stage, async () => ({
          lines: await killNine(stage.world, { ...rest, seed: options.seed, say }),
        }))
      }),
    tell: (story: Story, { times, seconds }: { times: number; seconds: number }) =>
      guarded(story.name, story.what, async () => {
        const { partitions, parameters = {} } = story
        const server = story.own ? await startServer() : shared
        try {
          const stage = await open(server, { parameters, ...(partitions === undefined ? {} : { partitions }) })
          const began = performance.now()
          try {
            const rate = Math.min(options.rate, STORY_RATE)
            const { lines, records } = await tellStory(stage, story, { rate, times, seconds })
            return { lines, told: { story, records, seconds: (performance.now() - began) / 1000 } }
          } finally {
            await stage.close()
          }
        } finally {
          if (story.own) await server.end()
        }
      }),
    async close(): Promise<void> {
      await kafka.close()
      await shared.end()
    },
  }
}

const tell = ({ lines, skipped, broken, survived, fatal, told }: Result, say: (line: string) => void) => {
  if (skipped !== undefined) return say(`NOT RUN: ${skipped}`)
  if (broken !== undefined) return say(`BROKEN: ${broken}`)
  if (survived) say(figuresText(survived))
  if (told) say(`${told.records.toLocaleString('en')} records · ${Math.round(told.seconds)} s`)
  if (fatal)
    say(
      `ended after ${(fatal.ms / 1000).toFixed(1)} s, saying\n${fatal.stderr.map((line) => `  | ${line}`).join('\n')}`,
    )
  const wrong = lines.filter(({ ok }) => !ok)
  if (wrong.length === 0) return say(`all ${lines.length} lines of the proof ok`)
  const table = new Table({ head: ['proof', 'expected', 'found'], style: { head: [], border: [] } })
  for (const { what, expected, found } of wrong) table.push([what, expected, found])
  say(`${wrong.length} of ${lines.length} lines of the proof NOT ok\n${table.toString()}`)
}

const figuresText = ({ figures, records, rebalances }: NonNullable<Result['survived']>): string => {
  const { downMs, againMs, backlog, catchUpRate, rssMib, codes } = figures
  const rate = catchUpRate === null ? '' : `, caught up at ${Math.round(catchUpRate).toLocaleString('en')} rows/s`
  return [
    `${records.toLocaleString('en')} records · down ${(downMs / 1000).toFixed(1)} s · working again after ${(againMs / 1000).toFixed(2)} s`,
    `retried for ${codes.join(', ') || 'nothing'} · ${rebalances} rebalances`,
    `${backlog.toLocaleString('en')} records waiting when it healed${rate}`,
    `RSS ${rssMib.before} MiB before, at most ${rssMib.down} while it lasted and ${rssMib.max} until it had caught up, ${rssMib.after} after`,
  ].join('\n')
}
