// Do the tables agree with one another? Read in one snapshot, while members write: every transaction of theirs keeps what
// is checked here, so a finding is never one half of a flush.
import type { Clock } from '../lib/clock.ts'
import type { Database } from './database.ts'
import { type CheckName, type CheckQuery, CHECKS } from './reconcile-checks.ts'
import { inSnapshot } from './snapshot.ts'
import type { Tx } from './writer.ts'

export type Check = {
  readonly name: CheckName
  readonly what: string
  readonly compared: bigint
  readonly wrong: bigint
  /** The first few that are wrong, by id. */
  readonly examples: readonly string[]
}
export type Reconciliation = {
  /** When the snapshot was taken, by the clock of the database. */
  readonly at: Date
  /** How long it was held; so long no dead row of any table could be removed. */
  readonly heldMs: number
  readonly checks: readonly Check[]
}

const EXAMPLES = 5

type Deps = {
  readonly database: Database
  readonly clock: Pick<Clock, 'now'>
  /** Cancels what runs on the server: it would go on with the snapshot after we are gone. */
  readonly signal: AbortSignal
}

export async function reconcile({ database, clock, signal }: Deps): Promise<Reconciliation> {
  const begun = clock.now()
  const found = await inSnapshot(database, async (tx) => {
    const [session] = await tx.$queryRawUnsafe<{ pid: number; at: Date }[]>(
      'SELECT pg_backend_pid() AS pid, now() AS at',
    )
    const cancel = () =>
      void database
        .client()
        .$queryRawUnsafe('SELECT pg_cancel_backend($1::integer)', session?.pid)
        .catch(() => {})
    signal.addEventListener('abort', cancel)
    try {
      // Sums of many items should not go through files; the planner knows how many there are.
      await tx.$executeRawUnsafe("SET LOCAL work_mem = '64MB'")
      const checks: Check[] = []
      for (const check of CHECKS) {
        signal.throwIfAborted()
        checks.push(await run(tx, check))
      }
      return { at: session?.at ?? new Date(0), checks }
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  })
  return { ...found, heldMs: Math.round(clock.now() - begun) }
}

async function run(tx: Tx, { name, what, sql }: CheckQuery): Promise<Check> {
  const [row] = await tx.$queryRawUnsafe<Pick<Check, 'compared' | 'wrong' | 'examples'>[]>(`
    WITH found AS MATERIALIZED (${sql})
    SELECT coalesce(sum(compared), 0)::bigint AS compared, coalesce(sum(wrong), 0)::bigint AS wrong,
      ARRAY(SELECT example FROM found WHERE wrong > 0 ORDER BY example LIMIT ${EXAMPLES}) AS examples
    FROM found`)
  return { name, what, ...(row ?? { compared: 0n, wrong: 0n, examples: [] }) }
}
