import { loadConfig } from '../config.ts'
import { createDatabase, type Database, type DatabaseOptions } from '../sink/database.ts'
import { explainDatabaseError } from '../sink/explain.ts'
import { checkSchema } from '../sink/migrate.ts'
import type { Io } from './io.ts'

/** For commands that need PostgreSQL alone: with the tables of this build, or a refusal that says what to do. */
export async function withDatabase<R>(
  io: Io,
  options: Omit<DatabaseOptions, 'url' | 'poolSize' | 'writer'>,
  work: (database: Database) => Promise<R>,
): Promise<R> {
  const { databaseUrl } = loadConfig(io.env, ['database'])
  // One for the work, one to cancel it with.
  const database = createDatabase({ url: databaseUrl, poolSize: 2, writer: 'fast', ...options })
  try {
    await checkSchema(database)
    return await work(database)
  } catch (error) {
    throw explainDatabaseError(error, databaseUrl) ?? error
  } finally {
    await database.close().catch(() => {})
  }
}
