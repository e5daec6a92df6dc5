// The table fault × invariant. What the runs said is kept beside the report (reliability.json), for a run plays some faults only.
import { readFile, writeFile } from 'node:fs/promises'
import { type Invariant, INVARIANTS, invariants, type Verdicts, verdictsOf } from './invariants.ts'
import { isOk, type Result } from './lane.ts'
import { type Fault, matrix, notHere } from './matrix.ts'

/** Of one scenario, the last time that it was played. */
export type Said = {
  readonly date: string
  readonly seed: number
  readonly ok: boolean
  /** How often it was ok since it last was not. Missing: nobody has counted. */
  readonly greenInARow?: number
  readonly holds: Verdicts
}
export type AllSaid = Readonly<Record<string, Said>>

export const rememberedIn = (report: string) => report.replace(/\.md$/, '.json')

export const remember = async (
  report: string,
  results: readonly Result[],
  { date, seed }: { date: string; seed: number },
): Promise<AllSaid> => {
  const file = rememberedIn(report)
  const all = JSON.parse(await readFile(file, 'utf8').catch(missing)) as Record<string, Said>
  for (const result of results) if (result.skipped === undefined) all[result.name] = saidNow(result, all[result.name], { date, seed }) // prettier-ignore
  const sorted = Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => a.localeCompare(b)))
  await writeFile(file, `${JSON.stringify(sorted, null, 2)}\n`)
  return sorted
}

const missing = (error: NodeJS.ErrnoException): string => {
  if (error.code !== 'ENOENT') throw error
  return '{}'
}

const saidNow = (result: Result, before: Said | undefined, run: { date: string; seed: number }): Said => {
  const ok = isOk(result)
  const greenInARow = ok ? (before?.greenInARow ?? 0) + 1 : 0
  return { ...run, ok, greenInARow, holds: verdictsOf(result.lines) }
}

const line = (values: readonly string[]) => `| ${values.join(' | ')} |`

/** Of scenarios what a line of their proof was about; of tests what they assert, if they have passed. */
const cellOf = (invariant: Invariant, { scenarios, shown }: Fault, all: AllSaid): string => {
  const verdicts = scenarios.flatMap((name) => all[name]?.holds[invariant] ?? [])
  const tested = shown.filter(({ holds }) => holds.includes(invariant)).flatMap(({ name }) => all[name]?.ok ?? [])
  if ([...verdicts, ...tested].includes(false)) return '✗'
  if (verdicts.length > 0) return verdicts.length === scenarios.length ? '✓' : '(✓)'
  return tested.length > 0 ? 't' : '–'
}

const namedFor = ({ scenarios, shown }: Fault) => [...scenarios, ...shown.map(({ name }) => name)]

type Standing = 'not ok' | 'part' | 'whole' | 'not yet'

/** A fault is shown when everything is that is named for it; until then it is at most a part. */
const standingOf = (fault: Fault, all: AllSaid): Standing => {
  const named = namedFor(fault)
  const played = named.flatMap((name) => all[name] ?? [])
  if (played.some(({ ok }) => !ok)) return 'not ok'
  if (played.length === 0) return 'not yet'
  return played.length === named.length ? 'whole' : 'part'
}

export const inARow = ({ greenInARow }: Pick<Said, 'greenInARow'>) =>
  greenInARow === undefined ? '' : `, ${greenInARow} in a row`

const resultOf = (fault: Fault, all: AllSaid): string => {
  const named = namedFor(fault)
  const standing = standingOf(fault, all)
  const played = named.flatMap((name) => all[name] ?? [])
  if (standing === 'not ok') return `**NOT OK**: ${named.filter((name) => all[name]?.ok === false).join(', ')}`
  if (standing === 'part') return `part: ${played.length} of ${named.length} played`
  if (standing === 'not yet') return standing
  // As often as the one of them that was green the fewest times.
  const counts = played.map(({ greenInARow }) => greenInARow)
  return counts.includes(undefined) ? 'ok' : `ok${inARow({ greenInARow: Math.min(...counts.map(Number)) })}`
}

const rowOf = (fault: Fault, all: AllSaid): string => {
  const played = namedFor(fault).flatMap((name) => all[name] ?? [])
  const yet = (name: string) => (all[name] ? '' : ' (not yet)')
  const names = fault.scenarios.map((name) => `\`${name}\`${yet(name)}`)
  const files = fault.shown.map(({ name, file }) => `[${file.replace(/^test\//, '')}](../${file})${yet(name)}`)
  const last = played.map(({ date, seed }) => `${date}, seed ${seed}`).toSorted().at(-1) // prettier-ignore
  return line([
    ...[String(fault.number), fault.what, fault.proves],
    ...invariants.map((invariant) => cellOf(invariant, fault, all)),
    [...names, ...files].join(', '),
    last ?? '',
    resultOf(fault, all),
  ])
}

export const matrixText = (all: AllSaid): string => {
  const head = ['#', 'fault', 'what it proves', ...invariants, 'shown by', 'last run', 'result']
  const count = (standing: Standing) => matrix.filter((fault) => standingOf(fault, all) === standing).length
  return `
## Every fault, and what held

✓ looked at, and held, in the last run of every scenario named · (✓) of some of them · ✗ looked at, and did not hold in one · t asserted by a file of tests named, which
passed when the lane last ran it · – not looked at. "3 in a row" is how often a scenario, or a file, was ok since it last was not; of several, the least.

${line(head)}
${line(head.map(() => '---'))}
${matrix.map((fault) => rowOf(fault, all)).join('\n')}

Of ${matrix.length} faults ${count('whole')} are shown by everything that is named for them, ${count('part')} by a part of it, ${count('not yet')} not yet, and ${count('not ok')} were not survived.

${invariants.map((invariant) => `- **${invariant}** ${INVARIANTS[invariant]}`).join('\n')}

What cannot be made here, or is made in another way:

${notHere.map(([number, what]) => `- ${number}: ${what}`).join('\n')}
`
}
