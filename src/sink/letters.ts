// The dead letters of a batch, written in its transaction: a new row, or the row of the same record when offsets were
// reset; and letters that are resolved, as their record succeeded when it was read again.
import { statusesThatTake } from '../dead-letters/life-cycle.ts'
import { isolate } from '../pipeline/isolate.ts'
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
  const { refused } = await isolate(
    sorted,
    createAttempts(tx, { name: 'letters', budget, undoable: true, store: upsert }),
  )
  for (const { item } of refused) await upsert([bareLetter(item)])
}

/**
 * All at once and sorted, when a batch has several things to do to letters that are there already: each of them sorts its own
 * only, and the relay, which takes its letters in one order, would wait for us crosswise. Resolves to those that exist.
 */
export async function lockLetters(tx: Tx, groupId: string, ids: readonly string[]): Promise<Set<string>> {
  const sql = 'SELECT id FROM dead_letter WHERE group_id = $1 AND id = ANY ($2::text[]) ORDER BY id FOR UPDATE'
  const rows = await tx.$queryRawUnsafe<{ id: string }[]>(sql, groupId, textArray(ids))
  return new Set(rows.map(({ id }) => id))
}

/** Letters whose record was read again, and written now. */
export async function resolveReread(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const sql = `
    WITH mine AS MATERIALIZED (
      SELECT id FROM dead_letter WHERE id = ANY ($1::text[]) AND status = ANY ($2::text[]) ORDER BY id FOR UPDATE
    )
    UPDATE dead_letter d SET status = 'resolved', resolved_at = now() FROM mine WHERE d.id = mine.id`
  await tx.$executeRawUnsafe(sql, textArray(ids), textArray(statusesThatTake('written')))
}
