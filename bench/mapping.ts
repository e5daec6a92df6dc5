// Does a vendor's line find its item, and no other? On the retail file, with its stock codes as the truth; and what a look-up
// costs among a million texts. Usage:
//   npm run bench -- mapping [FILE.csv.gz]           the three figures, in the columns of the retail file (or RETAIL_FILE)
//   npm run bench -- mapping lookups [ITEMS]         the look-up, on real PostgreSQL
//   npm run bench -- mapping cost [--rounds N]       a line whose key is known, beside what a member drains
import { loadavg } from 'node:os'
import { findStack } from '../src/local-stack/local-stack.ts'
import { migrate } from '../src/sink/migrate.ts'
import { createScratchDatabase } from '../src/sink/scratch-database.ts'
import { judgeConfusables, judgeMerges, judgeVariants, type Merges, type Tally } from './mapping/judge.ts'
import { measureCost } from './mapping/cost.ts'
import { measureLookups } from './mapping/lookups.ts'
import { type Description, readDescriptions, retailFile } from './support/retail.ts'
import { goals, machine, markdownTable, median, preamble, spread, writeSection } from './results.ts'
import { openGround } from './support/ground.ts'
import { optionsOf } from './support/options.ts'

const SEEDS = [1, 2, 3]
/** Rules were made looking at the months before; the months after are held out. */
const HELD_OUT_FROM = '2011-03-01'

const where = (): string =>
  `${new Date().toISOString().slice(0, 10)}, ${machine()}, load average ${loadavg()[0]?.toFixed(1)}`
const percent = (part: number, of: number): string => (of === 0 ? '' : `${((100 * part) / of).toFixed(2)} %`)

/** Names of products, as the file writes them; `damages?` and `lost` are none. */
const isName = ({ text }: Description): boolean => text === text.toUpperCase() && /\S\s+\S/.test(text)

export async function benchMapping(args: readonly string[]): Promise<void> {
  if (args[0] === 'lookups') return benchLookups(Number(args[1] ?? 1_000_000))
  if (args[0] === 'cost') return benchCost(args.slice(1))
  const isQuick = args[0] === '--quick'
  const file = retailFile(isQuick ? undefined : args[0])
  if (!file && isQuick) return console.log('mapping: NOT RUN: no retail file (RETAIL_FILE)')
  if (!file) throw new Error('no retail file: npm run bench -- mapping FILE.csv.gz')
  const read = await readDescriptions(file)
  const all = isQuick ? read.slice(0, 200) : read
  const names = all.filter(isName)
  const parts: [string, Description[]][] = [
    ['before March 2011', names.filter(({ firstSeen }) => firstSeen < HELD_OUT_FROM)],
    ['held out, from March 2011 on', names.filter(({ firstSeen }) => firstSeen >= HELD_OUT_FROM)],
  ]
  const merges = judgeMerges(all)
  const sections = [head(all, merges), mergesTable(merges)]
  for (const [name, asked] of parts) {
    if (asked.length === 0) continue
    const variants = sum(SEEDS.map((seed) => judgeVariants(all, asked, seed)))
    const twins = sum(SEEDS.map((seed) => judgeConfusables(all, asked, seed)))
    sections.push(
      `### Other spellings, of the ${asked.length.toLocaleString('en')} names first seen ${name}`,
      table(variants, ['found', 'created', 'wrong item'], ({ found, created, wrong }) => [found, created, wrong]),
      worst(variants, 'wrong', 3),
      worst(variants, 'created', 2),
      `### Other articles, made of the same names`,
      table(twins, ['merged', 'apart', 'another of the file'], ({ wrong, created, found }) => [wrong, created, found]),
      worst(twins, 'wrong', 3),
    )
  }
  const body = sections.filter((section) => section !== '').join('\n\n')
  console.log(body)
  if (!isQuick) await writeSection('mapping', withoutCases(body))
}

/** What is kept has the numbers: the cases are lines of somebody's data, and are printed only. */
const withoutCases = (body: string): string =>
  `${body
    .replace(/^- .*\n?/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n\nThe worst cases of each kind are printed by the run.`

const head = (all: readonly Description[], { wrong, descriptions }: Merges): string =>
  `${all.length.toLocaleString('en')} descriptions of the retail file (${where()}), through the decisions that \`sluice consume\` takes.
Wrong merges: **${wrong.length} of ${descriptions.toLocaleString('en')} descriptions (${percent(wrong.length, descriptions)})**. Each variant and each twin is asked for by
itself, of a catalogue that holds all descriptions; ${SEEDS.length} seeds added up. A name cut short to 70 to 95 % is often the beginning of several: \`cut short\` shows what is
left open then, and is no part of the goal.`

