// A replayed record tells its letter what became of it, in the transaction that settles it; and so does a record that is
// read again after an offset reset. Never a second letter, never another total.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Decoded } from '../../src/line-items/decode.ts'
import { faultOf } from '../../src/line-items/fault.ts'
import type { Entry } from '../../src/pipeline/sink.ts'
import type { Header } from '../../src/pipeline/source-record.ts'
import { createOutbox } from '../../src/sink/outbox.ts'
import { asLine, batchOf, entryOf, GROUP, lineItem, openSink, type OpenSink, openTestDatabase, recordAt, startAt, type TestDatabase } from '../support/sink.ts' // prettier-ignore

let db: TestDatabase
let open: OpenSink
let next: bigint
const claimed = { userId: 'u-1', invoiceId: 'I', lineNumber: 1 }
const bad: Decoded = { kind: 'rejected', fault: faultOf('JSON_INVALID'), claimed }
const worse: Decoded = { kind: 'rejected', fault: faultOf('QUANTITY_ZERO', '/quantity'), claimed }
const VALUE = Buffer.from('the value')

beforeAll(async () => {
  db = await openTestDatabase()
  open = openSink(db.url, { breaker: { maxConsecutive: 3, maxRatio: 1 } })
})
afterAll(async () => {
  await open.close()
  await db.close()
})
beforeEach(async () => {
  await db.query('TRUNCATE ledger_entry, dead_letter, inventory, consumer_offset, consumer_gate')
  await startAt(open, [0])
  next = 0n
})

const write = (...what: { decoded: Decoded; headers?: Header[]; value?: Buffer }[]) => {
  const entries = what.map(({ decoded, headers = [], value = VALUE }, i) =>
    entryOf(recordAt(0, next + BigInt(i), { headers, value }), decoded),
  )
  next += BigInt(what.length)
  return open.sink.write(batchOf(entries))
}
type Letter = {
  id: string
  status: string
  code: string
  seen_count: number
  replay_count: number
  resolved_at: Date | null
}
const letters = () => db.query<Letter>('SELECT * FROM dead_letter ORDER BY record_offset')
/** As `sluice dlq replay` marks it. */
const mark = async (id: string, value = VALUE): Promise<Header[]> => {
  const [row] = await db.query<{ n: number }>(
    `UPDATE dead_letter SET status = 'replayed', replay_count = replay_count + 1, replay_hash = sha256($2)
      WHERE id = $1 RETURNING replay_count AS n`,
    [id, value],
  )
  return [
    ['dlq.replay.id', Buffer.from(id)],
    ['dlq.replay.count', Buffer.from(String(row!.n))],
  ]
}
const firstLetter = async () => {
  await write({ decoded: bad })
  return (await letters())[0]!.id
}

