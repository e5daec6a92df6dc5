import type { Database } from './database.ts'
import type { Tx } from './writer.ts'

/** All that `work` reads is of one instant, whatever others write meanwhile; it can write nothing and blocks nobody. */
export const inSnapshot = <R>(database: Database, work: (tx: Tx) => Promise<R>): Promise<R> =>
  database.transaction(async (tx) => {
    await tx.$executeRawUnsafe('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY')
    return work(tx)
  })
