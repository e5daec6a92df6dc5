// The dead letters of a batch, written in its transaction: a new row, or the row of the same record when offsets were
// reset; and letters that are resolved, as their record succeeded when it was read again.
import { statusesThatTake } from '../dead-letters/life-cycle.ts'
import { isolate } from '../pipeline/isolate.ts'
import type { SourceRecord } from '../pipeline/source-record.ts'
import { textArray } from './array-literal.ts'
import { type Budget, createAttempts } from './attempts.ts'
import { bareLetter } from './letter.ts'
import { upsertDeadLetters } from './statements.ts'
import type { DeadLetterInput, Tx } from './writer.ts'

/**
 * A letter must never be what the database refuses, or its record could be settled by nothing: the last resort is a letter
 * without bytes and claims (coordinates, code and hash). When even that is refused the fault is thrown.
 */
export async function writeLetters(tx: Tx, letters: readonly DeadLetterInput[], budget: Budget): Promise<void> {
  if (letters.length === 0) return
  const sorted = letters.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const upsert = (some: readonly DeadLetterInput[]) => upsertDeadLetters(tx, some)
  const { refused } = await isolate(sorted, createAttempts(tx, { name: 'letters', budget, store: upsert }))
  for (const { item } of refused) await upsert([bareLetter(item)])
}

/** Records that are read again: partitions whose position was set back know up to where (`reread_below`). */
export async function resolveReread(
  tx: Tx,
  written: readonly SourceRecord[],
  { rereadBelow, idOf }: { rereadBelow: ReadonlyMap<number, bigint>; idOf: (record: SourceRecord) => string },
): Promise<void> {
  const again = written.filter(({ partition, offset }) => offset < (rereadBelow.get(partition) ?? 0n))
  if (again.length === 0) return
  const sql = `
    WITH mine AS MATERIALIZED (
      SELECT id FROM dead_letter WHERE id = ANY ($1::text[]) AND status = ANY ($2::text[]) ORDER BY id FOR UPDATE
    )
    UPDATE dead_letter d SET status = 'resolved', resolved_at = now() FROM mine WHERE d.id = mine.id`
  await tx.$executeRawUnsafe(sql, textArray(again.map(idOf)), textArray(statusesThatTake('written')))
}
