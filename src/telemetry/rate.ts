// How fast records are settled, how fast they arrive, and when the lag will be gone: over the last minute, from what the looks saw.
import { z } from 'zod'
import type { Immutable } from '../lib/immutable.ts'
import type { PartitionLag } from './lag.ts'

export const rate = z.object({
  settledPerSecond: z.number().nullable().describe('Records, over the last minute; null: unknown'),
  arrivedPerSecond: z.number().nullable().describe('Records, over the last minute; null: unknown'),
  clearSeconds: z
    .number()
    .nullable()
    .describe('Until the lag is gone at that rate; 0: there is no lag; null: it does not get less, or nobody knows'),
})
export type Rate = Immutable<z.infer<typeof rate>>

type Look = { readonly at: number; readonly partitions: ReadonlyMap<number, { position: bigint; end: bigint }> }

const WINDOW_MS = 60_000
/** Two looks nearer to each other than this say nothing. */
const LEAST_MS = 1_000

const round = (value: number) => Math.round(value * 10) / 10

export function createRate() {
  let looks: Look[] = []
  return {
    /** After each look; `at` is on the monotonic clock. */
    saw(at: number, partitions: readonly PartitionLag[]): Rate {
      const known = partitions.flatMap(({ partition, position, end }) =>
        position === null || end === null ? [] : [[partition, { position, end }] as const],
      )
      looks = [...looks.filter((look) => at - look.at <= WINDOW_MS), { at, partitions: new Map(known) }]
      const lag = partitions.some(({ lagRecords }) => lagRecords === null)
        ? null
        : partitions.reduce((sum, { lagRecords }) => sum + (lagRecords ?? 0), 0)
      return rateOf(looks, at, lag)
    },
  }
}

/** Only since all partitions that are here were: one that came or went did not arrive, nor was it settled. */
function rateOf(looks: readonly Look[], at: number, lag: number | null): Rate {
  const last = looks.at(-1)
  const isSame = (look: Look) => [...(last?.partitions.keys() ?? [])].every((each) => look.partitions.has(each))
  // What was lost and is here again begins anew: others have settled it meanwhile.
  const since = looks.findLastIndex((look) => !isSame(look)) + 1
  const first = looks.slice(since).find((look) => at - look.at >= LEAST_MS)
  if (!first || !last) return { settledPerSecond: null, arrivedPerSecond: null, clearSeconds: lag === 0 ? 0 : null }
  let [settled, arrived] = [0, 0]
  for (const [partition, now] of last.partitions) {
    const before = first.partitions.get(partition)
    if (!before) continue
    // A rewind is no settling of less than nothing.
    settled += Math.max(0, Number(now.position - before.position))
    arrived += Math.max(0, Number(now.end - before.end))
  }
  const seconds = (at - first.at) / 1000
  const gain = (settled - arrived) / seconds
  const clearSeconds = lag === 0 ? 0 : lag === null || gain <= 0 ? null : round(lag / gain)
  return { settledPerSecond: round(settled / seconds), arrivedPerSecond: round(arrived / seconds), clearSeconds }
}
