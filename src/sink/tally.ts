import type { Part, WriteResult } from '../pipeline/sink.ts'
import type { Advance } from './statements.ts'

/** What became of a record; every record is exactly one of these. */
export type Fate = 'inserted' | 'duplicate' | 'deadLettered' | 'ignored'

/** Counts what became of the records, by partition for the offset rows and in all for the result. */
export function createTally(parts: readonly Part[]) {
  const counts = new Map(parts.map(({ partition }) => [partition, emptyCounts()]))
  const codes = new Map<string, number>()
  const add = (fate: Fate, partition: number) => {
    const count = counts.get(partition)
    if (count) count[fate] += 1
  }
  return {
    add,
    addDeadLetter(partition: number, code: string) {
      add('deadLettered', partition)
      codes.set(code, (codes.get(code) ?? 0) + 1)
    },
    /** Offsets that hold no record (markers, compaction) are `absent`. */
    advances: (): Advance[] =>
      parts.map(({ partition, from, to }) => {
        const count = counts.get(partition) ?? emptyCounts()
        const records = count.inserted + count.duplicate + count.deadLettered + count.ignored
        return { partition, to, ...count, absent: to - from - BigInt(records) }
      }),
    total(): Omit<WriteResult, 'positions'> {
      const sum = (fate: Fate) => [...counts.values()].reduce((total, count) => total + count[fate], 0)
      return {
        inserted: sum('inserted'),
        duplicates: sum('duplicate'),
        deadLettered: sum('deadLettered'),
        ignored: sum('ignored'),
        codes,
      }
    },
  }
}

const emptyCounts = (): Record<Fate, number> => ({ inserted: 0, duplicate: 0, deadLettered: 0, ignored: 0 })
