import type { Batch, Entry, Part } from './sink.ts'

/** Batches of at most `records` that settle the same records and offsets, in the same order. */
export function cut<D>(batch: Batch<D>, records: number): [Batch<D>, ...Batch<D>[]] {
  const pieces: Batch<D>[] = []
  let rest = batch
  while (rest.entries.length > records) {
    const [piece, remainder] = split(rest, records)
    pieces.push(piece)
    rest = remainder
  }
  const [first = rest, ...others] = [...pieces, rest]
  return [first, ...others]
}

function split<D>(batch: Batch<D>, at: number): [Batch<D>, Batch<D>] {
  const head = batch.entries.slice(0, at)
  const tail = batch.entries.slice(at)
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
