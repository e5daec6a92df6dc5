import { failpoint } from '../lib/failpoint.ts'
import type { Attempt } from '../pipeline/isolate.ts'
import { BatchTooLarge, classifyError } from './classify.ts'
import type { Statements } from './writer.ts'

/** Enough for one bad record in a hundred of 10,000 (1,529): given back too early, its work is done twice. */
const ATTEMPTS = 2_048
const TIME_MS = 15_000
/** With so many records even all of them bad stay within the attempts, nearly: 2n - 1. */
const PIECE = 512
const SMALLEST = 16
/** Ledger, letters, inventory: a batch without a refused row makes no more. */
const HEALTHY = 3

/** Batches after one with a refused row: another may come soon. */
const CAREFUL = 16

/** Which batches are tried so that refused rows are found at once, instead of at the second try. */
export type Care = { take(): void; isDue(): boolean }

export function createCare(): Care {
  let left = 0
  return {
    take: () => void (left = CAREFUL),
    isDue: () => left > 0 && left-- > 0,
  }
}

export type Budget = {
  spend(): void
  /** The database refused one of them, for a row. */
  refused(): void
  /** Spent on a batch in which it refused any; 0: it did not. */
  isolating(): number
}

/**
 * Bounds what the isolation of one batch may cost; then the batch is given back to be cut smaller. A batch that is mostly
 * bad would take thousands of statements in a transaction that holds locks.
 */
export function createBudget(records: number, now: () => number): Budget {
  let began: number | null = null
  let spent = 0
  let refusals = 0
  return {
    refused: () => void (refusals += 1),
    isolating: () => (refusals > 0 ? spent : 0),
    spend() {
      spent += 1
      began ??= now()
      if (spent > ATTEMPTS && records > PIECE) throw new BatchTooLarge('TOO_MANY_REFUSED', PIECE)
      if (spent > HEALTHY && records > SMALLEST && now() - began > TIME_MS)
        throw new BatchTooLarge('ISOLATION_TOO_SLOW', Math.ceil(records / 8))
    },
  }
}

/**
 * `undoable`: under a savepoint. Without, a refused row ends the transaction and the batch begins anew: two round trips less for
 * the usual batch, which has none.
 */
export type Attempting = { readonly budget: Budget; readonly undoable: boolean }

/**
 * Attempts under one savepoint, for `isolate`: refused = what the database says about a row (its SQLSTATE), and nothing of
 * the attempt is left; anything else (a deadlock, a lost connection) is thrown. The savepoint is used again after a
 * refusal and moved after a success, so that an attempt costs two round trips.
 */
export function createAttempts<T, R>(
  tx: Statements,
  { name, budget, undoable, store }: Attempting & { name: string; store: (items: readonly T[]) => Promise<R> },
): Attempt<T, R, string | null> {
  let savepoint: 'none' | 'clean' | 'behind' = 'none'
  return async (items) => {
    budget.spend()
    if (!undoable) return { ok: true, stored: await store(items) }
    if (savepoint === 'none') await tx.$executeRawUnsafe(`SAVEPOINT ${name}`)
    if (savepoint === 'behind') await tx.$executeRawUnsafe(`RELEASE SAVEPOINT ${name}; SAVEPOINT ${name}`)
    savepoint = 'behind'
    try {
      return { ok: true, stored: await store(items) }
    } catch (error) {
      const { fate, sqlstate } = classifyError(error)
      if (fate !== 'row') throw error
      budget.refused()
      await tx.$executeRawUnsafe(`ROLLBACK TO SAVEPOINT ${name}`)
      savepoint = 'clean'
      failpoint('isolating')
      return { ok: false, fault: sqlstate }
    }
  }
}