const mergesTable = ({ sharedKey, right, wrong }: Merges): string =>
  [
    '### Without stock codes, one description after the other',
    markdownTable(
      ['outcome', '', 'descriptions'],
      [
        ['the same text but for case, spaces and punctuation', '', String(sharedKey)],
        ['nearly the same, one code in common', '', String(right.length)],
        ['nearly the same, no code in common: wrong', '', String(wrong.length)],
      ],
    ),
    ...[...wrong, ...right]
      .slice(0, 12)
      .map(({ text, into, score }) => `- ${score.toFixed(2)} \`${text}\` → \`${into}\``),
  ].join('\n')

function sum(runs: readonly Map<string, Tally>[]): Map<string, Tally> {
  const total = new Map<string, Tally>()
  for (const run of runs)
    for (const [kind, tally] of run) {
      const old = total.get(kind) ?? { asked: 0, found: 0, created: 0, wrong: 0, cases: [] }
      const add = (name: 'asked' | 'found' | 'created' | 'wrong') => old[name] + tally[name]
      total.set(kind, { asked: add('asked'), found: add('found'), created: add('created'), wrong: add('wrong'), cases: [...old.cases, ...tally.cases] }) // prettier-ignore
    }
  return total
}

const table = (
  tallies: ReadonlyMap<string, Tally>,
  names: readonly string[],
  of: (tally: Tally) => readonly number[],
) =>
  markdownTable(
    ['kind', 'asked', ...names.flatMap((name) => [name, '%'])],
    [...tallies].map(([kind, tally]) => [
      kind,
      String(tally.asked),
      ...of(tally).flatMap((count) => [String(count), percent(count, tally.asked)]),
    ]),
  )

const worst = (tallies: ReadonlyMap<string, Tally>, outcome: string, most: number): string =>
  [...tallies]
    .flatMap(([kind, { cases }]) => {
      const some = cases.filter((each) => each.startsWith(`${outcome}:`)).slice(0, most)
      return some.map((each) => `- ${kind}, ${each.replace(/^(\w+): (.*) → (.*)$/, '$1: `$2` → `$3`')}`)
    })
    .join('\n')

async function benchLookups(items: number): Promise<void> {
  const signal = new AbortController().signal
  const stack = await findStack({ env: process.env, log: (line) => console.log(line), signal, kafka: false })
  const scratch = await createScratchDatabase(stack.postgres.url)
  try {
    await migrate(scratch.url)
    const { asked, proposed, found, indexBytes, lookup, empty } = await measureLookups(scratch.url, items)
    const at = (values: readonly number[], share: number) => `${quantile(values, share).toFixed(1)} ms`
    const row = (name: string, values: readonly number[]) => [name, String(values.length), ...[0.5, 0.95, 0.99, 1].map((share) => at(values, share))] // prettier-ignore
    const body = `${items.toLocaleString('en')} items of one user, each with a text of 3 to 8 made-up words; ${asked} variants of them, one look-up each
(${where()}). The index has ${Math.round(indexBytes / 2 ** 20)} MB; a look-up proposes ${(proposed / asked).toFixed(1)} texts; the surest is the one that was varied for ${percent(found, asked)}.

${markdownTable(['statement', 'times', 'p50', 'p95', 'p99', 'max'], [row('the look-up', lookup), row('SELECT 1, just before', empty)])}`
    const p99 = quantile(lookup, 0.99)
    const text = `${body}\n\n${goals([[`a look-up among ${items.toLocaleString('en')} items, p99`, '≤ 20 ms', `${p99.toFixed(1)} ms`, p99 <= 20]])}`
    console.log(text)
    await writeSection('mapping look-ups', text)
  } finally {
    await scratch.drop()
    await stack.stop()
  }
}

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN

async function benchCost(args: readonly string[]): Promise<void> {
  const { rounds } = optionsOf(args, [])
  const file = retailFile()
  if (!file) throw new Error('no retail file: set RETAIL_FILE')
  const ground = await openGround()
  try {
    const { lines, users, cold, warm, hitRatio, rates } = await measureCost(ground, file, rounds)
    const cached = median(warm)
    const share = (cached * median(rates)) / 1e6
    const what = `The ${lines.toLocaleString('en')} lines of the retail file, ${users} user, in batches of 10,000 through the mapping of \`sluice consume\`, ${rounds} times after the first; µs of CPU a line.
The share: what a cached line costs, of the time that one member has for a row when it drains the same file from Kafka (${rounds} rounds).`
    const table = markdownTable(
      ['a line', 'µs', 'from the cache'],
      [
        ['the first time: every item is made', cold.toFixed(1), ''],
        ['after that', spread(warm), percent(hitRatio, 1)],
      ],
    )
    const text = `${preamble(what, ground.version)}\n\n${table}\n\n${goals([
      ['a cached line', '≤ 2 µs', `${cached.toFixed(2)} µs`, cached <= 2],
      ['of the throughput, once warm', '≤ 5 %', percent(share, 1), share <= 0.05],
    ])}`
    console.log(text)
    await writeSection('mapping cost', text)
  } finally {
    await ground.close()
  }
}
