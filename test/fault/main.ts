// `npm run test:fault`: long fault runs on real services, outside of `npm test`. See test/README.md.
import process from 'node:process'
import Table from 'cli-table3'
import { Command } from 'commander'
import { findStack } from '../../src/local-stack/local-stack.ts'
import { buildSluice } from '../support/built.ts'
import { isOk, openLane, type Result } from './lane.ts'
import { positive, whole } from './numbers.ts'
import { writeReport } from './report.ts'
import { fatalScenarios } from './scenarios-fatal.ts'
import { kafkaScenarios, kafkaStories } from './scenarios-kafka.ts'
import { testScenarios } from './scenarios-tests.ts'
import { scenarios } from './scenarios.ts'
import { KILL_NINE, names, ofKafka, select } from './selection.ts'
import { stories } from './stories.ts'
import { versions } from './versions.ts'

type Flags = {
  only?: string
  list: boolean
  seed: number
  minutes: number
  rate: number
  report?: string
  short: boolean
  kills?: number
  members: number
  partitions: number
  realSession: boolean
}

const say = (line: string): void => console.log(line)
/** With the seconds since the command began. */
const sayWhen = (line: string): void =>
  say(line.startsWith('\n') ? line : `${process.uptime().toFixed(1).padStart(7)}  ${line}`)

const list = () => {
  const table = new Table({
    head: ['name', 'what is done'],
    style: { head: [], border: [] },
    colWidths: [22, 96],
    wordWrap: true,
  })
  table.push([KILL_NINE, 'kill -9 of random members under load (--kills, --members, --partitions, --real-session)'])
  for (const { name, what } of [...scenarios, ...fatalScenarios]) table.push([name, what])
  for (const { number, name, what } of [...stories, ...ofKafka]) table.push([name, `(matrix ${number}) ${what}`])
  for (const { name, file, numbers } of testScenarios)
    table.push([name, `(matrix ${numbers.join(', ')}) the tests of ${file}`])
  say(table.toString())
}

const run = async (flags: Flags, wanted: ReadonlySet<string>): Promise<boolean> => {
  await buildSluice()
  const { brokers, stop } = await kafka()
  const { seed, rate, minutes, short } = flags
  say(`seed ${seed}, ${rate} events/s`)
  const lane = openLane({ brokers, seed, rate, minutes, say: sayWhen })
  const facts = { versions: await versions(), seed, rate, minutes, short }
  const results: Result[] = []
  /** Written down at once: a lane that is stopped has not been for nothing. */
  const note = async (...more: Result[]) => {
    results.push(...more)
    if (flags.report) await writeReport(flags.report, more, { ...facts, date: new Date().toISOString().slice(0, 10) })
  }
  const chosen = <T extends { readonly name: string }>(all: readonly T[]) => all.filter(({ name }) => wanted.has(name))
  try {
    for (const scenario of chosen(testScenarios)) await note(await lane.test(scenario))
    for (const scenario of chosen(scenarios)) await note(await lane.survive(scenario))
    for (const story of chosen(stories)) await note(await lane.tell(story, howLong(flags)))
    const fatal = chosen(fatalScenarios)
    if (fatal.length > 0) await note(...(await lane.fatal(fatal)))
    for (const scenario of chosen(kafkaScenarios)) await note(await lane.kafka.survive(scenario))
    for (const story of chosen(kafkaStories)) await note(await lane.kafka.tell(story))
    const { kills = 20, members, partitions, realSession } = flags
    if (wanted.has(KILL_NINE)) await note(await lane.killNine({ kills, members, partitions, realSession }))
  } finally {
    await lane.close()
    await stop()
    conclude(results)
  }
  return results.length > 0 && results.every(isOk)
}

/** For stories: `--kills` is how often, if it is given. */
const howLong = ({ kills, short }: Flags) => ({
  times: kills ?? (short ? 1 : 3),
  seconds: short ? 20 : 120,
})

const kafka = async () => {
  const signal = new AbortController().signal
  const stack = await findStack({ env: process.env, log: say, signal, postgres: false })
  return { brokers: stack.kafka.brokers, stop: () => stack.stop() }
}

const conclude = (results: readonly Result[]) => {
  const head = ['fault', 'records', 'down s', 'again s', 'RSS MiB before/down/max/after', 'caught up, rows/s', 'result']
  const table = new Table({ head, style: { head: [], border: [] } })
  for (const { survived, told, ...result } of results) {
    const verdict = result.skipped === undefined ? (isOk(result) ? 'ok' : 'NOT OK') : 'NOT RUN'
    const { figures } = survived ?? {}
    const records = survived?.records ?? told?.records
    const { rssMib, catchUpRate } = figures ?? {}
    table.push([
      ...[result.name, records?.toLocaleString('en') ?? ''],
      ...[seconds(figures?.downMs), seconds(figures?.againMs)],
      rssMib ? `${rssMib.before} / ${rssMib.down} / ${rssMib.max} / ${rssMib.after}` : '',
      ...[catchUpRate ? Math.round(catchUpRate).toLocaleString('en') : '', verdict],
    ])
  }
  const wrong = results.filter((result) => !isOk(result)).length
  const skipped = results.filter((result) => result.skipped !== undefined).length
  say(`\n${table.toString()}\n${results.length - wrong - skipped} ok, ${wrong} NOT ok, ${skipped} NOT RUN`)
}

const seconds = (ms: number | undefined) => (ms === undefined ? '' : (ms / 1000).toFixed(1))

/** The flags of `kill -9` by themselves mean that one, as they always did. */
const wantedBy = (flags: Flags, command: Command): Set<string> => {
  const given = (name: string) => command.getOptionValueSource(name) === 'cli'
  if (flags.only !== undefined) {
    const { wanted, unmatched } = select(flags.only)
    if (unmatched.length > 0)
      command.error(`there is no scenario ${unmatched.map((each) => `"${each}"`).join(', ')}; see --list`, { exitCode: 2 }) // prettier-ignore
    return wanted
  }
  if (['kills', 'members', 'partitions', 'realSession'].some(given)) return new Set([KILL_NINE])
  return new Set(names)
}

const program = new Command('test:fault')
  .description('faults under load, then the proof that nothing was lost or counted twice')
  .option('--only <names>', 'these, separated by commas; default: all')
  .option('--list', 'what there is', false)
  .option('--seed <n>', 'of the records, the victims and the moments', whole(0), Math.floor(Math.random() * 1e6))
  .option('--minutes <n>', 'how long the outages last', positive, 3)
  .option('--rate <n>', 'records a second', whole(1), 2000)
  .option('--report <file>', 'write the results into this file, beside those of other scenarios')
  .option('--short', 'stories: once each, 20 s of what lasts two minutes', false)
  .option('--kills <n>', 'how many; default: 20 for kill-nine, 3 for each kill-at-…', whole(1))
  .option('--members <n>', 'kill-nine: members of the group', whole(1), 3)
  .option('--partitions <n>', 'kill-nine: partitions of the topic', whole(1), 6)
  .option('--real-session', 'kill-nine: the session time-out of production (30 s), not 6 s', false)
  .action(async (flags: Flags, command: Command) => {
    if (flags.list) return list()
    process.exitCode = (await run(flags, wantedBy(flags, command))) ? 0 : 1
  })
await program.parseAsync()
