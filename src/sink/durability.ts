// Settings under which PostgreSQL, when it crashes, forgets what it said is committed. Nothing is lost by it while the topic still
// holds the records: positions and rows go back together. But whoever shortens retention has to know.
import type { Database } from './database.ts'

/** Those that are off on our connections, by name. fsync and full_page_writes may cost the whole database, not its last moments. */
export async function durabilityOff(database: Database): Promise<string[]> {
  const sql = `SELECT name FROM pg_settings
    WHERE name IN ('synchronous_commit', 'fsync', 'full_page_writes') AND setting = 'off' ORDER BY name`
  const rows = await database.client().$queryRawUnsafe<{ name: string }[]>(sql)
  return rows.map(({ name }) => name)
}
