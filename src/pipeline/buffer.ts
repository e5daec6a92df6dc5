// Holds the records of all owned partitions in order of arrival, bounded in records and bytes, and cuts batches from
// them. Invariants: held ≤ capacity (but for one record larger than all of it, alone); what is taken of a partition is
// contiguous, in offset order, and never repeated; a part begins where the previous one ended.
// Records stay counted as held while their batch is in flight: release() gives the room back.
import type { Batch, Entry, FlushReason, Part } from './sink.ts'

export type Capacity = { readonly records: number; readonly bytes: number }

/** One lane's view for the flush policy. `oldestAt` is null when nothing waits. */
export type LaneState = {
  readonly records: number
  readonly bytes: number
  readonly oldestAt: number | null
  /** The capacity, of all lanes together, for want of which the last record was refused: nothing more can arrive. */
  readonly full: 'records' | 'bytes' | null
}

type PartitionState = {
  /** Next offset wanted from the source. */
  delivered: bigint
  /** Everything below was put into a batch. */
  taken: bigint
  /** The sink is known to hold everything below. */
  settled: bigint
  queued: number
  /** When `delivered` last moved: how long offsets without a record have waited, when no entry stands for them. */
  deliveredAt: number
}

/** Of a partition that is ours. */
export type Standing = {
  readonly partition: number
  /** The sink is known to hold everything below; null: nobody has said yet where to begin. */
  readonly position: bigint | null
  /** The next offset that we want from the source. */
  readonly next: bigint | null
  /** The timestamp of the first record that the sink does not hold; null: that record is not here. */
  readonly oldestAt: number | null
}

/** Identity of one assignment of a partition: a re-gained partition has another one. */
export type Assignment = object

export type Buffer<D> = ReturnType<typeof createBuffer<D>>

