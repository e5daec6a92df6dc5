// The statements of the sink's transaction, one function each, in the order in which they take their locks: offset rows,
// ledger ids, dead letters, items; each sorted over the whole batch. (8 writers in random order: 12 of 14 transactions
// deadlocked; sorted: 0 of 9,000.)
import type { Prisma } from '../generated/prisma/client.ts'
import type { ItemQuantity } from '../line-items/inventory.ts'
import { numberArray, textArray } from './array-literal.ts'
import { deadLetterColumns } from './columns.ts'
import { type DeadLetterInput, insertFromUnnest, type LedgerKey, type Tx } from './writer.ts'

export type Owner = { readonly groupId: string; readonly topic: string }
export type OffsetRow = {
  partition: number
  nextOffset: bigint
  topicId: string | null
  /** Below it records are read again. */
  rereadBelow: bigint
  /** The breaker's memory. */
  run: bigint
  windowRecords: number
  windowDeadLettered: number
  gateClosed: boolean
}

/**
 * Every transaction that writes lines holds it shared, from its first statement on; whoever changes mappings holds it alone. So
 * no change is committed between the check of the version (advanceOffsets) and the COMMIT.
 */
export const MAPPINGS_LOCK = 7_215_001

export function lockOffsets(tx: Tx, { groupId, topic }: Owner, partitions: readonly number[]): Promise<OffsetRow[]> {
  const sql = `
    SELECT partition, next_offset AS "nextOffset", topic_id::text AS "topicId", reread_below AS "rereadBelow",
      dead_letter_run AS run, window_records AS "windowRecords", window_dead_lettered AS "windowDeadLettered",
      EXISTS (SELECT FROM consumer_gate WHERE group_id = $1 AND closed_at IS NOT NULL) AS "gateClosed",
      (SELECT pg_advisory_xact_lock_shared(${MAPPINGS_LOCK}) IS NULL) AS unfenced
    FROM consumer_offset WHERE group_id = $1 AND topic = $2 AND partition = ANY ($3::integer[])
    ORDER BY partition FOR UPDATE`
  return tx.$queryRawUnsafe<OffsetRow[]>(sql, groupId, topic, numberArray(partitions))
}

/** Returns the keys of the rows that were not there yet. `rows` are sorted and hold no key twice. */
export function insertLedgerEntries(tx: Tx, rows: Prisma.LedgerEntryCreateManyInput[]): Promise<LedgerKey[]> {
  return tx.ledgerEntry.createManyAndReturn({
    data: rows,
    skipDuplicates: true,
    select: { eventId: true, userId: true },
  })
}

/**
 * Payload hashes (hex) of entries that were there already. This must be a later statement than the insert: that one
 * cannot see a row which was committed while it waited.
 */
export function storedHashes(tx: Tx, keys: readonly LedgerKey[]): Promise<(LedgerKey & { hash: string })[]> {
  const sql = `
    SELECT k.event_id AS "eventId", k.user_id AS "userId", encode(l.payload_hash, 'hex') AS hash
    FROM unnest($1::uuid[], $2::text[]) AS k (event_id, user_id)
    CROSS JOIN LATERAL (
      SELECT payload_hash FROM ledger_entry WHERE event_id = k.event_id AND user_id = k.user_id LIMIT 1
    ) l`
  return tx.$queryRawUnsafe(sql, textArray(keys.map((key) => key.eventId)), textArray(keys.map((key) => key.userId)))
}

const REOPENS = `dead_letter.status = 'resolved' AND dead_letter.replay_count = 0`

/**
 * The same record again (offsets were reset) is the same letter, with its newest reason. `letters` are sorted by id. A
 * letter that a replay resolved stays so: its event is in the ledger.
 */
export async function upsertDeadLetters(tx: Tx, letters: readonly DeadLetterInput[]): Promise<void> {
  const { sql, values } = insertFromUnnest(
    'dead_letter',
    deadLetterColumns,
    letters,
    ` ON CONFLICT (id) DO UPDATE SET seen_count = dead_letter.seen_count + 1, failed_at = excluded.failed_at,
      stage = excluded.stage, code = excluded.code, sqlstate = excluded.sqlstate, path = excluded.path,
      message = excluded.message,
      status = CASE WHEN ${REOPENS} THEN 'open' ELSE dead_letter.status END,
      resolved_at = CASE WHEN ${REOPENS} THEN NULL ELSE dead_letter.resolved_at END`,
  )
  await tx.$executeRawUnsafe(sql, ...values)
}

