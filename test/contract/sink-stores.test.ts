// The offset store and the outbox on real PostgreSQL.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { faultOf } from '../../src/line-items/fault.ts'
import { createOutbox, type Outbox } from '../../src/sink/outbox.ts'
import { batchOf, entryOf, GROUP, lineItem, linesAt, openSink, type OpenSink, openTestDatabase, recordAt, startAt, type TestDatabase, TOPIC } from '../support/sink.ts' // prettier-ignore

const TOPIC_ID = '00000000-0000-4000-8000-000000000001'

describe('the stores', () => {
  let db: TestDatabase
  let open: OpenSink
  let outbox: Outbox
  beforeAll(async () => {
    db = await openTestDatabase()
    open = openSink(db.url)
    outbox = createOutbox({ database: open.database, groupId: GROUP })
  })
  afterAll(async () => {
    await open.close()
    await db.close()
  })
  beforeEach(() => db.query('TRUNCATE ledger_entry, dead_letter, inventory, consumer_offset, audit_entry'))

  /** Dead letters of `count` records of partition 0, with headers that only pairs can hold. */
  const reject = async (count: number) => {
    await startAt(open, [0])
    const headers = [['h', Buffer.from([0, 255])], ['h', null], ['\ud800', Buffer.alloc(0)]] as const // prettier-ignore
    const claimed = { userId: null, invoiceId: null, lineNumber: null }
    const decoded = { kind: 'rejected', fault: faultOf('JSON_INVALID'), claimed } as const
    const entries = Array.from({ length: count }, (_, i) =>
      entryOf(recordAt(0, BigInt(i), { value: Buffer.from([i, 0, 255]), headers }), decoded),
    )
    await open.sink.write(batchOf(entries))
  }

  describe('offsets', () => {
    it('begin once: whoever comes second reads what the first wrote', async () => {
      await Promise.all([startAt(open, [0, 1], 5n, TOPIC_ID), startAt(open, [1, 0], 5n, TOPIC_ID)])
      await startAt(open, [0, 2], 9n)
      expect(await open.offsets.load([2, 0, 7])).toEqual(
        new Map([
          [0, { nextOffset: 5n, topicId: TOPIC_ID }],
          [2, { nextOffset: 9n, topicId: null }],
        ]),
      )
    })

    it('belong to one group and one topic', async () => {
      await startAt(open, [0])
      const other = openSink(db.url, { groupId: 'other' })
      expect(await other.offsets.load([0])).toEqual(new Map())
      await other.close()
    })

    it('are reset with counters from zero, and the reset is on record with what it overwrote', async () => {
      await startAt(open, [0, 1])
      await open.sink.write(batchOf(linesAt(0, 0n, [lineItem(), lineItem()])))
      const rows = [0, 2].map((partition) => ({ partition, nextOffset: 1n, topicId: TOPIC_ID }))
      await open.offsets.reset(rows, 'alice')
      const zero = { inserted: 0n, duplicate: 0n, deadLettered: 0n, ignored: 0n, absent: 0n }
      expect(await open.offsets.show()).toMatchObject([
        { partition: 0, nextOffset: 1n, startOffset: 1n, topicId: TOPIC_ID, ...zero },
        { partition: 1, nextOffset: 0n, topicId: null },
        { partition: 2, nextOffset: 1n, startOffset: 1n, ...zero },
      ])
      const partitions = [
        { partition: 0, from: 2, to: 1, topicIdFrom: null, topicIdTo: TOPIC_ID },
        { partition: 2, from: null, to: 1, topicIdFrom: null, topicIdTo: TOPIC_ID },
      ]
      expect(await db.query('SELECT actor, action, detail FROM audit_entry')).toEqual([
        { actor: 'alice', action: 'offsets.reset', detail: { group: GROUP, topic: TOPIC, partitions } },
      ])
    })
  })

  describe('the outbox', () => {
    it('hands out every letter once, with its bytes as they were, and is empty when all are published', async () => {
      await reject(5)
      expect(await outbox.pending()).toBe(5)
      const first = await outbox.claim(3, 60_000)
      const second = await outbox.claim(10, 60_000)
      expect(first).toHaveLength(3)
      expect(second).toHaveLength(2)
      const all = [...first, ...second]
      expect(new Set(all.map((letter) => letter.recordOffset)).size).toBe(5)
      for (const letter of all) {
        expect(letter.value).toEqual(Buffer.from([Number(letter.recordOffset), 0, 255]))
        expect(letter.headers).toEqual([['h', Buffer.from([0, 255])], ['h', null], ['\ud800', Buffer.alloc(0)]]) // prettier-ignore
        expect(letter).toMatchObject({ status: 'open', code: 'JSON_INVALID', publishedAt: null, attempts: 1, recordTimestamp: new Date(1_700_000_000_000) }) // prettier-ignore
      }
      expect(await outbox.claim(10, 60_000)).toEqual([])
      await outbox.markPublished(all.map((letter) => letter.id))
      expect(await outbox.pending()).toBe(0)
    })

    it('hands a letter out again when its lease ended, or when it was given back', async () => {
      await reject(2)
      const [one, two] = await outbox.claim(2, 60_000)
      await outbox.release([one!.id])
      expect((await outbox.claim(2, 60_000)).map((letter) => letter.id)).toEqual([one!.id])
      await db.query("UPDATE dead_letter SET claimed_until = now() - interval '1 second' WHERE id = $1", [two!.id])
      expect((await outbox.claim(2, 60_000)).map((letter) => letter.id)).toEqual([two!.id])
    })

    it('never hands a letter to two relays', async () => {
      await reject(200)
      const claims = await Promise.all(Array.from({ length: 6 }, () => outbox.claim(50, 60_000)))
      const ids = claims.flat().map((letter) => letter.id)
      expect(new Set(ids).size).toBe(ids.length)
      const rest = await outbox.claim(1_000, 60_000)
      expect(ids.length + rest.length).toBe(200)
    })

    it('does not make the sink wait, and knows its own group only', async () => {
      await reject(1)
      await outbox.claim(1, 60_000)
      await open.offsets.reset([{ partition: 0, nextOffset: 0n, topicId: null }], 'test')
      await reject(1)
      expect(await db.query('SELECT seen_count FROM dead_letter')).toEqual([{ seen_count: 2 }])
      const other = createOutbox({ database: open.database, groupId: 'other' })
      expect(await other.pending()).toBe(0)
      expect(await other.claim(1, 1)).toEqual([])
    })
  })
})
