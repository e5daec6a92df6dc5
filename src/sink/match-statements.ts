// The texts that items were made with, by what a nearly equal text has in common with them; and the words in them.
import type { KnownItem } from '../line-items/mapping.ts'
import { type ItemText, isMatchable, type KnownWord, MOST_NEAR, wordsIn } from '../line-items/matcher.ts'
import { type KeyReader, WHOLE_KEYS } from '../line-items/match-keys.ts'
import { numberArray, textArray } from './array-literal.ts'
import type { Statements } from './writer.ts'

export type UserText = { readonly userId: string; readonly vendorKey: string; readonly text: string }
export type Proposals = {
  readonly texts: readonly (ItemText & KnownItem)[]
  readonly words: readonly KnownWord[]
  /** Queries that have something in common with too many texts: only those of the same words or letters are proposed. */
  readonly crowded: readonly UserText[]
}

/** Everything that `similarity` may take one of the texts for, and how common their words are: one statement for a batch. */
export async function findProposals(
  tx: Statements,
  queries: readonly UserText[],
  reader: KeyReader,
): Promise<Proposals> {
  const keysOf = ({ userId, text }: UserText) => reader.keysOfQuery(userId, text)
  const found = await propose(tx, queries, keysOf)
  if (found.crowded.length === 0) return found
  const whole = await propose(tx, found.crowded, (query) => keysOf(query).slice(0, WHOLE_KEYS))
  return { texts: [...found.texts, ...whole.texts], words: [...found.words, ...whole.words], crowded: found.crowded }
}

type Row = ItemText &
  KnownItem & { readonly word: string | null; readonly items: number; readonly crowded: bigint | null }

/**
 * The planner knows nothing of how rare a key is (it expects a hundredth of the table), hence PLANNED. row_number() bounds what one
 * query gets, as LIMIT would, but that one makes a walk through all texts look cheap; and it keeps the planner from joining the queries
 * with all texts of their users (4 s for 600 queries of 1,700 texts, instead of 40 ms).
 */
async function propose(
  tx: Statements,
  queries: readonly UserText[],
  keysOf: (query: UserText) => readonly number[],
): Promise<Proposals> {
  if (queries.length === 0) return { texts: [], words: [], crowded: [] }
  const sql = `
    WITH near AS MATERIALIZED (
      SELECT q.n, m.* FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS q (user_id, keys, n)
      CROSS JOIN LATERAL (
        SELECT user_id, vendor_key, source_text, item_id, row_number() OVER () AS nth FROM item_mapping
        WHERE match_keys && q.keys::integer[]
      ) m WHERE m.nth <= ${MOST_NEAR + 1} AND m.user_id = q.user_id
    ), crowded AS (
      SELECT n FROM near GROUP BY n HAVING count(*) > ${MOST_NEAR}
    ), proposed AS MATERIALIZED (
      SELECT DISTINCT user_id, vendor_key, source_text, item_id FROM near WHERE n NOT IN (SELECT n FROM crowded)
    ), word AS (
      SELECT * FROM unnest($3::text[], $4::text[]) AS w (user_id, word)
      UNION SELECT user_id, unnest(string_to_array(substr(vendor_key, 6), ' ')) FROM proposed
    )
    SELECT p.user_id AS "userId", p.vendor_key AS "vendorKey", p.source_text AS text, p.item_id AS "itemId", i.sku,
      NULL AS word, 0 AS items, NULL::bigint AS crowded
    FROM proposed p CROSS JOIN LATERAL (SELECT sku FROM item WHERE id = p.item_id LIMIT 1) i
    UNION ALL
    SELECT w.user_id, NULL, NULL, NULL, NULL, w.word, k.items, NULL
    FROM word w CROSS JOIN LATERAL (SELECT items FROM item_word WHERE user_id = w.user_id AND word = w.word LIMIT 1) k
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, NULL, NULL, 0, n FROM crowded`
  const words = queries.flatMap(({ userId, vendorKey }) => wordsIn(vendorKey).map((word) => ({ userId, word })))
  const rows = await tx.$queryRawUnsafe<Row[]>(
    sql,
    textArray(queries.map(({ userId }) => userId)),
    textArray(queries.map((query) => numberArray(keysOf(query)))),
    textArray(words.map(({ userId }) => userId)),
    textArray(words.map(({ word }) => word)),
  )
  return {
    texts: rows.filter(({ word, crowded }) => word === null && crowded === null),
    words: rows.flatMap(({ userId, word, items }) => (word === null ? [] : [{ userId, word, items }])),
    crowded: rows.flatMap(({ crowded }) => (crowded === null ? [] : (queries[Number(crowded) - 1] ?? []))),
  }
}

/** For the statements of this transaction that come after: by the index, and without compiling for a thousandth of the rows. */
export const PLANNED = "set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)"

/** What makes a stored text findable; null for what nothing is matched against: skus, and texts that joined an item. */
export const matchKeysOf = (
  { userId, vendorKey, text }: UserText,
  method: string,
  reader: KeyReader,
): readonly number[] | null => (method === 'fuzzy' || !isMatchable(vendorKey) ? null : reader.keysOfItem(userId, text))

export async function countWords(tx: Statements, texts: readonly UserText[]): Promise<void> {
  const words = texts.flatMap(({ userId, vendorKey }) => wordsIn(vendorKey).map((word) => ({ userId, word })))
  if (words.length === 0) return
  const sql = `
    INSERT INTO item_word AS w (user_id, word, items)
    SELECT user_id, word, count(*) FROM unnest($1::text[], $2::text[]) AS t (user_id, word) GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (user_id, word) DO UPDATE SET items = w.items + excluded.items`
  await tx.$executeRawUnsafe(
    sql,
    textArray(words.map(({ userId }) => userId)),
    textArray(words.map(({ word }) => word)),
  )
}
