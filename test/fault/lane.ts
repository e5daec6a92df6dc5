// One run of the lane: scenario after scenario, each on a stage of its own, and what came of them.
import Table from 'cli-table3'
import type { ProofLine } from '../../src/demo/proof.ts'
import { notOk } from '../support/oracle.ts'
import type { Sampler } from '../support/sampler.ts'
import { createKafkaLane } from './lane-kafka.ts'
import { killNine, type KillNineOptions } from './kill-nine.ts'
import { type Figures, playAlone } from './play.ts'
import { closing, createGuard, type Outcome } from './guard.ts'
import { type FatalOutcome, playFatal, proveAftermath } from './play-fatal.ts'
import { playTests } from './play-tests.ts'
import type { FatalScenario, Scenario } from './scenario.ts'
import type { TestScenario } from './scenarios-tests.ts'
import { openStage, type Server, type Stage, startLoad, startServer } from './stage.ts'
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
  readonly tested?: { file: string; numbers: readonly number[]; passed: number; skipped: number }
  readonly told?: { story: { number: number; proves?: string }; records: number; seconds: number }
}

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
/** Members start again and again. */
const FATAL_RATE = 500
/** What the fatal scenarios leave, settled by the member after them. */
export const FATAL = 'fatal'
/** No scenario lasts so long, beside its outage. */
const DEADLINE_MS = 30 * 60_000
/** Enough for the member to reach its full speed and its full size. */
const PRELOAD_RECORDS = 200_000

/** What was not run is not wrong; what has looked at nothing is. */
export const isOk = ({ lines, broken, skipped }: Result): boolean =>
  skipped !== undefined || (broken === undefined && lines.length > 0 && notOk(lines).length === 0)

/** One PostgreSQL of our own serves all scenarios that do not need another. What broke a scenario may have broken it too: then the next ones get a new one. */
export const openLane = (options: LaneOptions) => {
  const { say } = options
  let starting: Promise<Server> | null = null
  const shared = () => (starting ??= startServer())
  const drop = async () => {
    const old = starting
    starting = null
    await old
      ?.then((server) => server.end())
      .catch((error: unknown) => say(`its PostgreSQL did not end: ${String(error)}`))
  }
  const { guarded, ...guard } = createGuard({ say, tell, deadlineMs: DEADLINE_MS + 2 * options.minutes * 60_000 })

  /** Whatever goes wrong with one scenario, the next ones are run. */
  const alone = async (name: string, what: string, work: () => Promise<Outcome>): Promise<Result> => {
    const result = await guarded(name, what, work)
    if (result.broken !== undefined) await drop()
    return result
  }

  type More = { partitions?: number; parameters?: Readonly<Record<string, string>> }
  const onStage = async (server: Server, more: More, work: (stage: Stage) => Promise<Outcome>): Promise<Outcome> => {
    const stage = await openStage({ ...options, server, ...more })
    return closing(() => guard.until(() => work(stage), stage.world), () => stage.close(), say) // prettier-ignore
  }
  const underEyes = (server: Server, more: More, work: (stage: Stage, sampler: Sampler) => Promise<Outcome>) =>
    onStage(server, more, (stage) => watched(stage.world, (sampler) => work(stage, sampler)))

  const survive = (scenario: Scenario): Promise<Result> =>
    alone(scenario.name, scenario.what, async () => {
      const own = await scenario.ownServer?.()
      const play = (server: Server) =>
        underEyes(server, { parameters: scenario.parameters ?? {} }, async (stage, sampler) => {
          const long = scenario.name.startsWith('outage')
          const holdMs = long ? options.minutes * 60_000 : (scenario.holdMs?.[0] ?? 0)
          const rest = { preload: long ? PRELOAD_RECORDS : 0, rate: options.rate, struck: sampler.struck }
          const { lines, records, ...survived } = await playAlone(stage, { scenario, holdMs, ...rest })
          return { lines, survived: { ...survived, records } }
        })
      if (!own) return play(await shared())
      return closing(() => withOwn(own.options, play), own.release, say)
    })

  const withOwn = async (own: Parameters<typeof startServer>[0], work: (server: Server) => Promise<Outcome>) => {
    const server = await startServer(own)
    return closing(() => work(server), () => server.end(), say) // prettier-ignore
  }

  const kafka = createKafkaLane({ ...options, server: shared, guarded: alone, guard })

  return {
    survive,
    kafka,
    test: ({ name, what, file, numbers }: TestScenario) =>
      alone(name, what, async () => {
        const { lines, ...counts } = await playTests(file, options.brokers, say)
        return { lines, tested: { file, numbers, ...counts } }
      }),
    /** On one stage, each from where the one before left it. */
    async fatal(scenarios: readonly FatalScenario[]): Promise<Result[]> {
      const results: Result[] = []
      const names = scenarios.map(({ name }) => name).join(', ')
      const aftermath = await alone(FATAL, `what the next member makes of what these left: ${names}`, async () =>
        underEyes(await shared(), {}, async (stage, sampler) => {
          const load = startLoad(stage, Math.min(options.rate, FATAL_RATE))
          const one = (scenario: FatalScenario) => async (): Promise<Outcome> => {
            const outcome = await playFatal(stage, scenario)
            return { lines: outcome.lines, fatal: { ...outcome, when: scenario.when } }
          }
          try {
            sampler.struck()
            for (const each of scenarios) results.push(await guarded(each.name, each.what, one(each)))
          } finally {
            await load.stop()
          }
          return { lines: await proveAftermath(stage) }
        }),
      )
      if (results.some(({ broken }) => broken !== undefined)) await drop()
      return [...results, aftermath]
    },
    killNine: ({ partitions, ...rest }: Omit<KillNineOptions, 'seed' | 'say' | 'struck'> & { partitions: number }) =>
      alone('kill-nine', `kill -9 of random members under load, ${rest.kills} times`, async () =>
        underEyes(await shared(), { partitions }, async ({ world }, { struck }) => ({
          lines: await killNine(world, { ...rest, seed: options.seed, say, struck }),
        })),
      ),
    tell: (story: Story, { times, seconds }: { times: number; seconds: number }) =>
      alone(story.name, story.what, async () => {
        const { partitions, parameters = {} } = story
        const more = { parameters, ...(partitions === undefined ? {} : { partitions }) }
        const play = (server: Server) =>
          onStage(server, more, async (stage) => {
            const began = performance.now()
            const rate = Math.min(options.rate, STORY_RATE)
            const { lines, records } = await tellStory(stage, story, { rate, times, seconds })
            return { lines, told: { story, records, seconds: (performance.now() - began) / 1000 } }
          })
        return story.own ? withOwn({}, play) : play(await shared())
      }),
    async close(): Promise<void> {
      await kafka.close()
      await drop()
      guard.close()
    },
  }
}

const tell = ({ lines, skipped, broken, survived, fatal, tested, told }: Result, say: (line: string) => void) => {
  if (skipped !== undefined) return say(`NOT RUN: ${skipped}`)
  if (broken !== undefined) return say(`BROKEN: ${broken}`)
  if (survived) say(figuresText(survived))
  if (tested) say(`${tested.passed} tests passed, ${tested.skipped} skipped`)
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
