import { findingOf } from '../source/start-position.ts'
import type { Circumstances, Look } from '../telemetry/lag-verdict.ts'
import { closureText } from './gate.ts'
import { isAlive, type MemberRow, readMembers } from '../sink/member-store.ts'
import type { Connected } from './offsets-connect.ts'

// One look at where a group stands, from PostgreSQL and Kafka alone: no member has to run for it.

export type LagMember = {
  readonly clientId: string
  /** Its address, as the coordinator sees it. */
  readonly host: string
  readonly partitions: readonly number[]
  /** What it says of itself in PostgreSQL; null: nothing lately, or it cannot be told from others of this client id. */
  readonly self: {
    readonly hostname: string
    readonly pid: number
    readonly version: string
    readonly phase: string
    /** Why it is not ready. */
    readonly reasons: readonly string[]
  } | null
}
export type PartitionLook = {
  readonly partition: number
  readonly committed: bigint | null
  readonly look: Look
  readonly now: Circumstances
}
export type GroupLook = {
  readonly state: string
  readonly gate: string | null
  readonly members: readonly LagMember[]
  readonly partitions: readonly PartitionLook[]
}

const REBALANCING = /Rebalance$/

export async function lookAt(
  { config, admin, store, gate, database }: Connected,
  wall: () => number,
): Promise<GroupLook> {
  const { groupId, topic } = config
  // Database first, Kafka second: a lag is never shown as negative, and a record that came meanwhile not as an old one.
  const closure = await gate.closure()
  const rows = new Map((await store.show()).map((row) => [row.partition, row]))
  const [ends, committed, group, topicId] = await Promise.all([
    ...[admin.endOffsets(topic), admin.committedOffsets(groupId, topic)] as const, // prettier-ignore
    ...[admin.group(groupId, topic), admin.topicId(topic)] as const, // prettier-ignore
  ])
  // Again: only a position read after Kafka's commit can be said to be behind it.
  const later = new Map((await store.show()).map((row) => [row.partition, row.nextOffset]))
  const standing = [...ends]
    .sort(([a], [b]) => a - b)
    .map(([partition, log]) => ({ partition, log, row: rows.get(partition) }))
  const told = await readMembers(database, { groupId, topic })
  const times = await timesOf(
    admin,
    topic,
    standing.map(({ partition, log, row }) => ({ partition, ...log, from: row?.nextOffset ?? log.low })),
  )
  const at = wall()
  const closed = closure && closureText(closure)

  const partitions = standing.map(({ partition, log, row }): PartitionLook => {
    const kafka = committed.get(partition) ?? null
    const position = row?.nextOffset ?? null
    const since = position ?? log.low
    const lag = log.high > since ? log.high - since : 0n
    const time = times.get(partition)
    const reached = later.get(partition)
    return {
      partition,
      committed: kafka,
      look: {
        at,
        position,
        end: log.high,
        lag,
        ageMs: lag === 0n ? 0 : time === undefined ? null : Math.max(0, at - time),
      },
      now: {
        finding: findingOf(row, log, kafka, topicId),
        ahead: kafka !== null && reached !== undefined && kafka > reached ? kafka : null,
        gate: closed,
        group: REBALANCING.test(group.state) ? 'rebalancing' : group.members.length === 0 ? 'empty' : 'working',
        owner: group.members.find((member) => member.partitions.includes(partition))?.clientId ?? null,
        stillMs: row?.stillMs ?? null,
      },
    }
  })
  const members = group.members.map(({ clientId, host, partitions: owned }): LagMember => {
    return { clientId, host, partitions: owned, self: selfOf(clientId, owned, told) }
  })
  return { state: group.state, gate: closed, members, partitions }
}

/** Client ids are often the same for all: then what it owns tells. */
function selfOf(clientId: string, owned: readonly number[], rows: readonly MemberRow[]): LagMember['self'] {
  const named = rows.filter((row) => row.clientId === clientId && isAlive(row))
  const owns = ({ state }: MemberRow) => state.partitions.map(({ partition }) => partition).sort((a, b) => a - b)
  const same = named.length > 1 ? named.filter((row) => owns(row).join() === owned.join()) : named
  const [row] = same
  if (!row || same.length > 1) return null
  const { host: hostname, pid, version, state } = row
  return { hostname, pid, version, phase: state.phase, reasons: state.health.reasons }
}

type Waiting = { readonly partition: number; readonly from: bigint; readonly low: bigint; readonly high: bigint }

/** A record that is deleted, or cannot be decoded, has no time that could be read: what else is wrong is told elsewhere. */
async function timesOf(
  admin: Connected['admin'],
  topic: string,
  all: readonly Waiting[],
): Promise<Map<number, number>> {
  const times = new Map<number, number>()
  const waiting = all.filter(({ from, low, high }) => from >= low && from < high)
  await Promise.all(
    waiting.map(async ({ partition, from, high }) => {
      const time = await admin.timestampAt({ topic, partition, offset: from, end: high }).catch(() => null)
      if (time !== null) times.set(partition, time)
    }),
  )
  return times
}
