import { InvalidArgumentError } from 'commander'
import { parseMoment } from '../dead-letters/duration.ts'
import type { EndOffsets } from '../kafka/admin.ts'
import { actor } from '../lib/actor.ts'
import { systemClock } from '../lib/clock.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import type { Io } from './io.ts'
import { type Connected, counted, isOffset, refuseMembers, tellKafka } from './offsets-connect.ts'

type Target = 'earliest' | 'latest' | 'kafka' | bigint | Date
export type ResetOptions = { to: Target; partition?: number[]; yes?: true; dryRun?: true; force?: true }

export function target(text: string): Target {
  if (text === 'earliest' || text === 'latest' || text === 'kafka') return text
  if (isOffset(text)) return BigInt(text)
  const moment = parseMoment(text, systemClock.wall())
  if (moment) return moment
  throw new InvalidArgumentError('earliest, latest, kafka, an offset, or a time (2026-01-31T08:00Z; 2h, 7d for ago).')
}

type Move = { readonly partition: number; readonly from: bigint | null; readonly to: bigint; readonly log: EndOffsets }

export async function resetOffsets(io: Io, { config, admin, store }: Connected, options: ResetOptions): Promise<void> {
  const { groupId, topic } = config
  const { to } = options
  if (typeof to === 'bigint' && options.partition?.length !== 1)
    throw new OperatorError('an offset is of one partition', 'add --partition <n>', ExitCode.usage)
  const [ends, topicId] = await Promise.all([admin.endOffsets(topic), admin.topicId(topic)])
  const partitions = chosen(options.partition, [...ends.keys()])
  const positionOf = await targetOf(to, { config, admin })
  const before = new Map((await store.show()).map(({ partition, nextOffset }) => [partition, nextOffset]))
  const moves = partitions.map((partition): Move => {
    const log = ends.get(partition) ?? { low: 0n, high: 0n }
    return { partition, from: before.get(partition) ?? null, to: positionOf(partition, log), log }
  })
  io.stdout.write(`${explained(moves).join('\n')}\n`)
  if (!options.yes || options.dryRun) {
    io.stdout.write('nothing was changed; add --yes to do it\n')
    return
  }
  const members = await admin.groupMembers(groupId)
  const mend =
    'stop them first (one that was killed counts until its session time-out), or add --force: they move at their next batch'
  if (!options.force) refuseMembers(groupId, members, mend)
  const rows = moves.map((move) => ({ partition: move.partition, nextOffset: move.to, topicId }))
  await store.reset(rows, actor())
  const positions = new Map(moves.map((move) => [move.partition, move.to]))
  // It takes an outsider's commit only while the group is empty; members that are forced tell it by themselves.
  if (members === 0) await tellKafka({ config, admin }, positions)
  io.stdout.write(`group ${groupId} begins there now\n`)
}

/** Where `to` is, of each partition. */
async function targetOf(to: Target, { config, admin }: Pick<Connected, 'config' | 'admin'>) {
  const { groupId, topic } = config
  const committed = to === 'kafka' ? await admin.committedOffsets(groupId, topic) : null
  const atTime = to instanceof Date ? await admin.offsetsAt(topic, to) : null
  return (partition: number, { low, high }: EndOffsets): bigint => {
    if (to === 'earliest') return low
    if (to === 'latest') return high
    if (atTime) return atTime.get(partition) ?? high
    if (typeof to === 'bigint') {
      if (to >= low && to <= high) return to
      throw new OperatorError(`offset ${to} is not in the topic`, `it holds ${low} to ${high}`, ExitCode.usage)
    }
    // A commit outside the log belongs to an older topic of that name.
    const commit = committed?.get(partition) ?? null
    return commit !== null && commit >= low && commit <= high ? commit : low
  }
}

/** What would be read again and what never, before anything is done. Offsets, not records: some hold none. */
function explained(moves: readonly Move[]): string[] {
  let again = 0n
  let never = 0n
  const lines = moves.map(({ partition, from, to, log }) => {
    const begin = from ?? log.low
    // What retention deleted cannot be read again, and a position beyond the end passed nothing.
    const reread = (begin < log.high ? begin : log.high) - to
    const passed = to - (begin > log.low ? begin : log.low)
    if (reread > 0n) again += reread
    if (passed > 0n) never += passed
    const what =
      reread > 0n ? `${counted(reread)} read again` : passed > 0n ? `${counted(passed)} never read` : 'no move'
    return `partition ${partition}: ${from ?? '–'} → ${to}   ${what}`
  })
  const notes = [
    again > 0n
      ? `${counted(again)} read again: what is in the ledger counts as duplicate, and dead letters are tried again`
      : null,
    never > 0n ? `${counted(never)} never read: their lines will be missing in the ledger` : null,
  ]
  return [...lines, ...notes.filter((note) => note !== null)]
}

function chosen(wanted: number[] | undefined, all: number[]): number[] {
  if (!wanted) return all.sort((a, b) => a - b)
  const unknown = wanted.filter((partition) => !all.includes(partition))
  if (unknown.length === 0) return wanted
  throw new OperatorError(
    `the topic has no partition ${unknown.join(', ')}`,
    `it has 0 to ${all.length - 1}`,
    ExitCode.usage,
  )
}
