// The fuzz lane's short form, with a seed that does not change: `npm run fuzz` is the long one.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FuzzDatabase, openFuzzDatabase } from '../fuzz/database.ts'
import { fuzz } from '../fuzz/fuzz.ts'
import { openTestDatabase, type TestDatabase } from '../support/sink.ts'

let db: TestDatabase
let database: FuzzDatabase
beforeAll(async () => {
  db = await openTestDatabase()
  database = await openFuzzDatabase(db.url)
})
afterAll(async () => {
  await database.close()
  await db.close()
})

test('4,000 hostile records: decode holds its laws, and all that is stored comes back as it was sent', async () => {
  const { cases, accepted, rejected } = await fuzz({ count: 4_000, seed: 1, database })
  expect(cases).toBe(4_000)
  // Otherwise the round trip would prove little.
  expect(accepted / cases).toBeGreaterThan(0.2)
  expect(rejected.size).toBeGreaterThan(15)
})
