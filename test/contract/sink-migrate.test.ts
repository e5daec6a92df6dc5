import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OperatorError } from '../../src/lib/operator-error.ts'
import { createDatabase } from '../../src/sink/database.ts'
import { checkSchema, migrate } from '../../src/sink/migrate.ts'
import { freshDatabase, type FreshDatabase } from '../support/stack.ts'

const folder = new URL('../../prisma/migrations/', import.meta.url)
const migrations = async () =>
  (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name)

describe('migrate', () => {
  let fresh: FreshDatabase
  const query = async (sql: string): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client({ connectionString: fresh.url })
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows
    } finally {
      await client.end()
    }
  }
  const check = async () => {
    const database = createDatabase({ url: fresh.url, poolSize: 1, writer: 'fast' })
    try {
      return await checkSchema(database).then(
        () => 'ok',
        (error: unknown) => error,
      )
    } finally {
      await database.close()
    }
  }
  beforeEach(async () => {
    fresh = await freshDatabase()
  })
  afterEach(() => fresh.drop())

  it('makes the tables, says what it did, and has nothing to do the second time', async () => {
    expect(await check()).toMatchObject({ name: 'OperatorError', remedy: 'run `sluice migrate`' })
    const names = await migrations()
    expect(await migrate(fresh.url)).toEqual({ applied: names })
    expect(await check()).toBe('ok')
    expect(await migrate(fresh.url)).toEqual({ applied: [] })
  })

  it('leaves _prisma_migrations as `prisma migrate deploy` would: its checksum, its columns, everything finished', async () => {
    await migrate(fresh.url)
    const rows = await query('SELECT * FROM _prisma_migrations ORDER BY migration_name')
    const expected = await Promise.all(
      (await migrations()).map(async (name) => ({
        migration_name: name,
        checksum: createHash('sha256').update(await readFile(new URL(`${name}/migration.sql`, folder))).digest('hex'), // prettier-ignore
        applied_steps_count: 1,
        rolled_back_at: null,
        logs: null,
      })),
    )
    expect(rows).toMatchObject(expected)
    for (const row of rows) expect(row['finished_at']).toBeInstanceOf(Date)
  })

  it('of two at once, one does it and the other waits', async () => {
    const results = await Promise.all([migrate(fresh.url), migrate(fresh.url)])
    expect(results.flatMap((result) => result.applied)).toEqual(await migrations())
  })

  it('applies a migration as a whole or not at all', async () => {
    // The last table of the first migration is in the way.
    await query('CREATE TABLE audit_entry (id int)')
    await expect(migrate(fresh.url)).rejects.toBeInstanceOf(OperatorError)
    expect(await query("SELECT tablename FROM pg_tables WHERE tablename = 'item'")).toEqual([])
  })

  it('says that a migration is missing', async () => {
    await migrate(fresh.url)
    await query('UPDATE _prisma_migrations SET finished_at = NULL')
    expect(await check()).toMatchObject({ name: 'OperatorError', remedy: 'run `sluice migrate`' })
  })

  it('says how to create a database that does not exist, and never the password', async () => {
    const url = new URL(fresh.url)
    url.pathname = '/not_there'
    url.password = 'Geh3im'
    const error = await migrate(url.href).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(OperatorError)
    const { message, remedy } = error as OperatorError
    // With password authentication the server speaks of the password first.
    expect(`${message} ${remedy}`).toMatch(/createdb not_there|refuses the password/)
    expect(`${message} ${remedy}`).not.toContain('Geh3im')
  })

  it('puts aside what resets of older releases forgot, so that the counters add up to the ledger; nothing else', async () => {
    const [init, failures] = await Promise.all(
      ['20261122000000_init', '20261125000000_failures'].map((name) => readFile(new URL(`${name}/migration.sql`, folder), 'utf8')),
    ) // prettier-ignore
    await query(init!)
    const entries = (topic: string, count: number) =>
      query(`INSERT INTO ledger_entry SELECT gen_random_uuid(), 'u-1', 1, 'I-1', 1, 1, 1, 'GBP', now(), '', '${topic}', 0, g
             FROM generate_series(1, ${count}) g`)
    const offset = (group: string, topic: string, inserted: number) =>
      query(`INSERT INTO consumer_offset (group_id, topic, partition, next_offset, start_offset, inserted)
             VALUES ('${group}', '${topic}', 0, ${inserted}, 0, ${inserted})`)
    await entries('was-reset', 10)
    await offset('a', 'was-reset', 3)
    await offset('b', 'was-reset', 2)
    await query(
      `INSERT INTO audit_entry (actor, action, detail) VALUES ('alice', 'offsets.reset', '{"topic": "was-reset"}')`,
    )
    // Damage, which must stay visible.
    await entries('damaged', 5)
    await offset('a', 'damaged', 4)
    await query(failures!)
    expect(await query(`SELECT group_id AS group, topic, inserted, inserted_before AS before FROM consumer_offset ORDER BY 2, 1`))
      .toEqual([
        { group: 'a', topic: 'damaged', inserted: '4', before: '0' },
        { group: 'a', topic: 'was-reset', inserted: '3', before: '5' },
        { group: 'b', topic: 'was-reset', inserted: '2', before: '0' },
      ]) // prettier-ignore
  })
})
