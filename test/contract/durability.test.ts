import { afterAll, beforeAll, expect, test } from 'vitest'
import { durabilityOff } from '../../src/sink/durability.ts'
import { openSink, openTestDatabase, type TestDatabase } from '../support/sink.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database.close())

/** Also when the server at hand runs without fsync: what a session sets is all that we compare. */
const found = async (setting: 'on' | 'off') => {
  const [{ name } = { name: '' }] = await database.query<{ name: string }>('SELECT current_database() AS name')
  await database.query(`ALTER DATABASE "${name}" SET synchronous_commit = ${setting}`)
  const open = openSink(database.url)
  try {
    return (await durabilityOff(open.database)).includes('synchronous_commit')
  } finally {
    await open.close()
  }
}

test('commits that PostgreSQL may forget are seen, wherever that is set', async () => {
  expect(await found('off')).toBe(true)
  expect(await found('on')).toBe(false)
})
