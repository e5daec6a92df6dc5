// The table fault × invariant. What the runs said is kept beside the report (reliability.json), for a run plays some faults only.
import { readFile, writeFile } from 'node:fs/promises'
import { type Invariant, INVARIANTS, invariants, type Verdicts, verdictsOf } from './invariants.ts'
import { isOk, type Result } from './lane.ts'
import { type Fault, matrix, notHere } from './matrix.ts'

/** Of one scenario, the last time that it was played. */
export type Said = { readonly date: string; readonly seed: number; readonly ok: boolean; readonly holds: Verdicts }
type AllSaid = Record<string, Said>

/** Of runs before the sampler was: what the proof of a row that says ok has looked at. */
const BEFORE_SAMPLER: Verdicts = { I1: true, I2: true, I3: true, I4: true, I8: true, I9: true, I10: true, I11: true, I12: true } // prettier-ignore

export const rememberedIn = (report: string) => report.replace(/\.md$/, '.json')

export const remember = async (
  report: string,
  results: readonly Result[],
  { date, seed, oldRows }: { date: string; seed: number; oldRows: ReadonlyMap<string, string> },
): Promise<AllSaid> => {
  const file = rememberedIn(report)
  const all = JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as AllSaid
  for (const [name, row] of oldRows) {
    const [, day = '', seen = '0'] = /(\d{4}-\d\d-\d\d) .*--seed (\d+)/.exec(row) ?? []
    if (/\| ok +\|/.test(row)) all[name] ??= { date: day, seed: Number(seen), ok: true, holds: BEFORE_SAMPLER }
  }
  for (const result of results)
    if (result.skipped === undefined)
      all[result.name] = { date, seed, ok: isOk(result), holds: verdictsOf(result.lines) }
  const sorted = Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => a.localeCompare(b)))
  await writeFile(file, `${JSON.stringify(sorted, null, 2)}\n`)
  return sorted
}

const line = (values: readonly string[]) => `| ${values.join(' | ')} |`

const cellOf = (invariant: Invariant, said: readonly Said[], { shown }: Fault): string => {
  const verdicts = said.flatMap(({ holds }) => holds[invariant] ?? [])
  if (verdicts.includes(false)) return '✗'
  if (verdicts.length > 0) return '✓'
  return shown.some(({ holds }) => holds.includes(invariant)) ? 't' : '–'
}

const rowOf = (fault: Fault, all: AllSaid): string => {
  const played = fault.scenarios.flatMap((name) => all[name] ?? [])
  const failed = fault.scenarios.filter((name) => all[name]?.ok === false)
  const names = fault.scenarios.map((name) => (all[name] ? `\`${name}\`` : `\`${name}\` (not yet)`))
  const files = fault.shown.map(({ file }) => `[${file.replace(/^test\//, '')}](../${file})`)
  const last = played.map(({ date, seed }) => `${date}, seed ${seed}`).toSorted().at(-1) // prettier-ignore
  return line([
    ...[String(fault.number), fault.what, fault.proves],
    ...invariants.map((invariant) => cellOf(invariant, played, fault)),
    [...names, ...files].join(', '),
    last ?? (files.length > 0 ? '`npm test`' : ''),
    failed.length > 0 ? `**NOT OK**: ${failed.join(', ')}` : played.length + files.length > 0 ? 'ok' : 'not yet',
  ])
}

export const matrixText = (all: AllSaid): string => {
  const head = ['#', 'fault', 'what it proves', ...invariants, 'shown by', 'last run', 'result']
  const shown = matrix.filter(({ scenarios, shown }) => shown.length > 0 || scenarios.some((name) => all[name]))
  return `
## Every fault, and what held

✓ held in every run named · ✗ did not · t asserted by the tests named, which \`npm test\` runs · – not looked at there

${line(head)}
${line(head.map(() => '---'))}
${matrix.map((fault) => rowOf(fault, all)).join('\n')}

${shown.length} of ${matrix.length} faults are shown.

${invariants.map((invariant) => `- **${invariant}** ${INVARIANTS[invariant]}`).join('\n')}

What cannot be made here, or is made in another way:

${notHere.map(([number, what]) => `- ${number}: ${what}`).join('\n')}
`
}
