// ops/roles.sql gives the consumer what it needs, and no more.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Lease } from '../../src/dead-letters/relay.ts'
import { faultOf } from '../../src/line-items/fault.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createCorrections } from '../../src/sink/mapping-change.ts'
import { createMappingReads } from '../../src/sink/mapping-reads.ts'
import { checkSchema } from '../../src/sink/migrate.ts'
import { createOutbox } from '../../src/sink/outbox.ts'
import { batchOf, entryOf, GROUP, lineItem, openSink, type OpenSink, openTestDatabase, linesAt, recordAt, startAt, type TestDatabase } from '../support/sink.ts' // prettier-ignore

const login = `sluice_test_${randomBytes(4).toString('hex')}`
const operator = `${login}_operator`
let db: TestDatabase
let open: OpenSink
let desk: OpenSink

beforeAll(async () => {
  db = await openTestDatabase()
  await db.query(await readFile(new URL('../../ops/roles.sql', import.meta.url), 'utf8'))
  await db.query(`CREATE ROLE ${login} LOGIN PASSWORD 'secret' IN ROLE sluice_consumer`)
  const url = new URL(db.url)
  url.username = login
  url.password = 'secret'
  open = openSink(url.href)
  await db.query(`CREATE ROLE ${operator} LOGIN PASSWORD 'secret' IN ROLE sluice_operator`)
  url.username = operator
  desk = openSink(url.href)
})
afterAll(async () => {
  await open.close()
  await desk.close()
  await db.query(`DROP ROLE ${login}`)
  await db.query(`DROP ROLE ${operator}`)
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

it('sluice_operator can correct mappings, and the consumer sees it', async () => {
  const line = (sku: string) => lineItem({ sku, description: null, quantity: '2' })
  await startAt(open, [1])
  await open.sink.write(batchOf(linesAt(1, 0n, [line('A'), line('B')])))
  const corrections = createCorrections({ database: desk.database, clock: systemClock, actor: 'jane', reason: null })
  const { toItem, fromItem } = await corrections.assign('u-1', 'sku:A', { name: 'anew' })
  const merged = await corrections.merge('u-1', toItem, fromItem)
  await corrections.undo('u-1', merged.id)
  await open.sink.write(batchOf(linesAt(1, 2n, [line('A')])))
  expect(await createMappingReads(desk.database).item('u-1', toItem)).toMatchObject({ onHand: '4.000000' })
})

it.each([
  'UPDATE ledger_entry SET quantity = 1',
  'DELETE FROM ledger_entry',
  'DELETE FROM item_mapping',
  'DELETE FROM mapping_change',
  'DELETE FROM inventory',
  "UPDATE audit_entry SET actor = 'nobody'",
])('sluice_operator may not: %s', async (sql) => {
  await expect(desk.database.client().$executeRawUnsafe(sql)).rejects.toMatchObject({
    meta: { driverAdapterError: { cause: { originalCode: '42501' } } },
  })
})

it.each([
  'UPDATE ledger_entry SET item_id = 1',
  'INSERT INTO mapping_change (actor, user_id) VALUES (NULL, NULL)',
  'DELETE FROM inventory',
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
