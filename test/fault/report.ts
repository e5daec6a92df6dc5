// docs/reliability.md: what each fault did the last time it was played. A run of some scenarios replaces their rows only.
import { readFile, writeFile } from 'node:fs/promises'
import { format, resolveConfig } from 'prettier'
import { isOk, type Result } from './lane.ts'
import { matrix } from './matrix.ts'
import { type AllSaid, inARow, matrixText, remember } from './report-matrix.ts'

const HEAD = `# What was survived

Written by \`npm run test:fault -- --report docs/reliability.md\` (see [test/README.md](../test/README.md)); do not edit. Each row is the last run of one fault
against real \`sluice consume\` processes, Apache Kafka and a PostgreSQL of the lane's own, under a steady load, with a session time-out of 6 s. Two cores, shared with
whatever else ran on the machine: the times are upper bounds, not a benchmark. The last column is the day, and what follows \`npm run test:fault --\` to do it again.

"Ledger" is rows found of rows expected, recomputed from the topic; inventory, offsets and counters are held against the topic in the same proof. "Again" is the time
from the cause being gone to the next settled record, required to be at most 5 s; after a fault of Kafka
until every partition has moved, at most 20 s, 30 s when all brokers were down, 50 s when connections stay mute (test/README.md says why). RSS is required to stay below what it was before + the buffer (64 MiB) + 160 MiB.
Before an outage the member has worked off 200,000 records at full speed: catching up takes more memory than a steady load, with a fault or without.
`
const SURVIVED = {
  title: 'Faults that pass, or whose outcome is unknown: the member stays and goes on',
  head: ['fault', 'what is done', 'retried for', 'down, s', 'again, s', 'dead letters', 'ledger', 'rebalances', 'RSS MiB before / while down / catching up / after', 'waiting → caught up at', 'result', 'run'], // prettier-ignore
}
const FATAL = {
  title: 'Faults that a person must mend: the member stops with nothing committed',
  head: ['fault', 'when', 'what is done', 'exit code', 'says', 'to do', 'result', 'run'],
}
const STORIES = {
  title: 'Members that die, stand still, come and go; a database that another takes the place of',
  head: ['fault', 'no.', 'what is done', 'what it proves', 'records', 'result', 'run'],
}
const TESTS = {
  title: 'Faults that files of tests show',
  head: ['tests', 'no.', 'file', 'passed', 'result', 'run'],
}
const OTHER = { title: 'The consumer itself', head: ['fault', 'what is done', 'ledger', 'result', 'run'] }

export type RunFacts = {
  readonly date: string
  readonly seed: number
  readonly rate: number
  readonly minutes: number
  readonly versions: string
  /** Stories in their short form. */
  readonly short?: boolean
}

export const writeReport = async (file: string, results: readonly Result[], facts: RunFacts): Promise<void> => {
  const old = await readFile(file, 'utf8').catch(() => '')
  const text = reportText(old, results, { said: await remember(file, results, facts), facts })
  await writeFile(file, await format(text, { ...(await resolveConfig(file)), filepath: file }))
}

/** Not yet formatted. */
export const reportText = (
  old: string,
  results: readonly Result[],
  { said, facts }: { said: AllSaid; facts: RunFacts },
): string => {
  const rows = new Map(old.split('\n').flatMap((line) => (nameOf(line) === null ? [] : [[nameOf(line) ?? '', line]])))
  for (const result of results) if (result.skipped === undefined) rows.set(result.name, rowOf(result, said, facts))
  // Nothing is told of a run that nothing is remembered of.
  for (const name of rows.keys()) if (!(name in said)) rows.delete(name)
  const written = results.length > 0 ? versionsText(facts) : (/^Written last on .*$/m.exec(old)?.[0] ?? '')
  const widths = new Map([SURVIVED, STORIES, FATAL, TESTS, OTHER].map((table) => [table.head.length, table]))
  const tables = [...widths].map(([columns, { title, head }]) => {
    const own = [...rows.values()].filter((row) => cells(row).length === columns)
    if (own.length === 0) return ''
    return `\n## ${title}\n\n${line(head)}\n${line(head.map(() => '---'))}\n${own.join('\n')}\n`
  })
  return `${HEAD}\n${written}\n${matrixText(said)}${tables.join('')}`
}

const versionsText = ({ date, versions }: RunFacts) => `Written last on ${date}, with ${versions}.`

const line = (values: readonly string[]) => `| ${values.join(' | ')} |`
const cells = (row: string) => row.slice(1, -1).split(/(?<!\\)\|/)
/** Of a row that a run wrote: its first cell is the name of a scenario in code. */
const nameOf = (text: string): string | null => /^\| `([\w-]+)` +\|/.exec(text)?.[1] ?? null
const plain = (text: string) => text.replaceAll('|', '\\|')

const runOf = ({ name }: Result, { date, seed, rate, minutes, short = false }: RunFacts): string => {
  const long = name.startsWith('outage') ? ` --minutes ${minutes}` : ''
  const command = name === 'soak' ? `npm run soak -- --minutes ${minutes}` : `--only ${name}${long}${short ? ' --short' : ''}` // prettier-ignore
  return `${date} \`${command} --rate ${rate} --seed ${seed}\``
}

/** Of the fault that a scenario is named for. */
const provedBy = (name: string) => matrix.find(({ scenarios }) => scenarios.includes(name))?.proves ?? ''

const rowOf = (result: Result, said: AllSaid, facts: RunFacts): string => {
  const name = `\`${result.name}\``
  const verdict = isOk(result) ? `ok${inARow(said[result.name] ?? {})}` : '**NOT OK**'
  const run = runOf(result, facts)
  const found = (what: string, pick: 'expected' | 'found') =>
    result.lines.find((each) => each.what === what)?.[pick] ?? '?'
  const rows = 'ledger rows = distinct valid events'
  const ledger = `${found(rows, 'found')} of ${found(rows, 'expected')}`
  if (result.fatal) {
    const [said = '', remedy = ''] = result.fatal.stderr.map((each) => plain(each.replace(/^(sluice: | +→ )/, '')))
    return line([name, result.fatal.when, plain(result.what), found('exit code', 'found'), said, remedy, verdict, run])
  }
  if (result.tested) {
    const { file, numbers, passed, skipped } = result.tested
    const counts = `${passed}${skipped > 0 ? `, ${skipped} skipped` : ''}`
    return line([name, numbers.join(', '), `[${file}](../${file})`, counts, verdict, run])
  }
  if (result.told) {
    const { story, records } = result.told
    const about = [String(story.number), plain(result.what), plain(story.proves ?? provedBy(result.name))]
    return line([name, ...about, records.toLocaleString('en'), verdict, run])
  }
  if (!result.survived) return line([name, plain(result.what), ledger, verdict, run])
  const { figures, rebalances } = result.survived
  const { rssMib, backlog, catchUpRate } = figures
  const caughtUp = catchUpRate === null ? '' : ` → ${Math.round(catchUpRate).toLocaleString('en')} rows/s`
  return line([
    ...[name, plain(result.what), figures.codes.join(', ')],
    ...[(figures.downMs / 1000).toFixed(1), (figures.againMs / 1000).toFixed(2)],
    ...[found('dead letters', 'found'), ledger, String(rebalances)],
    ...[
      `${rssMib.before} / ${rssMib.down} / ${rssMib.max} / ${rssMib.after}`,
      `${backlog.toLocaleString('en')}${caughtUp}`,
    ],
    ...[verdict, run],
  ])
}
