// The sink: settles a batch in ONE transaction, all of it or nothing (design §4). The first statement locks the offset
// rows and compares, the last moves them; what is between takes its locks in one order (statements.ts).
// If the answer to COMMIT is lost, write() throws. Writing the same batch again then finds next_offset ≥ to: it writes
// nothing and reports positions only, so the counts of such a batch are in consumer_offset, not in any WriteResult.
import type { Clock } from '../lib/clock.ts'
import type { Decoded } from '../line-items/decode.ts'
import type { Batch, Sink, WriteResult } from '../pipeline/sink.ts'
import { classifyError, isOversized, SinkError, wantsFreshPool } from './classify.ts'
import type { Database } from './database.ts'
import { moveInventory, type RefusedItem } from './inventory.ts'
import { writeLedger } from './ledger.ts'
import { letterOf } from './letter.ts'
import type { MappingStore } from './mapping-store.ts'
import { judge } from './parts.ts'
import { type ItemIds, rejectedOf, type Sorted, sortEntries } from './sorted.ts'
import { advanceOffsets, lockOffsets, type OffsetRow, type Owner, upsertDeadLetters } from './statements.ts'
import { createTally } from './tally.ts'
import type { Tx } from './writer.ts'

export type SinkDeps = Owner & {
  readonly database: Database
  readonly mappings: Pick<MappingStore, 'mapLines'>
  readonly clock: Pick<Clock, 'wall'>
}

export function createSink(deps: SinkDeps): Sink<Decoded> {
  const { database } = deps
  return {
    async write(batch) {
      const client = database.client()
      try {
        return await settle(deps, batch, await mapBatch(deps, batch))
      } catch (error) {
        if (wantsFreshPool(classifyError(error))) database.recreate(client)
        throw error
      }
    },
    classify(error) {
      const verdict = classifyError(error)
      const { fate, code } = verdict
      // A row fault that gets here was not the fault of one record.
      return { fate: fate === 'row' ? 'fatal' : fate, code, oversized: isOversized(verdict), cause: error }
    },
    probe: () => database.probe(),
  }
}

async function mapBatch({ mappings }: SinkDeps, { entries }: Batch<Decoded>): Promise<ItemIds> {
  const lines = entries.flatMap(({ record, decoded }) =>
    decoded.kind === 'line-item' ? [{ record, lineItem: decoded.lineItem }] : [],
  )
  const itemIds = await mappings.mapLines(lines.map(({ lineItem }) => lineItem))
  return new Map(itemIds.flatMap((itemId, index) => (lines[index] ? [[lines[index].record, itemId]] : [])))
}

/** Thrown out of the transaction to undo it: the ledger must not hold what the inventory cannot. */
class AggregateOverflow extends Error {
  readonly items: readonly RefusedItem[]
  constructor(items: readonly RefusedItem[]) {
    super('the quantity on hand of an item would leave its range')
    this.items = items
  }
}

/** Lines of an item that can take no more become dead letters in another try; each try excludes an item more. */
async function settle(
  deps: SinkDeps,
  batch: Batch<Decoded>,
  itemIds: ItemIds,
  overflowing: readonly RefusedItem[] = [],
): Promise<WriteResult> {
  try {
    return await deps.database.transaction(async (tx) => {
      const partitions = batch.parts.map((part) => part.partition)
      const rows = await lockOffsets(tx, deps, partitions)
      const { parts, entries, positions } = judge(batch, new Map(rows.map((row) => [row.partition, row.nextOffset])))
      const tally = createTally(parts)
      if (parts.length === 0) return { positions, ...tally.total() }

      const outcome = await store(deps, tx, rows, sortEntries(entries, itemIds, overflowing))
      for (const { record } of outcome.inserted) tally.add('inserted', record.partition)
      for (const { record } of outcome.duplicates) tally.add('duplicate', record.partition)
      for (const { record, reason } of outcome.rejected) tally.addDeadLetter(record.partition, reason.code)
      for (const { partition } of outcome.ignored) tally.add('ignored', partition)

      const moved = await advanceOffsets(tx, deps, tally.advances())
      if (moved !== parts.length) throw new SinkError('fatal', 'OFFSET_ROW_MISSING', 'an offset row vanished')
      return { positions, ...tally.total() }
    })
  } catch (error) {
    if (!(error instanceof AggregateOverflow)) throw error
    return settle(deps, batch, itemIds, [...overflowing, ...error.items])
  }
}

async function store(deps: SinkDeps, tx: Tx, rows: readonly OffsetRow[], sorted: Sorted) {
  const { inserted, duplicates, refused } = await writeLedger(tx, deps.topic, sorted.lines)
  const rejected = [...sorted.rejected, ...refused.map(rejectedOf)]
  const topicIds = new Map(rows.map((row) => [row.partition, row.topicId]))
  const failedAt = new Date(deps.clock.wall())
  const letters = rejected.map(({ record, reason, claims }) => {
    const at = { groupId: deps.groupId, topic: deps.topic, topicId: topicIds.get(record.partition) ?? null }
    return letterOf(record, { claims, reason, at, failedAt })
  })
  await upsertDeadLetters(tx, letters)
  const overflowing = await moveInventory(tx, inserted)
  if (overflowing.length > 0) throw new AggregateOverflow(overflowing)
  return { inserted, duplicates, rejected, ignored: sorted.ignored }
}
