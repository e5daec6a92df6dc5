import type { Batch, Entry, Part } from './sink.ts'

/** Two batches that settle the same records and offsets, in the same order; the first is to be settled first. */
export function halve<D>(batch: Batch<D>): [Batch<D>, Batch<D>] {
  const middle = Math.ceil(batch.entries.length / 2)
  const head = batch.entries.slice(0, middle)
  const tail = batch.entries.slice(middle)
  const lastInHead = new Map(head.map(({ record }) => [record.partition, record.offset]))
  const inTail = new Set(tail.map(({ record }) => record.partition))
  const first: Part[] = []
  const second: Part[] = []
  for (const part of batch.parts) {
    const last = lastInHead.get(part.partition)
    if (last === undefined) second.push(part)
    else if (!inTail.has(part.partition)) first.push(part)
    else {
      first.push({ ...part, to: last + 1n })
      second.push({ ...part, from: last + 1n })
    }
  }
  return [
    { ...batch, entries: head, parts: first, bytes: bytesOf(head) },
    { ...batch, entries: tail, parts: second, bytes: bytesOf(tail) },
  ]
}

const bytesOf = <D>(entries: readonly Entry<D>[]) => entries.reduce((sum, { bytes }) => sum + bytes, 0)
