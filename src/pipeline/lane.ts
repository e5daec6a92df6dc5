// One lane: decides when to flush, flushes, moves on. One batch in flight, so a partition's batches never overtake each
// other. Everything that moves a position is in `advance`.
import type { Clock } from '../lib/clock.ts'
import type { Signal } from '../lib/signal.ts'
import type { Wake } from '../lib/wake.ts'
import type { Emit } from '../telemetry/events.ts'
import type { Assignment, Buffer } from './buffer.ts'
import { batchResult } from './batch-result.ts'
import { latenciesOf } from '../lib/latencies.ts'
import { due, msUntilDue } from './flush-policy.ts'
import { initialLimits, type LimitBounds, type Limits, step } from './limits.ts'
import { type SettleDeps, type Settled, settle } from './settle.ts'
import type { Batch } from './sink.ts'
import type { Source } from './source.ts'

export type LaneDeps<D> = {
  lane: number
  buffer: Buffer<D>
  source: Pick<Source, 'commit' | 'seek'>
  clock: Clock
  emit: Emit
  bounds: LimitBounds
  wake: Wake
  freed: Signal
  /** Told when a batch is taken and when it is done with, whatever became of it. */
  flushing: (on: boolean) => void
  settling: SettleDeps<D>
  /** 'hurry': flush whatever is there · 'drain': the same, then end. */
  mode: () => 'steady' | 'hurry' | 'drain'
  gateClosed: () => boolean
}

type Assignments = ReadonlyMap<number, Assignment | undefined>

/** Resolves when drained or aborted; rejects on a fatal fault. */
export async function runLane<D>(deps: LaneDeps<D>): Promise<void> {
  const { lane, buffer, clock, bounds } = deps
  const { abort } = deps.settling
  let limits = initialLimits(bounds)
  let freeSince = -Infinity
  /** Cut off a batch that was too much at once; before anything else, as it is older. */
  let rest: readonly Batch<D>[] = []
  /** As of when the batch was taken, also for what was cut off it: a rewind ends them, and happens once. */
  let assignments: Assignments = new Map()
  while (!abort.aborted) {
    const now = clock.now()
    const state = buffer.lane(lane)
    const [next, ...later] = rest
    const moment = { now, freeSince, draining: deps.mode() !== 'steady' }
    const closed = deps.gateClosed()
    const reason = closed ? null : (next?.reason ?? due(state, limits, moment))
    if (reason === null) {
      if (deps.mode() === 'drain') return
      await deps.wake.wait(closed ? null : msUntilDue(state, limits, moment))
      continue
    }
    const batch = next ?? buffer.take(lane, limits, reason)
    if (!next) assignments = new Map(batch.parts.map(({ partition }) => [partition, buffer.assignment(partition)]))
    buffer.inFlight(lane, [batch, ...later])
    const settled = await flush(batch, assignments, deps)
    rest = [...settled.rest, ...later]
    buffer.inFlight(lane, rest)
    freeSince = clock.now()
    const durationMs = freeSince - now
    const backlog = reason === 'size' || reason === 'bytes'
    limits = step(limits, { durationMs, backlog, failed: settled.attempts > 1 }, bounds)
    report(settled, durationMs, limits, deps)
  }
}

async function flush<D>(
  batch: Batch<D>,
  assignments: Assignments,
  { buffer, ...deps }: LaneDeps<D>,
): Promise<Settled<D>> {
  deps.flushing(true)
  try {
    const settled = await settle(batch, deps.settling)
    advance(settled, assignments, { buffer, ...deps })
    // Without a result the partitions were lost, and their new owners read them again; aborted, the records count as left.
    if (settled.result || !deps.settling.abort.aborted) buffer.release(without(batch, settled.rest))
    return settled
  } finally {
    deps.flushing(false)
    deps.freed.fire()
  }
}

/** The size of what was settled, or lost, of a batch. */
const without = <D>(batch: Batch<D>, rest: readonly Batch<D>[]) => ({
  records: rest.reduce((left, { entries }) => left - entries.length, batch.entries.length),
  bytes: rest.reduce((left, { bytes }) => left - bytes, batch.bytes),
})

/** Compares where the sink is with where the batch expected it ("lock and compare"), then commits. */
function advance<D>(
  { batch, result }: Settled<D>,
  assignments: Assignments,
  { buffer, source, emit }: Pick<LaneDeps<D>, 'buffer' | 'source' | 'emit'>,
) {
  if (!result) return
  for (const { partition, from, to } of batch.parts) {
    const position = result.positions.get(partition)
    if (position === undefined) continue
    // Below `from`, but the partition was lost meanwhile: it is somebody else's, or a new assignment that loaded its own
    // position.
    const assignment = buffer.assignment(partition)
    if (position < from && assignment && assignment === assignments.get(partition)) {
      emit({ type: 'rewound', partition, from, position })
      buffer.rewind(partition, position)
      source.seek(partition, position)
      continue
    }
    if (position > to) emit({ type: 'overtaken', partition, from, position })
    // Also for a written part: a partition regained meanwhile may have been loaded before this write.
    buffer.purge(partition, position)
  }
  source.commit(result.positions)
}

function report<D>({ batch, result, attempts }: Settled<D>, durationMs: number, limits: Limits, deps: LaneDeps<D>) {
  if (!result) return
  const { inserted, duplicates, deadLettered, ignored } = result
  // Not what was rewound: it is read again.
  const open = new Set(
    batch.parts.flatMap(({ partition, to }) => ((result.positions.get(partition) ?? -1n) < to ? partition : [])),
  )
  const settled = open.size === 0 ? batch.entries : batch.entries.filter(({ record }) => !open.has(record.partition))
  const wall = deps.clock.wall()
  deps.emit({
    type: 'flushed',
    lane: deps.lane,
    reason: batch.reason,
    records: batch.entries.length,
    bytes: batch.bytes,
    attempts,
    ...{ inserted, duplicates, deadLettered, ignored },
    alreadySettled: Math.max(0, settled.length - inserted - duplicates - deadLettered - ignored),
    latencies: latenciesOf(settled, ({ record }) => wall - record.timestamp),
    result: batchResult(result, durationMs),
    limits: { records: limits.records, ageMs: limits.ageMs },
    buffered: deps.buffer.held.records,
  })
}
