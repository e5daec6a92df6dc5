// Which partitions stand still for a reason that is not ours: a fetch at our position finds nothing (all is read, or a
// transaction is still open), or what was fetched waits for room in the buffer. kafkajs has a loop of fetches for each
// broker; one that ended without a word is seen by this alone, as those of the other brokers fetch and heartbeat on.
import type { Clock } from '../lib/clock.ts'

/** What a fetch from the offset `from` said of a partition: how many records came. */
export type Answer = { readonly partition: number; readonly from: bigint; readonly records: number }
export type Fetches = ReturnType<typeof createFetches>

export function createFetches(clock: Clock) {
  const last = new Map<number, number>()
  /** Fetched, and not delivered to its end. */
  const inHand = new Set<number>()
  return {
    /** `next`: where we want a partition to go on; null: not ours, or nobody has said yet. */
    answered(answers: readonly Answer[], next: (partition: number) => bigint | null) {
      for (const { partition, from, records } of answers) {
        if (records > 0) inHand.add(partition)
        else {
          inHand.delete(partition)
          const wanted = next(partition)
          // Asked for what lies ahead of us, an answer says nothing of what we want.
          if (wanted !== null && from <= wanted) last.set(partition, clock.now())
        }
      }
    },
    /** Something of any partition found no room: all that is in hand waits. */
    refused() {
      for (const partition of inHand) last.set(partition, clock.now())
    },
    delivered: (partition: number) => void inHand.delete(partition),
    /** By partition: milliseconds since it was last so. */
    waited: (): ReadonlyMap<number, number> =>
      new Map([...last].map(([partition, at]) => [partition, clock.now() - at])),
  }
}