/** `deltas` are sorted by item. */
export async function addToInventory(tx: Tx, deltas: readonly ItemQuantity[]): Promise<void> {
  if (deltas.length === 0) return
  const sql = `
    INSERT INTO inventory AS i (item_id, quantity) SELECT * FROM unnest($1::bigint[], $2::numeric[])
    ON CONFLICT (item_id) DO UPDATE SET quantity = i.quantity + excluded.quantity`
  const quantities = textArray(deltas.map((delta) => delta.quantity))
  await tx.$executeRawUnsafe(sql, numberArray(deltas.map((delta) => delta.itemId)), quantities)
}

/**
 * The same for stock with rules of its own. PostgreSQL holds the row that an upsert proposes against a CHECK before it finds
 * that the row is there, so that `quantity >= 0` refuses every return: here rows that are there are only updated.
 */
export async function addToPresentInventory(tx: Tx, deltas: readonly ItemQuantity[]): Promise<void> {
  const sql = `
    WITH v AS (SELECT * FROM unnest($1::bigint[], $2::numeric[]) AS v (item_id, delta)),
    present AS MATERIALIZED (
      SELECT i.item_id, v.delta FROM inventory i JOIN v USING (item_id) ORDER BY i.item_id FOR UPDATE OF i
    ),
    moved AS (UPDATE inventory i SET quantity = i.quantity + p.delta FROM present p WHERE i.item_id = p.item_id)
    INSERT INTO inventory AS i (item_id, quantity)
    SELECT item_id, delta FROM v WHERE item_id NOT IN (SELECT item_id FROM present) ORDER BY item_id
    ON CONFLICT (item_id) DO UPDATE SET quantity = i.quantity + excluded.quantity`
  const quantities = textArray(deltas.map((delta) => delta.quantity))
  await tx.$executeRawUnsafe(sql, numberArray(deltas.map((delta) => delta.itemId)), quantities)
}

export type Advance = {
  readonly partition: number
  readonly to: bigint
  readonly inserted: number
  readonly duplicate: number
  readonly deadLettered: number
  readonly ignored: number
  readonly absent: bigint
  readonly run: number
  readonly windowRecords: number
  readonly windowDeadLettered: number
}

/** The version of all mappings. Not in the statement that takes the lock: what it reads is of before it waited. */
const VERSION = 'SELECT coalesce(max(id), 0)::bigint AS version FROM mapping_change'

export async function mappingVersion(tx: Pick<Tx, '$queryRawUnsafe'>): Promise<bigint> {
  const [row] = await tx.$queryRawUnsafe<{ version: bigint }[]>(VERSION)
  return row?.version ?? 0n
}

/**
 * Always the last statement. The CHECK consumer_offset_accounts refuses counters that do not add up. Nothing moves when `mappings`
 * is not the version of all mappings any more (null: no line was mapped).
 */
export async function advanceOffsets(
  tx: Tx,
  { groupId, topic, mappings }: Owner & { readonly mappings: bigint | null },
  advances: readonly Advance[],
): Promise<number> {
  const sql = `
    UPDATE consumer_offset o SET next_offset = v.next_offset, updated_at = now(),
      inserted = o.inserted + v.inserted, duplicate = o.duplicate + v.duplicate,
      dead_lettered = o.dead_lettered + v.dead_lettered, ignored = o.ignored + v.ignored, absent = o.absent + v.absent,
      dead_letter_run = v.run, window_records = v.window_records, window_dead_lettered = v.window_dead_lettered
    FROM unnest($3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
        $10::bigint[], $11::integer[], $12::integer[])
      AS v (partition, next_offset, inserted, duplicate, dead_lettered, ignored, absent,
        run, window_records, window_dead_lettered)
    WHERE o.group_id = $1 AND o.topic = $2 AND o.partition = v.partition
      AND ($13::bigint IS NULL OR $13::bigint = (${VERSION}))`
  const counts = ['partition', 'to', 'inserted', 'duplicate', 'deadLettered', 'ignored', 'absent'] as const
  const fields = [...counts, 'run', 'windowRecords', 'windowDeadLettered'] as const
  const arrays = fields.map((field) => numberArray(advances.map((advance) => advance[field])))
  return tx.$executeRawUnsafe(sql, groupId, topic, ...arrays, mappings)
}
