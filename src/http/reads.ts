// What anybody may ask of PostgreSQL: one read at a time, and none for long. Of the two connections for HTTP one is then left
// to what has the token, and to the state of the group.
import type { Clock } from '../lib/clock.ts'
import { sqlstateOf } from '../sink/classify.ts'
import type { Database } from '../sink/database.ts'
import { Refusal } from './refusal.ts'

export type Reads = <R>(
  work: (database: Database) => Promise<R>,
  statementMs?: number,
  /** What to do when it takes longer. */
  remedy?: string,
) => Promise<R>

const STATEMENT_MS = 5_000
const WAIT_MS = 3_000

export function createReads(database: () => Database, clock: Clock): Reads {
  let tail: Promise<void> = Promise.resolve()
  return (work, statementMs = STATEMENT_MS, remedy = 'ask for less of it') => {
    const over = new AbortController()
    let state: 'waits' | 'begun' | 'late' = 'waits'
    const answer = tail.then(() => {
      if (state === 'late') throw busy()
      state = 'begun'
      return limited(database(), work, statementMs, remedy)
    })
    const end = () => over.abort()
    tail = answer.then(end, end)
    const late = clock.sleep(WAIT_MS, over.signal).then(() => {
      if (state === 'begun') return answer
      state = 'late'
      throw busy()
    })
    return Promise.race([answer, late])
  }
}

async function limited<R>(
  database: Database,
  work: (database: Database) => Promise<R>,
  ms: number,
  remedy: string,
): Promise<R> {
  try {
    return await database.transaction(async (tx) => {
      await tx.$executeRawUnsafe(`SET LOCAL statement_timeout = ${ms}`)
      return work({ ...database, client: () => tx, transaction: (inner) => inner(tx) })
    })
  } catch (error) {
    if (sqlstateOf(error) !== '57014') throw error
    throw new Refusal(503, 'SLOW', `PostgreSQL needs more than ${ms / 1000} s for it`, remedy)
  }
}

const busy = () => new Refusal(503, 'BUSY', 'others are reading', 'try again in a moment')
