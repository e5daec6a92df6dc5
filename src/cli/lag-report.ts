import type { GroupLook, LagMember } from './lag-look.ts'
import { type Trend, trendOf } from '../telemetry/lag-trend.ts'
import { type Verdict, verdictOf } from '../telemetry/lag-verdict.ts'

// Some looks, the last of them told with what the earlier ones say about it. Pure.

export type PartitionLag = Verdict & {
  readonly partition: number
  readonly position: bigint | null
  readonly committed: bigint | null
  readonly end: bigint
  readonly lag: bigint
  /** Age of the oldest record that is not in PostgreSQL; null: unknown. */
  readonly lagSeconds: number | null
  readonly member: string | null
  readonly trend: Trend | null
}
export type LagReport = {
  readonly groupId: string
  readonly topic: string
  readonly at: Date
  /** All partitions are. */
  readonly ok: boolean
  readonly state: string
  readonly gate: string | null
  readonly looks: number
  readonly overMs: number
  readonly lag: bigint
  readonly lagSeconds: number | null
  readonly members: readonly LagMember[]
  readonly partitions: readonly PartitionLag[]
}

/** `looks`: at least one, the oldest first. It names its fields: it is printed, and who calls may hold a whole Config. */
export function reportOf(
  { groupId, topic }: { groupId: string; topic: string },
  looks: readonly GroupLook[],
): LagReport {
  const last = looks.at(-1)
  if (!last) throw new Error('a report needs a look')
  const partitions = last.partitions.map(({ partition, committed, look, now }): PartitionLag => {
    const window = looks.flatMap((each) => each.partitions.find((one) => one.partition === partition)?.look ?? [])
    const { position, end, lag, ageMs } = look
    return {
      ...{ partition, position, committed, end, lag, member: now.owner },
      lagSeconds: ageMs === null ? null : ageMs / 1_000,
      trend: trendOf(window),
      ...verdictOf(window, now),
    }
  })
  const times = looks.flatMap(timeOf)
  const ages = partitions.map(({ lagSeconds }) => lagSeconds)
  return {
    ...{ groupId, topic },
    at: new Date(times.at(-1) ?? 0),
    ok: partitions.every(({ verdict }) => verdict === 'ok'),
    ...{ state: last.state, gate: last.gate, looks: looks.length },
    overMs: (times.at(-1) ?? 0) - (times[0] ?? 0),
    lag: partitions.reduce((sum, { lag }) => sum + lag, 0n),
    lagSeconds: ages.includes(null) ? null : Math.max(0, ...ages.map(Number)),
    ...{ members: last.members, partitions },
  }
}

const timeOf = ({ partitions: [first] }: GroupLook): number | readonly [] => first?.look.at ?? []
