import type { Decoded } from '../line-items/decode.ts'
import type { LineItem } from '../line-items/line-item.ts'
import { isolate } from '../pipeline/isolate.ts'
import type { Batch } from '../pipeline/sink.ts'
import type { SourceRecord } from '../pipeline/source-record.ts'
import type { Budget } from './attempts.ts'
import { classifyError } from './classify.ts'
import type { MappedItem, MappingStore } from './mapping-store.ts'
import type { Mapped } from './sorted.ts'

/** Each attempt is a transaction of the mapping store's own: what the database refuses of it is found like a refused row. */
export async function mapBatch(
  mappings: Pick<MappingStore, 'mapLines'>,
  { entries }: Batch<Decoded>,
  budget: Budget,
): Promise<Mapped> {
  const lines: { record: SourceRecord; lineItem: LineItem }[] = []
  for (const { record, decoded } of entries)
    if (decoded.kind === 'line-item') lines.push({ record, lineItem: decoded.lineItem })
  const items = new Map<SourceRecord, MappedItem>()
  const ambiguous = new Set<SourceRecord>()
  let version: bigint | null = null
  const { refused } = await isolate(lines, async (some) => {
    if (some !== lines) budget.spend()
    try {
      const found = await mappings.mapLines(some.map(({ lineItem }) => lineItem))
      for (const [index, { record }] of some.entries()) {
        const item = found.items[index] ?? null
        if (item === null) ambiguous.add(record)
        else items.set(record, item)
      }
      // Of several, the oldest: what is newer in all of them is not known to be in each.
      version = version !== null && version < found.version ? version : found.version
      return { ok: true, stored: null }
    } catch (error) {
      const { fate, sqlstate } = classifyError(error)
      if (fate !== 'row') throw error
      budget.refused()
      return { ok: false, fault: sqlstate }
    }
  })
  return { items, version, ambiguous, unmapped: new Map(refused.map(({ item, fault }) => [item.record, fault])) }
}

/** After a person changed mappings. Under their lock: or changes that come thick would keep the batch out for ever. */
export async function mapAgain(
  mappings: Pick<MappingStore, 'mapLines' | 'catchUp'>,
  batch: Batch<Decoded>,
  budget: Budget,
): Promise<Mapped> {
  await mappings.catchUp()
  return mapBatch(mappings, batch, budget)
}
