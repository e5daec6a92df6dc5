// Statements that come again are prepared: PostgreSQL parses and plans each once a connection. For a batch of one record that was
// half of all that PostgreSQL did (2.4 of 4.4 ms on a slow machine).
import { LRUCache } from 'lru-cache'

/** Prisma's own statements can be as many as there are batch sizes: each connection keeps what it prepared. */
const MOST = 200
/** Nor a text with a parameter for each value. */
const LONGEST = 8_192

type Query = { readonly sql: string; readonly args: readonly unknown[] }

/** Names for the statements of one pool, from the second time on. */
export function createStatementNames(): (query: Query) => string {
  const names = new Map<string, string>()
  const once = new LRUCache<string, true>({ max: MOST })
  const nameOf = ({ sql, args }: Query) => {
    const known = names.get(sql)
    if (known !== undefined || args.length === 0 || sql.length > LONGEST || names.size >= MOST) return known
    if (once.get(sql)) names.set(sql, `sluice_${names.size}`)
    else once.set(sql, true)
    return names.get(sql)
  }
  // The adapter's type forgets that pg takes undefined: not prepared.
  return nameOf as (query: Query) => string
}
