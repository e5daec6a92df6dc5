// The texts that items were made with, by what a nearly equal text has in common with them; and the words in them.
import type { KnownItem } from '../line-items/mapping.ts'
import { type ItemText, isMatchable, type KnownWord, wordsIn } from '../line-items/matcher.ts'
import type { KeyReader } from '../line-items/match-keys.ts'
import { numberArray, textArray } from './array-literal.ts'
import type { Statements } from './writer.ts'

export type UserText = { readonly userId: string; readonly vendorKey: string; readonly text: string }
export type Proposals = { readonly texts: readonly (ItemText & KnownItem)[]; readonly words: readonly KnownWord[] }
type Row = ItemText & KnownItem & { readonly word: string | null; readonly items: number }

/**
 * Everything that `similarity` may take one of the texts for, and how common their words are: one statement for a batch. The
 * planner knows nothing of how rare a key is (it expects a hundredth of the table), hence PLANNED; and OFFSET 0: else it joins the
 * queries with all texts of their users (4 s for 600 queries of 1,700 texts, instead of 40 ms).
 */
export async function findProposals(
  tx: Statements,
  queries: readonly UserText[],
  reader: KeyReader,
): Promise<Proposals> {
  if (queries.length === 0) return { texts: [], words: [] }
  const sql = `
    WITH proposed AS MATERIALIZED (
      SELECT DISTINCT m.* FROM unnest($1::text[], $2::text[]) AS q (user_id, keys)
      CROSS JOIN LATERAL (
        SELECT user_id, vendor_key, source_text, item_id FROM item_mapping WHERE match_keys && q.keys::integer[] OFFSET 0
      ) m WHERE m.user_id = q.user_id
    ), word AS (
      SELECT * FROM unnest($3::text[], $4::text[]) AS w (user_id, word)
      UNION SELECT user_id, unnest(string_to_array(substr(vendor_key, 6), ' ')) FROM proposed
    )
    SELECT p.user_id AS "userId", p.vendor_key AS "vendorKey", p.source_text AS text, p.item_id AS "itemId", i.sku,
      NULL AS word, 0 AS items
    FROM proposed p CROSS JOIN LATERAL (SELECT sku FROM item WHERE id = p.item_id LIMIT 1) i
    UNION ALL
    SELECT w.user_id, NULL, NULL, NULL, NULL, w.word, k.items
    FROM word w CROSS JOIN LATERAL (SELECT items FROM item_word WHERE user_id = w.user_id AND word = w.word LIMIT 1) k`
  const words = queries.flatMap(({ userId, vendorKey }) => wordsIn(vendorKey).map((word) => ({ userId, word })))
  const rows = await tx.$queryRawUnsafe<Row[]>(
    sql,
    textArray(queries.map(({ userId }) => userId)),
    textArray(queries.map(({ userId, text }) => numberArray(reader.keysOfQuery(userId, text)))),
    textArray(words.map(({ userId }) => userId)),
    textArray(words.map(({ word }) => word)),
  )
  return {
    texts: rows.filter(({ word }) => word === null),
    words: rows.flatMap(({ userId, word, items }) => (word === null ? [] : [{ userId, word, items }])),
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
