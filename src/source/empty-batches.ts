// Batches without a visible record (transaction markers, aborted records) never reach eachBatch: kafkajs passes them by
// itself and tells only in an event. Our position has to follow, or their offsets would look like a gap.
import type { Intake } from '../pipeline/source.ts'
import type { Emit } from '../telemetry/events.ts'

/** The payload of kafkajs's START_BATCH_PROCESS. `firstOffset` is null when the batch holds nothing from the position on. */
export type BatchEvent = { batchSize: number; partition: number; firstOffset: string | null; lastOffset: string }

export type EmptyBatchesDeps = {
  intake: Intake
  emit: Emit
  seek: (partition: number, position: bigint) => void
}

export function createEmptyBatches({ intake, emit, seek }: EmptyBatchesDeps) {
  const soughtBack = new Map<number, bigint>()
  /** Refused while nothing is admitted (the gate is closed, or we drain): kafkajs has passed them, and tells only once. */
  const refused = new Map<number, { from: bigint; to: bigint }>()
  const advance = (partition: number, from: bigint, to: bigint) => {
    intake.advance(partition, to)
    if (intake.next(partition) === from) refused.set(partition, { from, to })
    else refused.delete(partition)
  }
  return {
    pass({ batchSize, partition, firstOffset, lastOffset }: BatchEvent) {
      const next = intake.next(partition)
      const last = BigInt(lastOffset)
      const first = BigInt(firstOffset ?? lastOffset)
      if (batchSize !== 0 || next === null || last < next) return
      // Sought once at this position and nothing joined since, so this was fetched there: the offsets between are void.
      if (first <= next || soughtBack.get(partition) === next) return advance(partition, next, last + 1n)
      emit({ type: 'gap', partition, expected: next, fetched: first })
      soughtBack.set(partition, next)
      seek(partition, next)
    },
    /** What was refused may be admitted by now. */
    again() {
      for (const [partition, { from, to }] of refused)
        if (intake.next(partition) === from) advance(partition, from, to)
        else refused.delete(partition)
    },
    /** What is passed again will be told again. */
    joined() {
      soughtBack.clear()
      refused.clear()
    },
  }
}

export type EmptyBatches = ReturnType<typeof createEmptyBatches>
