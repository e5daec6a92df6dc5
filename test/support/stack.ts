// For tests of the lanes `contract` and `integration`: the real services, and a piece of them that nobody else touches.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import type {} from './stack.global.ts'

export const stack = (): { brokers: string[]; postgresUrl: string } => ({
  brokers: inject('kafkaBrokers'),
  postgresUrl: inject('postgresUrl'),
})

/** For topics, groups and transactional ids. */
export const uniqueName = (prefix: string): string => `${prefix}-${randomUUID().slice(0, 8)}`

export type FreshDatabase = { url: string; drop: () => Promise<void> }

/** Brings the empty database at `url` to where the test wants it, and closes its connections. */
export type Migrate = (url: string) => Promise<void>

/**
 * A database of one's own. With `migrate` it is a copy of a template that was migrated once per vitest run; test files
 * share the template by the function's name.
 */
export const freshDatabase = async (migrate?: Migrate): Promise<FreshDatabase> =>
  withMaintenance(async (client) => {
    const name = `${inject('databasePrefix')}${randomUUID().replaceAll('-', '')}`
    const template = migrate ? await migratedTemplate(client, migrate) : 'template0'
    await client.query(`CREATE DATABASE "${name}" TEMPLATE "${template}"`)
    const drop = () =>
      withMaintenance(async (other) => void (await other.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`)))
    return { url: urlOf(name), drop }
  })

/** The lock makes the other test processes wait; the rename makes a template that is there a template that is ready. */
const migratedTemplate = async (client: pg.Client, migrate: Migrate): Promise<string> => {
  if (migrate.name === '')
    throw new Error('freshDatabase: pass a named function, test files share its template by that name')
  const template = `${inject('databasePrefix')}template_${migrate.name}`
  await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [template])
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [template])
    if (rowCount === 0) {
      const unfinished = `${template}_unfinished`
      await client.query(`DROP DATABASE IF EXISTS "${unfinished}" WITH (FORCE)`)
      await client.query(`CREATE DATABASE "${unfinished}" TEMPLATE template0`)
      await migrate(urlOf(unfinished))
      await client.query(`ALTER DATABASE "${unfinished}" RENAME TO "${template}"`)
    }
  } finally {
    await client.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [template])
  }
  return template
}

const urlOf = (database: string): string => {
  const url = new URL(inject('postgresUrl'))
  url.pathname = `/${database}`
  return url.href
}

const withMaintenance = async <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: inject('postgresUrl') })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
