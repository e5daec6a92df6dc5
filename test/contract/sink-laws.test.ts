// Random histories of batches against a model: what PostgreSQL's own sum() says must equal BigInt arithmetic over the
// first record of each event, however batches overlap, repeat, collide or skip.
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fromMicros, toMicros } from '../../src/line-items/decimal.ts'
import type { Decoded } from '../../src/line-items/decode.ts'
import { faultOf } from '../../src/line-items/fault.ts'
import { asLine, batchOf, entryOf, lineItem, openSink, type OpenSink, openTestDatabase, recordAt, startAt, type TestDatabase } from '../support/sink.ts' // prettier-ignore

const uuid = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
const REJECTED: Decoded = {
  kind: 'rejected',
  fault: faultOf('JSON_INVALID'),
  claimed: { userId: null, invoiceId: null, lineNumber: null },
}
const IGNORED: Decoded = { kind: 'ignored', reason: 'tombstone' }

type Told = { event: number; user: number; item: number; micros: bigint }
/** One offset of the topic's log; few events and users, so that they collide. */
const slot = fc.oneof(
  { weight: 6, arbitrary: fc.record<Told>({ event: fc.nat(12), user: fc.nat(1), item: fc.nat(4), micros: fc.oneof(fc.bigInt(-3n, 3n), fc.bigInt(-999_999_999_999_999_999n, 999_999_999_999_999_999n)).filter((n) => n !== 0n) }) }, // prettier-ignore
  fc.constantFrom('rejected' as const, 'ignored' as const, 'absent' as const),
)
const history = fc.record({
  logs: fc.array(fc.array(slot, { minLength: 1, maxLength: 25 }), { minLength: 1, maxLength: 3 }),
  // How far each write reaches back behind, or jumps ahead of, what is settled, and how far it goes.
  writes: fc.array(fc.record({ partition: fc.nat(2), shift: fc.integer({ min: -6, max: 2 }), length: fc.integer({ min: 1, max: 12 }) }), { maxLength: 12 }), // prettier-ignore
})

const decodedOf = (told: Told | 'rejected' | 'ignored'): Decoded => {
  if (told === 'rejected') return REJECTED
  if (told === 'ignored') return IGNORED
  const { event, user, item, micros } = told
  return asLine(lineItem({ eventId: uuid(event), userId: `u${user}`, sku: `S${item}`, description: null, quantity: fromMicros(micros) })) // prettier-ignore
}

describe('any history of batches', () => {
  let db: TestDatabase
  let open: OpenSink
  beforeAll(async () => {
    db = await openTestDatabase()
    open = openSink(db.url)
  })
  afterAll(async () => {
    await open.close()
    await db.close()
  })

  it('counts every event once, every record once, and every sum exactly', async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ logs, writes }) => {
        await db.query('TRUNCATE ledger_entry, dead_letter, inventory, consumer_offset, item, item_mapping')
        open.mappings.clear()
        await startAt(open, [...logs.keys()])
        const settled = logs.map(() => 0)
        const first = new Map<string, Told>()
        const fates = { inserted: 0, duplicates: 0, deadLettered: 0, ignored: 0 }
        const got = { ...fates }
        const settle = (told: Told | 'rejected' | 'ignored' | 'absent') => {
          if (told === 'absent') return
          if (told === 'rejected') fates.deadLettered += 1
          else if (told === 'ignored') fates.ignored += 1
          else {
            const known = first.get(`${told.event} ${told.user}`)
            if (!known) first.set(`${told.event} ${told.user}`, told)
            if (!known) fates.inserted += 1
            else if (known.item === told.item && known.micros === told.micros) fates.duplicates += 1
            else fates.deadLettered += 1
          }
        }
        const rest = logs.map((log, partition) => ({ partition, shift: 0, length: log.length }))
        for (const { partition, shift, length } of [...writes, ...rest]) {
          const log = logs[partition]
          if (!log) continue
          const from = Math.max(0, settled[partition]! + shift)
          const to = from + length
          const entries = log.slice(from, to).flatMap((told, i) => (told === 'absent' ? [] : [entryOf(recordAt(partition, BigInt(from + i)), decodedOf(told))])) // prettier-ignore
          const part = { partition, from: BigInt(from), to: BigInt(to) }
          const result = await open.sink.write(batchOf(entries, [part]))
          for (const fate of Object.keys(got) as (keyof typeof got)[]) got[fate] += result[fate]
          const n = settled[partition]!
          if (n >= from && n < to) {
            log.slice(n, to).forEach(settle)
            settled[partition] = to
          }
          expect(result.positions.get(partition)).toBe(BigInt(settled[partition]!))
        }
        expect(got).toEqual(fates)
        const model = [...first.values()].reduce((sum, { micros }) => sum + micros, 0n)
        const [sums] = await db.query<{ ledger: string; inventory: string; wrong: string }>(`
          SELECT coalesce((SELECT sum(quantity) FROM ledger_entry), 0) AS ledger,
            coalesce((SELECT sum(quantity) FROM inventory), 0) AS inventory,
            (SELECT count(*) FROM inventory i FULL JOIN (SELECT item_id, sum(quantity) q FROM ledger_entry GROUP BY 1) l
              USING (item_id) WHERE i.quantity IS DISTINCT FROM l.q) AS wrong`)
        expect([toMicros(sums!.ledger), toMicros(sums!.inventory), sums!.wrong]).toEqual([model, model, '0'])
        for (const row of await open.offsets.show()) {
          expect(row.nextOffset).toBe(BigInt(settled[row.partition]!))
          expect(row.inserted + row.duplicate + row.deadLettered + row.ignored + row.absent).toBe(row.nextOffset)
        }
      }),
      { numRuns: 60 },
    )
  })
})
