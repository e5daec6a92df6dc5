import { numberArray, textArray } from './array-literal.ts'
import { AUDIT } from './audit-entry.ts'
import type { Part } from '../pipeline/sink.ts'
import type { Database } from './database.ts'
import { lockOffsets, type OffsetRow, type Owner } from './statements.ts'
import { toJson } from '../lib/json.ts'

export type StoredOffset = { readonly nextOffset: bigint; readonly topicId: string | null }
export type NewOffset = StoredOffset & { readonly partition: number }
export type OffsetAccount = NewOffset & {
  readonly startOffset: bigint
  readonly inserted: bigint
  readonly duplicate: bigint
  readonly deadLettered: bigint
  readonly ignored: bigint
  readonly absent: bigint
  readonly skipped: bigint
  /** What `inserted` was before each reset, in all. */
  readonly insertedBefore: bigint
  readonly updatedAt: Date
  /** Since then, by PostgreSQL's clock. */
  readonly stillMs: number
}

/** Where a group stands in its topic. These rows are the truth; what is committed to Kafka follows them. */
export type OffsetStore = {
  load(partitions: readonly number[]): Promise<Map<number, StoredOffset>>
  /** Two members that start at once agree on one row: read it back with load(). */
  insertIfAbsent(rows: readonly NewOffset[]): Promise<void>
  /** Sets positions as an operator chose, with counters from zero, and puts it on record in the same transaction. */
  reset(rows: readonly NewOffset[], actor: string): Promise<void>
  /**
   * Passes the offsets in [from, to) by, counted as skipped, and puts it on record. Null: done. Else nothing was changed, as the
   * position is not `from` but what is returned (undefined: there is no row).
   */
  skip(part: Part, reason: string, actor: string): Promise<{ position: bigint | undefined } | null>
  show(): Promise<OffsetAccount[]>
}

const ACCOUNT = `partition, next_offset AS "nextOffset", start_offset AS "startOffset", topic_id::text AS "topicId",
  inserted, duplicate, dead_lettered AS "deadLettered", ignored, absent, skipped,
  inserted_before AS "insertedBefore", updated_at AS "updatedAt",
  extract(epoch FROM clock_timestamp() - updated_at)::float8 * 1000 AS "stillMs"`
const NEW_OFFSETS = 'unnest($3::integer[], $4::bigint[], $5::uuid[]) AS v (partition, next_offset, topic_id)'
const INSERT = `
  INSERT INTO consumer_offset AS o (group_id, topic, partition, next_offset, start_offset, topic_id)
  SELECT $1, $2, partition, next_offset, next_offset, topic_id FROM ${NEW_OFFSETS} ORDER BY partition`

const UPSERT = `${INSERT}
  ON CONFLICT (group_id, topic, partition) DO UPDATE SET next_offset = excluded.next_offset,
    start_offset = excluded.start_offset, topic_id = excluded.topic_id, updated_at = now(),
    inserted_before = o.inserted_before + o.inserted,
    reread_below = CASE WHEN o.topic_id IS NOT DISTINCT FROM excluded.topic_id
      THEN greatest(o.reread_below, o.next_offset) ELSE 0 END,
    inserted = 0, duplicate = 0, dead_lettered = 0, ignored = 0, absent = 0, skipped = 0,
    dead_letter_run = 0, window_records = 0, window_dead_lettered = 0`

const SKIP = `
  UPDATE consumer_offset SET next_offset = $4::bigint, skipped = skipped + ($4::bigint - next_offset), updated_at = now(),
    dead_letter_run = 0
  WHERE group_id = $1 AND topic = $2 AND partition = $3::integer`

/** What was overwritten, read under the lock. */
function auditOf(owner: Owner, before: readonly OffsetRow[], rows: readonly NewOffset[]): string {
  const old = new Map(before.map((row) => [row.partition, row]))
  const partitions = rows.map(({ partition, nextOffset, topicId }) => ({
    partition,
    from: old.get(partition)?.nextOffset ?? null,
    to: nextOffset,
    topicIdFrom: old.get(partition)?.topicId ?? null,
    topicIdTo: topicId,
  }))
  const detail = { group: owner.groupId, topic: owner.topic, partitions }
  return toJson(detail)
}

export function createOffsetStore({ database, groupId, topic }: Owner & { database: Database }): OffsetStore {
  const arraysOf = (rows: readonly NewOffset[]) => [
    numberArray(rows.map((row) => row.partition)),
    numberArray(rows.map((row) => row.nextOffset)),
    textArray(rows.map((row) => row.topicId)),
  ]
  const select = (where: string, ...values: unknown[]) => {
    const sql = `SELECT ${ACCOUNT} FROM consumer_offset WHERE group_id = $1 AND topic = $2 ${where} ORDER BY partition`
    return database.client().$queryRawUnsafe<OffsetAccount[]>(sql, groupId, topic, ...values)
  }
  return {
    async load(partitions) {
      const rows = await select('AND partition = ANY ($3::integer[])', numberArray(partitions))
      return new Map(rows.map(({ partition, nextOffset, topicId }) => [partition, { nextOffset, topicId }]))
    },
    async insertIfAbsent(rows) {
      if (rows.length === 0) return
      await database.client().$executeRawUnsafe(`${INSERT} ON CONFLICT DO NOTHING`, groupId, topic, ...arraysOf(rows))
    },
    async reset(rows, actor) {
      if (rows.length === 0) return
      await database.transaction(async (tx) => {
        const owner = { groupId, topic }
        const partitions = rows.map((row) => row.partition)
        const before = await lockOffsets(tx, owner, partitions)
        await tx.$executeRawUnsafe(UPSERT, groupId, topic, ...arraysOf(rows))
        await tx.$executeRawUnsafe(AUDIT, actor, 'offsets.reset', auditOf(owner, before, rows))
      })
    },
    skip: ({ partition, from, to }, reason, actor) =>
      database.transaction(async (tx) => {
        const [row] = await lockOffsets(tx, { groupId, topic }, [partition])
        if (row?.nextOffset !== from) return { position: row?.nextOffset }
        await tx.$executeRawUnsafe(SKIP, groupId, topic, partition, to)
        const detail = { group: groupId, topic, partition, from: Number(from), to: Number(to), reason }
        await tx.$executeRawUnsafe(AUDIT, actor, 'offsets.skip', JSON.stringify(detail))
        return null
      }),
    show: () => select(''),
  }
}
