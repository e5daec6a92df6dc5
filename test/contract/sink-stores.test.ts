// The offset store and the outbox on real PostgreSQL.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Lease } from '../../src/dead-letters/relay.ts'
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
      const zero = { inserted: 0n, duplicate: 0n, deadLettered: 0n, ignored: 0n, absent: 0n, skipped: 0n }
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
    const leased = (claim: Lease | 'busy' | null): Lease => {
      if (claim === null || claim === 'busy') throw new Error(`no lease: ${claim}`)
      return claim
    }
    const idsOf = ({ letters }: Lease) => letters.map((letter) => letter.id)
    const endLeases = () => db.query("UPDATE dead_letter SET claimed_until = now() - interval '1 second'")

    it('hands letters out in the order of their records, with their bytes as they were, one lease at a time', async () => {
      await reject(5)
      expect(await outbox.pending()).toBe(5)
      const first = leased(await outbox.claim(3, 60_000))
      expect(await outbox.claim(10, 60_000)).toBe('busy')
      await outbox.markPublished(idsOf(first))
      const second = leased(await outbox.claim(10, 60_000))
      const all = [...first.letters, ...second.letters]
      expect(all.map((letter) => letter.recordOffset)).toEqual([0n, 1n, 2n, 3n, 4n])
      for (const letter of all) {
        expect(letter.value).toEqual(Buffer.from([Number(letter.recordOffset), 0, 255]))
        expect(letter.headers).toEqual([['h', Buffer.from([0, 255])], ['h', null], ['\ud800', Buffer.alloc(0)]]) // prettier-ignore
        expect(letter).toMatchObject({ status: 'open', code: 'JSON_INVALID', publishedAt: null, attempts: 1, recordTimestamp: new Date(1_700_000_000_000) }) // prettier-ignore
      }
      await outbox.markPublished(idsOf(second))
      expect(await outbox.claim(10, 60_000)).toBeNull()
      expect(await outbox.pending()).toBe(0)
      expect(await outbox.waiting()).toEqual({ count: 0, oldestAgeMs: 0 })
    })

    it('hands letters out again when their lease ended, or when they were given back', async () => {
      await reject(2)
      const first = leased(await outbox.claim(2, 60_000))
      await outbox.release([first.letters[0]!.id], first.until)
      expect(await outbox.claim(2, 60_000)).toBe('busy')
      await endLeases()
      expect(idsOf(leased(await outbox.claim(2, 60_000)))).toEqual(idsOf(first))
    })

    it('a lease that was lost is neither renewed, given back nor deferred, but what was sent is published', async () => {
      await reject(2)
      const lost = leased(await outbox.claim(2, 60_000))
      await endLeases()
      const held = leased(await outbox.claim(2, 50_000))
      expect(await outbox.renew(idsOf(lost), lost.until, 90_000)).toEqual(lost.until)
      await outbox.release(idsOf(lost), lost.until)
      await outbox.defer(idsOf(lost), lost.until, 60_000)
      expect(await outbox.claim(2, 60_000)).toBe('busy')
      const later = await outbox.renew(idsOf(held), held.until, 90_000)
      expect(later.getTime()).toBeGreaterThan(held.until.getTime())
      await outbox.markPublished([lost.letters[0]!.id])
      await outbox.release(idsOf(held), later)
      expect(idsOf(leased(await outbox.claim(2, 60_000)))).toEqual([held.letters[1]!.id])
    })

    it('leaves a deferred letter alone until its time, and hands out those behind it', async () => {
      await reject(3)
      const { letters, until } = leased(await outbox.claim(1, 60_000))
      await outbox.defer([letters[0]!.id], until, 60_000)
      const others = leased(await outbox.claim(3, 60_000))
      expect(others.letters.map((letter) => letter.recordOffset)).toEqual([1n, 2n])
      await outbox.release(idsOf(others), others.until)
      await db.query("UPDATE dead_letter SET deferred_until = now() - interval '1 second' WHERE deferred_until > now()")
      expect(leased(await outbox.claim(3, 60_000)).letters).toHaveLength(3)
    })

    it('hands out no more bytes at once than memory is meant to hold, but always one letter', async () => {
      await reject(4)
      await db.query(`UPDATE dead_letter SET value = convert_to(repeat('x', 5000000), 'UTF8') WHERE record_offset < 2`)
      await db.query(`UPDATE dead_letter SET value = convert_to(repeat('x', 9000000), 'UTF8') WHERE record_offset = 2`)
      const offsets: bigint[][] = []
      for (let lease = await outbox.claim(10, 60_000); lease !== null; lease = await outbox.claim(10, 60_000)) {
        offsets.push(leased(lease).letters.map((letter) => letter.recordOffset))
        await outbox.markPublished(idsOf(leased(lease)))
      }
      expect(offsets).toEqual([[0n], [1n], [2n], [3n]])
    })

    it('never hands a letter to two relays: of several at once, one gets a lease', async () => {
      await reject(200)
      const claims = await Promise.all(Array.from({ length: 4 }, () => outbox.claim(50, 60_000)))
      expect(claims.filter((claim) => claim === 'busy')).toHaveLength(3)
      expect(claims.find((claim) => claim !== 'busy')).toMatchObject({ letters: { length: 50 } })
    })

    it('says how many wait, and for how long', async () => {
      await reject(3)
      await db.query("UPDATE dead_letter SET created_at = now() - interval '90 seconds' WHERE record_offset = 1")
      const { count, oldestAgeMs } = await outbox.waiting()
      expect(count).toBe(3)
      expect(oldestAgeMs).toBeGreaterThanOrEqual(90_000)
      expect(oldestAgeMs).toBeLessThan(150_000)
    })

    it('takes the mark, the return and the deferral of a letter that was purged meanwhile', async () => {
      await reject(2)
      const lease = leased(await outbox.claim(2, 60_000))
      await db.query('DELETE FROM dead_letter WHERE record_offset = 0')
      const later = await outbox.renew(idsOf(lease), lease.until, 60_000)
      await outbox.release(idsOf(lease), later)
      const [rest] = leased(await outbox.claim(2, 60_000)).letters
      await outbox.markPublished(idsOf(lease))
      expect(rest?.recordOffset).toBe(1n)
      expect(await outbox.pending()).toBe(0)
    })

    it('does not make the sink wait, and knows its own group only', async () => {
      await reject(1)
      await outbox.claim(1, 60_000)
      await open.offsets.reset([{ partition: 0, nextOffset: 0n, topicId: null }], 'test')
      await reject(1)
      expect(await db.query('SELECT seen_count FROM dead_letter')).toEqual([{ seen_count: 2 }])
      const other = createOutbox({ database: open.database, groupId: 'other' })
      expect(await other.pending()).toBe(0)
      expect(await other.claim(1, 1)).toBeNull()
    })
  })
})
