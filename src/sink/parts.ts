import type { Batch, Entry, Part } from '../pipeline/sink.ts'
import { SinkError } from './classify.ts'

/**
 * Compares a batch with the locked offset rows: `n` = next_offset in the database. What it decides is the whole fence:
 * no clocks, no generations. Two owners may both come here; whoever is second finds n moved.
 */
export type Judgement<D> = {
  /** What is left to write; `from` is n. */
  readonly parts: readonly Part[]
  readonly entries: readonly Entry<D>[]
  readonly positions: ReadonlyMap<number, bigint>
}

export function judge<D>(batch: Batch<D>, nextOffsets: ReadonlyMap<number, bigint>): Judgement<D> {
  const parts: Part[] = []
  const positions = new Map<number, bigint>()
  for (const { partition, from, to } of batch.parts) {
    const n = nextOffsets.get(partition)
    if (n === undefined) throw new SinkError('fatal', 'OFFSET_ROW_MISSING', `partition ${partition} has no offset row`)
    const ours = n >= from && n < to
    positions.set(partition, ours ? to : n)
    if (ours) parts.push({ partition, from: n, to })
  }
  return { parts, positions, entries: entriesWithin(batch, parts) }
}

function entriesWithin<D>(batch: Batch<D>, parts: readonly Part[]): Entry<D>[] {
  const starts = new Map(parts.map((part) => [part.partition, part.from]))
  const claimed = new Map(
    batch.parts.map(({ partition, from, to }) => [partition, { next: from, to, start: starts.get(partition) ?? to }]),
  )
  return batch.entries.filter(({ record: { partition, offset } }) => {
    const part = claimed.get(partition)
    // A record outside its part, or twice, would be settled without being counted.
    if (!part || offset < part.next || offset >= part.to) {
      throw new SinkError('fatal', 'BATCH_INCONSISTENT', `record ${partition}@${offset} does not belong to its part`)
    }
    part.next = offset + 1n
    return offset >= part.start
  })
}
