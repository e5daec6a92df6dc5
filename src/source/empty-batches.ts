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
  return {
    pass({ batchSize, partition, firstOffset, lastOffset }: BatchEvent) {
      const next = intake.next(partition)
      const last = BigInt(lastOffset)
      const first = BigInt(firstOffset ?? lastOffset)
      if (batchSize !== 0 || next === null || last < next) return
      // Sought once at this position and nothing joined since, so this was fetched there: the offsets between are void.
      if (first <= next || soughtBack.get(partition) === next) return intake.advance(partition, last + 1n)
      emit({ type: 'gap', partition, expected: next, fetched: first })
      soughtBack.set(partition, next)
      seek(partition, next)
    },
    /** kafkajs begins at Kafka's commits again. */
    joined: () => soughtBack.clear(),
  }
}
