// Which partition of ours has had something to read for long, of which nothing came, while nothing was in the way. Where a lane
// holds records of it, or PostgreSQL or Kafka are away, others look (vitals.ts, watchdog): here only what nobody else sees.
import type { LagView } from '../telemetry/lag.ts'

export type Stuck = { readonly partition: number; readonly ms: number }

type Since = { readonly position: bigint | null; readonly at: number }

/** The lag watch asks Kafka every 2.5 s: an answer that is older is none. */
const FRESH_MS = 15_000

export function createStandstill() {
  const since = new Map<number, Since>()
  return {
    /**
     * `excused`: something else is in the way of all. `waited`: milliseconds since a partition was seen to wait for
     * what is not ours. Gives the one that has stood still for longest.
     */
    look(now: number, view: LagView, excused: boolean, waited: ReadonlyMap<number, number>): Stuck | null {
      const { asked, partitions } = view
      if (excused || asked === null || now - asked > FRESH_MS) {
        since.clear()
        return null
      }
      const ours = new Set(partitions.map(({ partition }) => partition))
      for (const partition of since.keys()) if (!ours.has(partition)) since.delete(partition)
      let worst: Stuck | null = null
      for (const { partition, position, unread } of partitions) {
        const waitedAt = now - (waited.get(partition) ?? Infinity)
        const before = since.get(partition)
        if (!unread) since.delete(partition)
        else if (!before || before.position !== position || waitedAt > before.at)
          since.set(partition, { position, at: now })
        else if (now - before.at > (worst?.ms ?? 0)) worst = { partition, ms: now - before.at }
      }
      return worst
    },
  }
}
