// ops/roles.sql gives the consumer what it needs, and no more.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Lease } from '../../src/dead-letters/relay.ts'
import { faultOf } from '../../src/line-items/fault.ts'
import { checkSchema } from '../../src/sink/migrate.ts'
import { createOutbox } from '../../src/sink/outbox.ts'
import { batchOf, entryOf, GROUP, lineItem, openSink, type OpenSink, openTestDatabase, recordAt, startAt, type TestDatabase } from '../support/sink.ts' // prettier-ignore

const login = `sluice_test_${randomBytes(4).toString('hex')}`
let db: TestDatabase
let open: OpenSink

beforeAll(async () => {
  db = await openTestDatabase()
  await db.query(await readFile(new URL('../../ops/roles.sql', import.meta.url), 'utf8'))
  await db.query(`CREATE ROLE ${login} LOGIN PASSWORD 'secret' IN ROLE sluice_consumer`)
  const url = new URL(db.url)
  url.username = login
  url.password = 'secret'
  open = openSink(url.href)
})
afterAll(async () => {
  await open.close()
  await db.query(`DROP ROLE ${login}`)
  await db.close()
})

it('sluice_consumer can do all that `sluice consume` does', async () => {
  await checkSchema(open.database)
  await startAt(open, [0])
  const claimed = { userId: null, invoiceId: null, lineNumber: null }
  const bad = { kind: 'rejected', fault: faultOf('JSON_INVALID'), claimed } as const
  const item = { kind: 'line-item', lineItem: lineItem({ quantity: '2' }), unknownFields: 0 } as const
  const batch = batchOf([entryOf(recordAt(0, 0n), item), entryOf(recordAt(0, 1n), item), entryOf(recordAt(0, 2n), bad)])
  expect(await open.sink.write(batch)).toMatchObject({ inserted: 1, duplicates: 1, deadLettered: 1 })
  const outbox = createOutbox({ database: open.database, groupId: GROUP })
  const { letters } = (await outbox.claim(10, 1_000)) as Lease
  await outbox.markPublished(letters.map(({ id }) => id))
  expect(await outbox.pending()).toBe(0)
})

it.each([
  'DELETE FROM ledger_entry',
  'UPDATE ledger_entry SET quantity = 1',
  'DELETE FROM dead_letter',
  'DELETE FROM consumer_gate',
  'CREATE TABLE t (a int)',
  'DROP TABLE inventory',
])('sluice_consumer may not: %s', async (sql) => {
  await expect(open.database.client().$executeRawUnsafe(sql)).rejects.toMatchObject({
    meta: { driverAdapterError: { cause: { originalCode: '42501' } } },
  })
})
