import { type Config, loadConfig, type Need } from '../config.ts'
import type { LetterFilter } from '../dead-letters/letter-filter.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import type { Database } from '../sink/database.ts'
import { createLetterStore, type LetterStore } from '../sink/letter-store.ts'
import { type FilterFlags, filterOf, refuseBoth } from './dlq-options.ts'
import type { Io } from './io.ts'
import { withDatabase } from './with-database.ts'

export type Connected = { readonly config: Config; readonly database: Database; readonly store: LetterStore }

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
    work({ config, database, store: createLetterStore({ database, groupId: config.groupId }) }),
  )
}

const SHOWN = 4

/** The one letter whose id begins so. */
export async function resolveId({ store, config }: Connected, prefix: string): Promise<string> {
  const [first, ...others] = await store.idsWithPrefix(prefix, SHOWN)
  if (first === undefined)
    throw new OperatorError(
      `group ${config.groupId} has no dead letter ${prefix}`,
      '`sluice dlq list` shows them; KAFKA_GROUP_ID says whose',
      ExitCode.usage,
    )
  if (others.length === 0) return first
  const ids = [first, ...others].map((id) => id.slice(0, prefix.length + 6))
  throw new OperatorError(
    `${prefix} is the beginning of more than one id: ${ids.join(', ')}${ids.length === SHOWN ? ', …' : ''}`,
    'give more of its digits',
    ExitCode.usage,
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
