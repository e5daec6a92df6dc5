// Which invariant (reliability.md, A.3) a line of a proof is about.
import type { ProofLine } from '../../src/demo/proof.ts'

export const INVARIANTS = {
  I1: 'every valid event is in the ledger exactly once',
  I2: 'every record is counted exactly once, without a gap up to the position',
  I3: 'every ledger row is a record of the topic',
  I4: 'inventory = Σ ledger = Σ topic, per item',
  I5: 'inventory = Σ ledger in any snapshot, during the fault (sampled)',
  I6: "Kafka's commit ≤ the position (sampled), and none goes back (in Kafka's log)",
  I7: 'the position never decreases (sampled)',
  I8: 'dead letters are byte for byte what was sent, each once',
  I9: 'faults make no dead letters',
  I10: 'after the fault: working again in bounded time, lag 0',
  I11: 'memory and buffer are bounded (sampled)',
  I12: "SIGTERM under load: exit code 0, and Kafka's commit is the position: nothing is read again",
  I13: 'a bad row in N costs one dead letter and 2·log2 N + 2 attempts',
} as const
export type Invariant = keyof typeof INVARIANTS
export const invariants = Object.keys(INVARIANTS) as Invariant[]

/** By how the line begins. A line that is about none proves that the fault was there. */
const ABOUT: readonly (readonly [RegExp, Invariant])[] = [
  [/^ledger rows = distinct/, 'I1'],
  [/^(records settled|repeated events|tombstones|ledger rows more than counted|ledger rows at or beyond)/, 'I2'],
  [/^ledger rows unlike/, 'I3'],
  [/^(quantity in the ledger|items with inventory|of \d+ items)/, 'I4'],
  [/^(dead letters = |dead letters unlike|dead letters in the DLQ|foreign records)/, 'I8'],
  [/^dead letters( made of faults)?$/, 'I9'],
  [/^(partitions settled|partitions committed|ms from healing)/, 'I10'],
  [/^RSS /, 'I11'],
]

export const invariantOf = ({ what }: Pick<ProofLine, 'what'>): Invariant | null => {
  const named = /^(I\d+) /.exec(what)?.[1]
  if (named && named in INVARIANTS) return named as Invariant
  return ABOUT.find(([begins]) => begins.test(what))?.[1] ?? null
}

/** True: all its lines hold. What is not in it was not looked at. */
export type Verdicts = Partial<Record<Invariant, boolean>>

export const verdictsOf = (lines: readonly ProofLine[]): Verdicts => {
  const verdicts: Verdicts = {}
  for (const line of lines) {
    const about = invariantOf(line)
    if (about) verdicts[about] = (verdicts[about] ?? true) && line.ok
  }
  return verdicts
}
