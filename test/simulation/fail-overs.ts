// What the law of commits and the law of rewinds excuse after a fail-over, and nothing else: the standby lacks the newest
// transactions, so Kafka may have been told more than it holds, and a member goes back once for what it knew to be settled.
import type { Tables } from './tables.ts'

type SetBack = { readonly partition: number; readonly from: bigint; readonly members: Set<string> }

export const createFailOvers = () => {
  /** Up to where PostgreSQL had held a partition, until it holds as much again or Kafka is told no more than it holds. */
  const had = new Map<number, bigint>()
  const setBacks: SetBack[] = []
  return {
    /** `members`: those that know what was held before. Gives how many partitions went back. */
    happened(before: Tables, after: Tables, members: readonly string[]): number {
      let count = 0
      for (const [key, { nextOffset: from }] of before.consumer_offset) {
        const partition = Number(key)
        if (from <= (after.consumer_offset.get(key)?.nextOffset ?? 0n)) continue
        count += 1
        if (from > (had.get(partition) ?? 0n)) had.set(partition, from)
        setBacks.push({ partition, from, members: new Set(members) })
      }
      return count
    },
    /** The most that Kafka may be told of a partition of which PostgreSQL holds this much. */
    most(partition: number, next: bigint): bigint {
      const before = had.get(partition)
      return before !== undefined && before > next ? before : next
    },
    /** After a commit to Kafka. */
    told(partition: number, offset: bigint, next: bigint) {
      if (offset <= next) had.delete(partition)
    },
    /** After a COMMIT. */
    held(tables: Tables) {
      for (const [partition, before] of had)
        if ((tables.consumer_offset.get(String(partition))?.nextOffset ?? 0n) >= before) had.delete(partition)
    },
    /** Once for each member and fail-over. */
    explains(member: string, { partition }: { partition: number }): boolean {
      return setBacks.some((each) => each.partition === partition && each.members.delete(member))
    },
  }
}