describe('a replay', () => {
  it('that is written resolves its letter; a second copy of it changes nothing', async () => {
    const headers = await mark(await firstLetter())
    const good = asLine(lineItem())
    expect(await write({ decoded: good, headers })).toMatchObject({ inserted: 1, deadLettered: 0 })
    expect(await write({ decoded: good, headers })).toMatchObject({ duplicates: 1 })
    expect(await letters()).toMatchObject([
      { status: 'resolved', seen_count: 1, resolved_at: expect.any(Date) as Date },
    ])
  })
  it('that is known already (a duplicate) resolves it too', async () => {
    const good = asLine(lineItem())
    await write({ decoded: good })
    const headers = await mark(await firstLetter())
    expect(await write({ decoded: good, headers })).toMatchObject({ duplicates: 1 })
    expect((await letters())[0]).toMatchObject({ status: 'resolved' })
  })
  it('that a newer one with an edited value overtook is still no second letter, and resolves it when it is written', async () => {
    const id = await firstLetter()
    const older = await mark(id)
    await mark(id, Buffer.from('edited'))
    await write({ decoded: worse, headers: older })
    expect(await letters()).toMatchObject([{ id, status: 'replayed', replay_count: 2, seen_count: 2 }])
    await write({ decoded: asLine(lineItem()), headers: older })
    expect(await letters()).toMatchObject([{ id, status: 'resolved' }])
  })
  it('without a value (a tombstone with our headers) resolves nothing: nothing was written', async () => {
    await write({ decoded: bad, value: Buffer.alloc(0) })
    const headers = await mark((await letters())[0]!.id, Buffer.alloc(0))
    const tombstone = recordAt(0, next, { headers, value: null })
    await open.sink.write(batchOf([entryOf(tombstone, { kind: 'ignored', reason: 'tombstone' })]))
    expect(await letters()).toMatchObject([{ status: 'replayed' }])
  })
  it('that fails again is the same letter, with the newest reason, and after the third it is parked', async () => {
    const id = await firstLetter()
    for (const status of ['open', 'open', 'parked']) {
      const result = await write({ decoded: worse, headers: await mark(id) })
      expect(result).toMatchObject({ deadLettered: 1, failed: [{ code: 'QUANTITY_ZERO', deadLetterId: id }] })
      expect(await letters()).toMatchObject([{ status, code: 'QUANTITY_ZERO', path: '/quantity' }])
    }
    expect(await letters()).toMatchObject([{ seen_count: 4, replay_count: 3 }])
    expect(await write({ decoded: asLine(lineItem()), headers: await mark(id) })).toMatchObject({ inserted: 1 })
    expect((await letters())[0]).toMatchObject({ status: 'resolved' })
  })
  it('that came twice, in one batch or two, and fails, counts as one try', async () => {
    const id = await firstLetter()
    const headers = await mark(id)
    await write({ decoded: bad, headers }, { decoded: bad, headers })
    await write({ decoded: bad, headers })
    expect(await letters()).toMatchObject([{ status: 'open', seen_count: 4, replay_count: 1 }])
    const again = await mark(id)
    await write({ decoded: bad, headers }) // a late copy of the first
    expect(await letters()).toMatchObject([{ status: 'replayed' }])
    await write({ decoded: bad, headers: again }, { decoded: asLine(lineItem()), headers: again })
    expect(await letters()).toMatchObject([{ status: 'resolved', replay_count: 2 }])
  })
  it('of a letter that was discarded meanwhile: written, it is resolved; failed, it stays discarded', async () => {
    const id = await firstLetter()
    const headers = await mark(id)
    await db.query("UPDATE dead_letter SET status = 'discarded'")
    await write({ decoded: bad, headers })
    expect(await letters()).toMatchObject([{ status: 'discarded' }])
    await write({ decoded: asLine(lineItem()), headers })
    expect(await letters()).toMatchObject([{ status: 'resolved' }])
  })
  it('does not count for the breaker, whatever becomes of it', async () => {
    const id = await firstLetter()
    await write({ decoded: bad }, { decoded: bad })
    const headers = await mark(id)
    await write(...Array.from({ length: 8 }, () => ({ decoded: bad, headers })))
    expect(await open.gate.closure()).toBeNull()
    expect(await db.query('SELECT dead_letter_run::int AS run FROM consumer_offset')).toEqual([{ run: 3 }])
  })
  it('claims the last headers of the name, after those of the original record', async () => {
    const id = await firstLetter()
    const original: Header[] = [['dlq.replay.id', Buffer.from('f'.repeat(64))], ['dlq.replay.count', Buffer.from('9')]] // prettier-ignore
    await write({ decoded: asLine(lineItem()), headers: [...original, ...(await mark(id))] })
    expect((await letters())[0]).toMatchObject({ status: 'resolved' })
  })
})