export function createBuffer<D>(capacity: Capacity, lanes = 1) {
  const partitions = new Map<number, PartitionState>()
  const queues: Entry<D>[][] = Array.from({ length: lanes }, () => [])
  const queuedBytes: number[] = queues.map(() => 0)
  const held = { records: 0, bytes: 0 }
  /** By lane: what was taken and is not settled, in order. */
  const flying: (readonly Batch<D>[])[] = queues.map(() => [])
  /** By partition. */
  const admitted = new Map<number, number>()
  let full: LaneState['full'] = null

  const laneOf = (partition: number) => partition % lanes

  function drop(partition: number, below: bigint | null) {
    const lane = laneOf(partition)
    const state = partitions.get(partition)
    full = null
    queues[lane] = (queues[lane] ?? []).filter((entry) => {
      if (entry.record.partition !== partition || (below !== null && entry.record.offset >= below)) return true
      held.records -= 1
      held.bytes -= entry.bytes
      queuedBytes[lane] = (queuedBytes[lane] ?? 0) - entry.bytes
      if (state) state.queued -= 1
      return false
    })
  }

  return {
    held: held as Readonly<typeof held>,
    assign(partition: number, position: bigint) {
      drop(partition, null)
      partitions.set(partition, { delivered: position, taken: position, settled: position, queued: 0, deliveredAt: 0 })
    },
    revoke(partition: number) {
      drop(partition, null)
      partitions.delete(partition)
    },
    next: (partition: number) => partitions.get(partition)?.delivered ?? null,
    settled: (partition: number) => partitions.get(partition)?.settled ?? null,
    assignment: (partition: number): Assignment | undefined => partitions.get(partition),

    /** Room for one more record of this size? A no is remembered until room comes free (see LaneState.full). */
    fits(bytes: number): boolean {
      if (held.records === 0) return true
      if (held.records >= capacity.records) full = 'records'
      else if (held.bytes + bytes > capacity.bytes) full = 'bytes'
      else return true
      return false
    },
    /** The caller asked `fits` first. The record's offset must not be below `next`. */
    push(entry: Entry<D>) {
      const { partition, offset } = entry.record
      const state = partitions.get(partition)
      if (!state || offset < state.delivered) throw new Error('buffer: record of no assignment, or out of order')
      const lane = laneOf(partition)
      queues[lane]?.push(entry)
      queuedBytes[lane] = (queuedBytes[lane] ?? 0) + entry.bytes
      held.records += 1
      held.bytes += entry.bytes
      admitted.set(partition, (admitted.get(partition) ?? 0) + 1)
      state.queued += 1
      state.delivered = offset + 1n
      state.deliveredAt = entry.arrivedAt
    },
    advance(partition: number, position: bigint, now: number) {
      const state = partitions.get(partition)
      if (!state || position <= state.delivered) return
      state.delivered = position
      state.deliveredAt = now
    },

    lane(lane: number): LaneState {
      const queue = queues[lane] ?? []
      let oldestAt = queue[0]?.arrivedAt ?? null
      for (const [partition, { queued, taken, delivered, deliveredAt }] of partitions) {
        if (queued > 0 || taken === delivered || laneOf(partition) !== lane) continue
        if (oldestAt === null || deliveredAt < oldestAt) oldestAt = deliveredAt
      }
      return { records: queue.length, bytes: queuedBytes[lane] ?? 0, oldestAt, full }
    },

    /** Records that came in, ever, by partition. */
    admitted: () => admitted as ReadonlyMap<number, number>,
    /** The last record was refused for want of room. */
    full: () => full !== null,
    /** What of a lane was taken and is not settled. Told by the lane; here it is only looked at. */
    inFlight(lane: number, batches: readonly Batch<D>[]) {
      flying[lane] = batches
    },
    /** For whoever asks how old the oldest record is: one walk over what is held. */
    standings(): Standing[] {
      const oldest = new Map<number, number>()
      const note = ({ record: { partition, timestamp } }: Entry<D>) => {
        if (!oldest.has(partition)) oldest.set(partition, timestamp)
      }
      for (const { entries } of flying.flat())
        for (const entry of entries) {
          const state = partitions.get(entry.record.partition)
          // Not what another piece of the batch has settled, nor what was taken before a rewind.
          if (state && entry.record.offset >= state.settled && entry.record.offset < state.taken) note(entry)
        }
      for (const queue of queues)
        for (const entry of queue) {
          if (oldest.size === partitions.size) break
          note(entry)
        }
      return [...partitions].map(([partition, { settled, delivered }]) => ({
        partition,
        position: settled,
        next: delivered,
        oldestAt: oldest.get(partition) ?? null,
      }))
    },

    /** Cuts a batch of at most `limits` (one record always fits) from the front of a lane. */
    take(lane: number, limits: Capacity, reason: FlushReason): Batch<D> {
      const queue = queues[lane] ?? []
      let bytes = 0
      let count = 0
      const last = new Map<number, bigint>()
      for (const entry of queue) {
        if (count > 0 && (count >= limits.records || bytes + entry.bytes > limits.bytes)) break
        bytes += entry.bytes
        count += 1
        last.set(entry.record.partition, entry.record.offset)
        const state = partitions.get(entry.record.partition)
        if (state) state.queued -= 1
      }
      const entries = queue.splice(0, count)
      queuedBytes[lane] = (queuedBytes[lane] ?? 0) - bytes
      const parts: Part[] = []
      for (const [partition, state] of partitions) {
        if (laneOf(partition) !== lane) continue
        const lastOffset = last.get(partition)
        // With nothing left of it the part also settles the record-less offsets behind its last record.
        const to = state.queued === 0 ? state.delivered : lastOffset === undefined ? state.taken : lastOffset + 1n
        if (to <= state.taken) continue
        parts.push({ partition, from: state.taken, to })
        state.taken = to
      }
      parts.sort((a, b) => a.partition - b.partition)
      return { entries, parts, reason, bytes }
    },

    /** The batch's records are settled, or not ours any more: their room is free again. */
    release({ records, bytes }: Capacity) {
      held.records -= records
      held.bytes -= bytes
      full = null
    },
    /** Everything below `position` is settled, by us or by somebody else: what is still here of it is dropped. */
    purge(partition: number, position: bigint) {
      const state = partitions.get(partition)
      if (state && position > state.settled) state.settled = position
      if (!state || position <= state.taken) return
      drop(partition, position)
      state.taken = position
      if (position > state.delivered) state.delivered = position
    },
    /** Start over at `position`: drop everything of the partition. */
    rewind(partition: number, position: bigint) {
      if (partitions.has(partition)) this.assign(partition, position)
    },
  }
}
