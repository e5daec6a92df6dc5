import type { Part, WriteResult } from '../pipeline/sink.ts'
import type { FailedItem } from '../telemetry/events.ts'
import type { BreakerMemory } from '../pipeline/breaker.ts'
import type { Advance } from './statements.ts'

/** What became of a record; every record is exactly one of these. */
export type Fate = 'inserted' | 'duplicate' | 'deadLettered' | 'ignored'

/** Counts what became of the records, by partition for the offset rows and in all for the result. */
export function createTally(parts: readonly Part[]) {
  const counts = new Map(parts.map(({ partition }) => [partition, emptyCounts()]))
  const failed: FailedItem[] = []
  const add = (fate: Fate, partition: number) => {
    const count = counts.get(partition)
    if (count) count[fate] += 1
  }
  return {
    add,
    addDeadLetter(item: FailedItem) {
      add('deadLettered', item.partition)
      failed.push(item)
    },
    /** Offsets that hold no record (markers, compaction) are `absent`. */
    advances: (memories: ReadonlyMap<number, BreakerMemory>): Advance[] =>
      parts.map(({ partition, from, to }) => {
        const count = counts.get(partition) ?? emptyCounts()
        const records = count.inserted + count.duplicate + count.deadLettered + count.ignored
        const { run, ...window } = memories.get(partition) ?? NOTHING_SEEN
        const breaker = { run, windowRecords: window.records, windowDeadLettered: window.deadLettered }
        return { partition, to, ...count, absent: to - from - BigInt(records), ...breaker }
      }),
    total(): Omit<WriteResult, 'positions'> {
      const sum = (fate: Fate) => [...counts.values()].reduce((total, count) => total + count[fate], 0)
      return {
        inserted: sum('inserted'),
        duplicates: sum('duplicate'),
        deadLettered: sum('deadLettered'),
        ignored: sum('ignored'),
        failed,
      }
    },
  }
}

const NOTHING_SEEN: BreakerMemory = { run: 0, records: 0, deadLettered: 0 }
const emptyCounts = (): Record<Fate, number> => ({ inserted: 0, duplicate: 0, deadLettered: 0, ignored: 0 })
