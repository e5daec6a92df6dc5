import type { Named } from '../line-items/mapping-name.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { shellWord } from '../lib/shell-word.ts'
import type { Database } from '../sink/database.ts'
import { createMappingReads, type MappingReads, type MappingView } from '../sink/mapping-reads.ts'
import type { Io } from './io.ts'
import { withDatabase } from './with-database.ts'

export type Connected = { readonly database: Database; readonly reads: MappingReads }

/** A million rows of one item move in half a minute; a large ledger takes long to read. */
const TIMEOUT_MS = 3_600_000

export const connected = <R>(io: Io, work: (all: Connected) => Promise<R>): Promise<R> =>
  withDatabase(
    io,
    { applicationName: 'sluice-mapping', statementTimeoutMs: TIMEOUT_MS, transactionTimeoutMs: TIMEOUT_MS },
    (database) => work({ database, reads: createMappingReads(database) }),
  )

const usage = (message: string, mend: string) => new OperatorError(message, mend, ExitCode.usage)

export async function keyOf({ reads }: Connected, userId: string, named: Named): Promise<MappingView> {
  if (named.kind === 'item')
    throw usage(`item:${named.itemId} is an item, not a key`, 'a merge moves all keys of an item')
  const found = await reads.byKeys(userId, named.keys)
  if (found) return found
  throw usage(
    `user ${userId} has no mapping of ${named.keys.join(' or ')}`,
    `sluice mapping list --user ${shellWord(userId)} --text …`,
  )
}

/** The item itself, or the one that the key stands for. */
export async function itemOf(all: Connected, userId: string, named: Named) {
  const itemId = named.kind === 'item' ? named.itemId : (await keyOf(all, userId, named)).itemId
  const item = await all.reads.item(userId, itemId)
  if (!item) throw usage(`user ${userId} has no item ${itemId}`, `sluice mapping list --user ${shellWord(userId)}`)
  return item
}
