// Discarding and purging dead letters: in batches, each a transaction of its own with its line in audit_entry. Locked
// letters are passed by (the relay or the sink has them, for a moment) and met again in the next pass.
import { type Cursor, givenOf, type LetterFilter } from '../dead-letters/letter-filter.ts'
import { statusesThatTake } from '../dead-letters/life-cycle.ts'
import type { Changed } from '../dead-letters/sweep.ts'
import { AUDIT } from './audit-entry.ts'
import type { Database } from './database.ts'
import { beyond, createParams, type Params, statusAfter, statusList, whereOf } from './letter-where.ts'

export type PurgeSelection = { readonly filter: LetterFilter; readonly unpublished: boolean }

export type LetterChanges = {
  countToDiscard(filter: LetterFilter): Promise<number>
  discard(filter: LetterFilter, reason: string, actor: string, after: Cursor | null): Promise<Changed>
  countToPurge(selection: PurgeSelection): Promise<number>
  purge(selection: PurgeSelection, actor: string, after: Cursor | null): Promise<Changed>
}

export const BATCH = 10_000

type Options = { database: Database; groupId: string; batch?: number }

export function createLetterChanges({ database, groupId, batch = BATCH }: Options): LetterChanges {
  const toDiscard = (params: Params, filter: LetterFilter) =>
    `${whereOf(params, groupId, filter)} AND d.status IN ${statusList(statusesThatTake('discard'))}`
  const toPurge = (params: Params, { filter, unpublished }: PurgeSelection) =>
    whereOf(params, groupId, filter) + (unpublished ? '' : ' AND d.published_at IS NOT NULL')

  const count = async (where: (params: Params) => string) => {
    const params = createParams()
    const sql = `SELECT count(*)::integer AS count FROM dead_letter d WHERE ${where(params)}`
    return (await database.client().$queryRawUnsafe<{ count: number }[]>(sql, ...params.values))[0]?.count ?? 0
  }

  type Change = {
    readonly where: (params: Params) => string
    /** The statement on `dead_letter d` and `next`. */
    readonly verb: (params: Params) => string
    readonly action: string
    readonly actor: string
    readonly detail: object
    readonly after: Cursor | null
  }
  const change = ({ where, verb, action, actor, detail, after }: Change): Promise<Changed> =>
    database.transaction(async (tx) => {
      const params = createParams()
      const picked = where(params) + beyond(params, after, '>')
      const sql = `
        WITH next AS MATERIALIZED (
          SELECT d.id, d.created_at FROM dead_letter d WHERE ${picked}
          ORDER BY d.created_at, d.id LIMIT ${params.add(batch, 'integer')} FOR UPDATE SKIP LOCKED
        ), changed AS (${verb(params)} RETURNING 1)
        SELECT (SELECT count(*) FROM changed)::integer AS count, l.created_at AS "createdAt", l.id
        FROM (SELECT created_at, id FROM next ORDER BY created_at DESC, id DESC LIMIT 1) l`
      const [row] = await tx.$queryRawUnsafe<(Cursor & { count: number })[]>(sql, ...params.values)
      if (!row) return { count: 0, next: null }
      const audited = JSON.stringify({ group: groupId, ...detail, count: row.count })
      await tx.$executeRawUnsafe(AUDIT, actor, action, audited)
      return { count: row.count, next: { createdAt: row.createdAt, id: row.id } }
    })

  return {
    countToDiscard: (filter) => count((params) => toDiscard(params, filter)),
    discard: (filter, reason, actor, after) =>
      change({
        where: (params) => toDiscard(params, filter),
        verb: (params) => `UPDATE dead_letter d SET status = ${statusAfter('discard')},
          discard_reason = ${params.add(reason, 'text')} FROM next WHERE d.id = next.id`,
        ...{ action: 'dlq.discard', actor, after, detail: { reason, ...givenOf(filter) } },
      }),
    countToPurge: (selection) => count((params) => toPurge(params, selection)),
    purge: (selection, actor, after) =>
      change({
        where: (params) => toPurge(params, selection),
        verb: () => 'DELETE FROM dead_letter d USING next WHERE d.id = next.id',
        ...{ action: 'dlq.purge', actor, after, detail: givenOf(selection.filter) },
      }),
  }
}