describe('a forged claim does nothing', () => {
  it.each([
    ['an unknown letter', () => 'a'.repeat(64), VALUE],
    ['no id at all', () => 'x', VALUE],
    ['another value than was replayed', (id: string) => id, Buffer.from('other')],
  ])('%s', async (_, idOf, value) => {
    const id = await firstLetter()
    await mark(id)
    const headers: Header[] = [['dlq.replay.id', Buffer.from(idOf(id))], ['dlq.replay.count', Buffer.from('1')]] // prettier-ignore
    expect(await write({ decoded: asLine(lineItem()), headers, value })).toMatchObject({ inserted: 1 })
    expect(await write({ decoded: bad, headers, value })).toMatchObject({ deadLettered: 1 })
    expect(await letters()).toMatchObject([{ status: 'replayed', seen_count: 1 }, { status: 'open' }])
  })
  it('a letter that nobody replayed', async () => {
    const id = await firstLetter()
    const headers: Header[] = [['dlq.replay.id', Buffer.from(id)]]
    await write({ decoded: asLine(lineItem()), headers }, { decoded: bad, headers })
    expect(await letters()).toMatchObject([{ status: 'open', seen_count: 1 }, { status: 'open' }])
  })
  it('a letter of another group', async () => {
    const id = await firstLetter()
    const headers = await mark(id)
    const other = openSink(db.url, { groupId: 'other' })
    await startAt(other, [0])
    await other.sink.write(batchOf([entryOf(recordAt(0, 0n, { headers, value: VALUE }), asLine(lineItem()))]))
    await other.close()
    expect(await letters()).toMatchObject([{ status: 'replayed' }])
  })
})

describe('a record that is read again after an offset reset', () => {
  const reset = async () => {
    await open.offsets.reset([{ partition: 0, nextOffset: 0n, topicId: null }], 'test')
    next = 0n
  }
  it('resolves its letter when it succeeds now', async () => {
    await write({ decoded: bad }, { decoded: bad })
    await reset()
    await write({ decoded: asLine(lineItem()) }, { decoded: bad }, { decoded: asLine(lineItem()) })
    expect(await letters()).toMatchObject([
      { status: 'resolved', seen_count: 1 },
      { status: 'open', seen_count: 2 },
    ])
  })
  it('opens a letter again that such a reading resolved, not one that a replay resolved', async () => {
    await write({ decoded: bad }, { decoded: bad })
    await reset()
    await write({ decoded: asLine(lineItem()) }, { decoded: bad })
    await write({ decoded: asLine(lineItem()), headers: await mark((await letters())[1]!.id) })
    expect(await letters()).toMatchObject([{ status: 'resolved' }, { status: 'resolved' }])
    await reset()
    await write({ decoded: bad }, { decoded: bad })
    expect(await letters()).toMatchObject([{ status: 'open', resolved_at: null }, { status: 'resolved' }])
  })
  it('keeps the sum of all that was ever inserted', async () => {
    const items = [asLine(lineItem()), asLine(lineItem())]
    await write(...items.map((decoded) => ({ decoded })))
    await reset()
    await write(...items.map((decoded) => ({ decoded })), { decoded: asLine(lineItem()) })
    expect(await open.offsets.show()).toMatchObject([{ inserted: 1n, insertedBefore: 2n, duplicate: 2n }])
  })
})

describe('a batch that reads originals again together with their replays', () => {
  it('takes the locks of letters in one order: never a deadlock with the relay', async () => {
    const lenient = openSink(db.url)
    await lenient.sink.write(
      batchOf(Array.from({ length: 400 }, (_, i) => entryOf(recordAt(0, BigInt(i), { value: VALUE }), bad))),
    )
    const ids = (await letters()).map(({ id }) => id).sort()
    const originals = ids.map((_, i) => entryOf(recordAt(0, BigInt(i), { value: VALUE }), bad))
    const copies: Entry<Decoded>[] = []
    for (const [i, id] of ids.slice(200).entries())
      copies.push(entryOf(recordAt(0, BigInt(400 + i), { value: VALUE, headers: await mark(id) }), bad))
    const relay = async () => {
      const outbox = createOutbox({ database: open.database, groupId: GROUP })
      for (let i = 0; i < 3; i += 1) {
        await outbox.markPublished(ids)
        await db.query(`WITH mine AS MATERIALIZED (SELECT id FROM dead_letter ORDER BY id FOR UPDATE)
          UPDATE dead_letter d SET published_at = NULL FROM mine WHERE d.id = mine.id`)
      }
    }
    for (let round = 0; round < 6; round += 1) {
      await open.offsets.reset([{ partition: 0, nextOffset: 0n, topicId: null }], 'test')
      await Promise.all([lenient.sink.write(batchOf([...originals, ...copies])), relay()])
    }
    await lenient.close()
  })
})
