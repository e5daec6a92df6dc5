// The breaker at work in the sink's transaction: asked when it is known what failed, and before any of it is written.
import { type BreakerLimits, type BreakerMemory, observe, type Trip } from '../pipeline/breaker.ts'
import type { SourceRecord } from '../pipeline/source-record.ts'
import { BatchTooLarge, SinkError } from './classify.ts'
import { type ClosingReason, drawAllowance, type GateVersion } from './gate-store.ts'
import type { OffsetRow } from './statements.ts'
import type { Statements } from './writer.ts'

/** Undoes the transaction; then the gate is closed, in a transaction of its own. */
export class BreakerTripped extends SinkError {
  readonly closing: ClosingReason
  readonly seen: GateVersion
  constructor(closing: ClosingReason, seen: GateVersion) {
    super('held', 'GATE_CLOSED', closing.reason)
    this.closing = closing
    this.seen = seen
  }
}

type Dead = { readonly partition: number; readonly offset: bigint; readonly code: string }

export type BreakerDeps = { readonly groupId: string; readonly limits: BreakerLimits }

/**
 * `records`: all that count (no replays, no tombstones), in order of offset within a partition; `codeOf` is null for one
 * that was written. Returns what to remember of each partition.
 */
export async function askBreaker(
  tx: Statements,
  { groupId, limits }: BreakerDeps,
  { rows, records, codeOf }: Outcome,
): Promise<Map<number, BreakerMemory>> {
  const memories = new Map<number, BreakerMemory>()
  const trips: { partition: number; trip: Trip }[] = []
  const { seen, dead } = look(records, codeOf)
  for (const row of rows) {
    const { memory, trip } = observe(memoryOf(row), seen.get(row.partition) ?? { records: 0, dead: [] }, limits)
    memories.set(row.partition, memory)
    if (trip) trips.push({ partition: row.partition, trip })
  }
  const [first] = trips
  if (!first) return memories

  const { allowance, seen: gate } = await drawAllowance(tx, groupId, dead.length)
  if (allowance < dead.length) {
    // As many of them as an operator allowed may still pass. Step by step: a small allowance must not cut 10,000 records, good
    // ones mostly, into as many transactions.
    if (allowance > 0n)
      throw new BatchTooLarge('ALLOWANCE_TOO_SMALL', Math.max(Number(allowance), Math.ceil(records.length / 8)))
    throw new BreakerTripped(closingOf(first, dead), gate)
  }
  // Allowed ones count in the run (the next in a row closes the gate again), not in the share.
  for (const row of rows) {
    const { records, deadLettered } = memoryOf(row)
    const run = memories.get(row.partition)?.run ?? 0
    memories.set(row.partition, { run, records, deadLettered })
  }
  return memories
}

type Outcome = {
  readonly rows: readonly OffsetRow[]
  readonly records: readonly SourceRecord[]
  readonly codeOf: (record: SourceRecord) => string | null
}

function look(records: Outcome['records'], codeOf: Outcome['codeOf']) {
  const seen = new Map<number, { records: number; dead: number[] }>()
  const dead: Dead[] = []
  for (const record of records) {
    const { partition, offset } = record
    let ofPartition = seen.get(partition)
    if (!ofPartition) seen.set(partition, (ofPartition = { records: 0, dead: [] }))
    const code = codeOf(record)
    if (code !== null) {
      dead.push({ partition, offset, code })
      ofPartition.dead.push(ofPartition.records)
    }
    ofPartition.records += 1
  }
  return { seen, dead }
}

const memoryOf = ({ run, windowRecords, windowDeadLettered }: OffsetRow): BreakerMemory => ({
  run: Number(run),
  records: windowRecords,
  deadLettered: windowDeadLettered,
})

function closingOf({ partition, trip }: { partition: number; trip: Trip }, dead: readonly Dead[]): ClosingReason {
  const inPartition = dead.filter((each) => each.partition === partition)
  const { code, offset } = leading(inPartition)
  const found =
    trip.rule === 'consecutive'
      ? `${trip.found} dead letters in a row (limit ${trip.limit})`
      : `${(trip.found * 100).toFixed(1)} % dead letters (limit ${(trip.limit * 100).toFixed(1)} %)`
  const reason = `${found} in partition ${partition}; most of them ${code}, for example partition ${partition} offset ${offset}`
  return { code, reason, partition, offset, actor: 'breaker' }
}

/** The most frequent code, and the first record with it. */
function leading(dead: readonly Dead[]): { code: string; offset: bigint | null } {
  const counts = new Map<string, number>()
  for (const { code } of dead) counts.set(code, (counts.get(code) ?? 0) + 1)
  const [code = ''] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? []
  return { code, offset: dead.find((each) => each.code === code)?.offset ?? null }
}
