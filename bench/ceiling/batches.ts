// Batches as `sluice consume` makes them of a backlog, all of them before the clock starts.
import { createDecode, type Decoded } from '../../src/line-items/decode.ts'
import type { LineItem } from '../../src/line-items/line-item.ts'
import type { Batch, Entry, Part } from '../../src/pipeline/sink.ts'
import { copyText } from '../../src/sink/copy.ts'
import { ledgerEntryColumns } from '../../src/sink/columns.ts'
import { validEvents } from '../support/backlog.ts'

export type Layout = {
  readonly records: number
  readonly batch: number
  readonly partitions: number
  readonly lanes: number
  /** Of so many processes, the which: each has every so many-th partition. */
  readonly processes: number
  readonly process: number
}

/** FNV-1a: the lines of an invoice stay together, as its key keeps them. */
const partitionOf = (key: string, partitions: number): number => {
  let sum = 0x811c9dc5
  for (let at = 0; at < key.length; at++) sum = Math.imul(sum ^ key.charCodeAt(at), 0x01000193)
  return (sum >>> 0) % partitions
}

/** One queue for each lane. */
export function preparedBatches({ records, batch, partitions, lanes, processes, process }: Layout): Batch<Decoded>[][] {
  const decode = createDecode({ now: () => Date.now() })
  const next = Array.from({ length: partitions }, () => 0n)
  const waiting: Entry<Decoded>[][] = Array.from({ length: lanes }, () => [])
  const queues: Batch<Decoded>[][] = Array.from({ length: lanes }, () => [])
  const cut = (lane: number) => {
    const entries = waiting[lane] ?? []
    if (entries.length > 0) queues[lane]?.push({ entries, parts: partsOf(entries), reason: 'size', bytes: 0 })
    waiting[lane] = []
  }
  for (const event of validEvents({ records })) {
    const partition = partitionOf(event.invoiceId, partitions)
    if (partition % processes !== process) continue
    const offset = next[partition] ?? 0n
    next[partition] = offset + 1n
    const decoded = decode({ value: Buffer.from(JSON.stringify(event)) })
    const record = { partition, offset, timestamp: 0, key: null, value: null, headers: [] }
    const lane = Math.floor(partition / processes) % lanes
    if (waiting[lane]?.push({ record, decoded, bytes: 0, arrivedAt: 0 }) === batch) cut(lane)
  }
  for (let lane = 0; lane < lanes; lane++) cut(lane)
  return queues
}

const partsOf = (entries: readonly Entry<Decoded>[]): Part[] => {
  const parts = new Map<number, Part>()
  for (const { record } of entries) {
    const from = parts.get(record.partition)?.from ?? record.offset
    parts.set(record.partition, { partition: record.partition, from, to: record.offset + 1n })
  }
  return [...parts.values()].sort((a, b) => a.partition - b.partition)
}

export const linesOf = ({ entries }: Batch<Decoded>) =>
  entries.flatMap(({ record, decoded }) => (decoded.kind === 'line-item' ? [{ record, line: decoded.lineItem }] : []))

/** Ids for items, as if all were known. */
export function createItemIds() {
  const ids = new Map<string, bigint>()
  return ({ userId, sku, description }: Pick<LineItem, 'userId' | 'sku' | 'description'>): bigint => {
    const key = `${userId} ${sku ?? description?.toLowerCase()}`
    const id = ids.get(key) ?? BigInt(ids.size + 1)
    ids.set(key, id)
    return id
  }
}

const { createdAt: _, ...columns } = ledgerEntryColumns
export const COPY_COLUMNS = Object.values(columns)
  .map(([name]) => name)
  .join(', ')

/** The rows of a batch for COPY, sorted as the sink sorts them. */
export function textOf(batch: Batch<Decoded>, topic: string, itemOf: ReturnType<typeof createItemIds>): Buffer {
  const lines = linesOf(batch).sort((a, b) => (a.line.eventId < b.line.eventId ? -1 : 1))
  const rows = lines.map(({ record, line }) => ({
    ...{ ...line, itemId: itemOf(line), topic, partition: record.partition, recordOffset: record.offset },
  }))
  return Buffer.from(copyText(Object.entries(columns), rows))
}
