// Slices of cases: each is decoded and judged case by case, then stored and read back at once. A failure says how to replay it.
import fc from 'fast-check'
import { type Case, cases } from './cases.ts'
import type { FuzzDatabase } from './database.ts'
import { judge } from './decode-laws.ts'
import { type Judgement, roundTrip } from './round-trip.ts'

export type FuzzOptions = {
  readonly count: number
  readonly seed: number
  /** Of a failure: runs this one case only. */
  readonly path?: string
  readonly database: FuzzDatabase
  readonly say?: (line: string) => void
}
export type Summary = {
  cases: number
  accepted: number
  ignored: number
  rejected: Map<string, number>
  slowest: { ms: number; bytes: number; outcome: string }
}

const SLICE = 5_000
const MAX_HEX = 4_000

export class FuzzFailure extends Error {}

export const fuzz = async ({ count, seed, path, database, say = () => {} }: FuzzOptions): Promise<Summary> => {
  const summary: Summary = { cases: 0, accepted: 0, ignored: 0, rejected: new Map(), slowest: { ms: 0, bytes: 0, outcome: '' } } // prettier-ignore
  for (let done = 0, slice = 0; done < count; done += SLICE, slice++) {
    const at = { seed: seed + slice, ...(path === undefined ? {} : { path }) }
    const judged = judgeSlice(Math.min(SLICE, count - done), at)
    judged.forEach((each) => add(summary, each))
    const [mismatch, ...more] = await roundTrip(database, judged, BigInt(done))
    if (mismatch) {
      const at = path ?? String(mismatch.index)
      const what = `not stored as it was sent: ${mismatch.what}${more.length > 0 ? ` (and ${more.length} more)` : ''}`
      throw failure(what, judged[mismatch.index]?.value ?? null, { seed: seed + slice, path: at })
    }
    say(`${summary.cases.toLocaleString('en')} of ${count.toLocaleString('en')} cases, ${summary.accepted.toLocaleString('en')} accepted`) // prettier-ignore
    if (path !== undefined) break
  }
  return summary
}

const judgeSlice = (numRuns: number, at: { seed: number; path?: string }): Judgement[] => {
  const judged: Judgement[] = []
  const law = fc.property(cases, (one) => {
    judged.push({ ...one, ...judge(one.value) })
  })
  const run = fc.check<[Case]>(law, { ...at, numRuns: at.path === undefined ? numRuns : 1, endOnFailure: false })
  if (run.failed) {
    const error: unknown = run.errorInstance
    throw failure(error instanceof Error ? error.message : String(error), run.counterexample?.[0].value ?? null, {
      seed: at.seed,
      path: run.counterexamplePath ?? '',
    })
  }
  return judged
}

const failure = (what: string, value: Buffer | null, { seed, path }: { seed: number; path: string }): FuzzFailure => {
  const hex = value?.toString('hex') ?? '(null)'
  const shown = hex.length > MAX_HEX ? `${hex.slice(0, MAX_HEX)}… (${value?.length} bytes)` : hex
  return new FuzzFailure(`${what}\nreplay: npm run fuzz -- --seed ${seed} --path ${path}\nvalue as hex: ${shown}`)
}

const add = (summary: Summary, { decoded, value, ms }: Judgement): void => {
  summary.cases += 1
  const outcome = decoded.kind === 'rejected' ? decoded.fault.code : decoded.kind
  if (decoded.kind === 'line-item') summary.accepted += 1
  else if (decoded.kind === 'ignored') summary.ignored += 1
  else summary.rejected.set(outcome, (summary.rejected.get(outcome) ?? 0) + 1)
  if (ms > summary.slowest.ms) summary.slowest = { ms, bytes: value?.length ?? 0, outcome }
}
