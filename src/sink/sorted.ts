import type { Decoded } from '../line-items/decode.ts'
import { faultOf } from '../line-items/fault.ts'
import type { Entry } from '../pipeline/sink.ts'
import type { SourceRecord } from '../pipeline/source-record.ts'
import { SinkError } from './classify.ts'
import type { RefusedLines } from './inventory.ts'
import type { Line, Refusal } from './ledger.ts'
import type { Claims, Reason } from './letter.ts'
import type { MappedItem } from './mapping-store.ts'

/** A record on its way to dead_letter. */
export type Rejected = { readonly record: SourceRecord; readonly reason: Reason; readonly claims: Claims }

/** The records of a batch by what is to be done with them; each in order of arrival. */
export type Sorted = {
  readonly lines: readonly Line[]
  readonly rejected: readonly Rejected[]
  readonly ignored: readonly SourceRecord[]
}

export type Mapped = {
  readonly items: ReadonlyMap<SourceRecord, MappedItem>
  /** Of the mappings that gave these items; null: no line needed one. */
  readonly version: bigint | null
  /** Lines whose item or mapping the database refuses. */
  readonly unmapped: RefusedLines
  /** Lines that could stand for several items, when that is for a person to say. */
  readonly ambiguous: ReadonlySet<SourceRecord>
}

/** `overflowing`: lines that the quantity on hand cannot take; like the unmapped ones they go no further. */
export function sortEntries(
  entries: readonly Entry<Decoded>[],
  { items, unmapped, ambiguous }: Omit<Mapped, 'version'>,
  overflowing: RefusedLines,
): Sorted {
  const sorted = { lines: [] as Line[], rejected: [] as Rejected[], ignored: [] as SourceRecord[] }
  for (const { record, decoded } of entries) {
    switch (decoded.kind) {
      case 'line-item': {
        const { lineItem } = decoded
        const refused = unmapped.get(record)
        if (refused !== undefined) {
          sorted.rejected.push(rejectedOf({ line: { record, lineItem }, code: 'ROW_REJECTED', sqlstate: refused }))
          break
        }
        if (ambiguous.has(record)) {
          sorted.rejected.push(rejectedOf({ line: { record, lineItem }, code: 'MAPPING_AMBIGUOUS', sqlstate: null }))
          break
        }
        const item = items.get(record)
        if (item === undefined) throw new SinkError('fatal', 'MAPPING_INCOMPLETE', 'a line was left without an item')
        const line = { record, lineItem, itemId: item.itemId, mappingId: item.mappingId }
        const sqlstate = overflowing.get(record)
        if (sqlstate === undefined) sorted.lines.push(line)
        else sorted.rejected.push(rejectedOf({ line, code: 'AGGREGATE_OVERFLOW', sqlstate }))
        break
      }
      case 'rejected':
        sorted.rejected.push({ record, reason: { ...decoded.fault, sqlstate: null }, claims: decoded.claimed })
        break
      case 'ignored':
        sorted.ignored.push(record)
    }
  }
  return sorted
}

/** A line that was valid until the database saw it. */
type Refused = Omit<Refusal, 'line'> & { readonly line: Pick<Line, 'record' | 'lineItem'> }
export const rejectedOf = ({ line, code, sqlstate }: Refused): Rejected => ({
  record: line.record,
  reason: { ...faultOf(code), sqlstate },
  claims: line.lineItem,
})
