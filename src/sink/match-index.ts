// Makes texts that an earlier version stored findable by texts that are nearly the same. Until then they are found as they
// are, only: nothing is wrong meanwhile, but a near text makes an item of its own. Can run beside members, and again.
import { keysOfItem } from '../line-items/match-keys.ts'
import { readText } from '../line-items/words.ts'
import { numberArray, textArray } from './array-literal.ts'
import type { Database } from './database.ts'
import { lockUsers } from './mapping-statements.ts'
import { countWords, type UserText } from './match-statements.ts'

const PAGE = 2_000

/** Returns how many texts it took in. */
export async function indexTexts(database: Database): Promise<number> {
  let after: Pick<UserText, 'userId' | 'vendorKey'> = { userId: '', vendorKey: '' }
  let taken = 0
  for (;;) {
    const page = await database.client().$queryRawUnsafe<UserText[]>(
      `SELECT user_id AS "userId", vendor_key AS "vendorKey", coalesce(source_text, substr(vendor_key, 6)) AS text
       FROM item_mapping WHERE (user_id, vendor_key) > ($1, $2) AND vendor_key LIKE 'text:%' AND method IN ('created', 'exact')
         AND match_keys IS NULL ORDER BY user_id, vendor_key LIMIT ${PAGE}`,
      ...[after.userId, after.vendorKey],
    )
    const last = page.at(-1)
    if (!last) return taken
    taken += await database.transaction((tx) => take(tx, page))
    after = last
  }
}

type Tx = Parameters<typeof countWords>[0]

/** Those that nobody took in meanwhile; their words are counted once. */
async function take(tx: Tx, page: readonly UserText[]): Promise<number> {
  await lockUsers(tx, [...new Set(page.map(({ userId }) => userId))])
  const updated = await tx.$queryRawUnsafe<Pick<UserText, 'userId' | 'vendorKey'>[]>(
    `UPDATE item_mapping m SET match_keys = n.match_keys::integer[]
     FROM unnest($1::text[], $2::text[], $3::text[]) AS n (user_id, vendor_key, match_keys)
     WHERE m.user_id = n.user_id AND m.vendor_key = n.vendor_key AND m.match_keys IS NULL
     RETURNING m.user_id AS "userId", m.vendor_key AS "vendorKey"`,
    textArray(page.map(({ userId }) => userId)),
    textArray(page.map(({ vendorKey }) => vendorKey)),
    textArray(page.map(({ userId, text }) => numberArray(keysOfItem(userId, readText(text))))),
  )
  await countWords(
    tx,
    updated.map((row) => ({ ...row, text: '' })),
  )
  return updated.length
}
