import { loadConfig, type Need } from '../config.ts'
import type { LetterFilter } from '../dead-letters/letter-filter.ts'
import { type Letters, lettersIn, resolveId } from '../letter-jobs.ts'
import { type FilterFlags, filterOf, refuseBoth } from './dlq-options.ts'
import type { Io } from './io.ts'
import { withDatabase } from './with-database.ts'

export type Connected = Letters

/** A count over millions of letters may take a while. */
const STATEMENT_TIMEOUT_MS = 300_000

export async function connected<R>(
  io: Io,
  work: (all: Connected) => Promise<R>,
  needs: readonly Need[] = ['database'],
): Promise<R> {
  const config = loadConfig(io.env, needs)
  const timeouts = { statementTimeoutMs: STATEMENT_TIMEOUT_MS, transactionTimeoutMs: STATEMENT_TIMEOUT_MS }
  return withDatabase(io, { applicationName: 'sluice-dlq', ...timeouts }, (database) =>
    work(lettersIn(config, database)),
  )
}

/** Ids or filters, as they were given. */
export async function selectionOf(
  all: Connected,
  prefixes: readonly string[],
  flags: FilterFlags,
): Promise<LetterFilter> {
  refuseBoth(prefixes, flags)
  if (prefixes.length === 0) return filterOf(flags)
  const ids: string[] = []
  for (const prefix of prefixes) ids.push(await resolveId(all, prefix))
  return { ...filterOf({}), ids: [...new Set(ids)] }
}
