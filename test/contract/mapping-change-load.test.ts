// Members write the same keys all the time while people assign, merge and undo: in every snapshot inventory = Σ ledger and every row
// is at the item of its key; at the end nothing is missing.
import { expect, it } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { type Corrections, createCorrections } from '../../src/sink/mapping-change.ts'
import { reconcile } from '../../src/sink/reconcile.ts'
import { OperatorError } from '../../src/lib/operator-error.ts'
import { batchOf, lineItem, linesAt, openSink, openTestDatabase, startAt } from '../support/sink.ts'
import { createRandom } from '../simulation/random.ts'

const MEMBERS = 3
const USERS = ['u-1', 'u-2']
const KEYS = 12
const BATCH = 40
const CORRECTIONS = 60
const SEED = 20261127

it('nothing lands on an item that was moved away from, whatever is corrected meanwhile', async () => {
  const db = await openTestDatabase()
  const members = Array.from({ length: MEMBERS }, () => openSink(db.url))
  const clerks = USERS.map(() => openSink(db.url))
  const random = createRandom(SEED)
  const one = <T>(from: readonly T[]): T => from[random.below(from.length)]!
  try {
    await startAt(members[0]!, members.map((_, index) => index)) // prettier-ignore
    let ended = false
    let remapped = 0
    const linesOf = () =>
      Array.from({ length: BATCH }, () => {
        const n = random.below(KEYS)
        const sku = random.below(3) === 0 ? null : `S${n}`
        return lineItem({ userId: one(USERS), sku, description: `thing ${String.fromCharCode(97 + n)}`, quantity: '1' })
      })
    const member = async (partition: number) => {
      const { sink } = members[partition]!
      let written = 0
      for (let from = 0n; !ended; from += BigInt(BATCH)) {
        const batch = batchOf(linesAt(partition, from, linesOf()))
        for (;;) {
          try {
            written += (await sink.write(batch)).inserted
            break
          } catch (error) {
            // What passes is tried again, as the pipeline does.
            if (sink.classify(error).fate !== 'transient') throw error
            remapped += 1
          }
        }
      }
      return written
    }
    const findings = async () => {
      const { checks } = await reconcile({ database: clerks[0]!.database, clock: systemClock, signal: new AbortController().signal }) // prettier-ignore
      return checks.filter(({ wrong }) => wrong > 0n).flatMap(({ name, examples }) => [name, ...examples])
    }
    const seen: string[] = []
    let looks = 0
    const look = async () => {
      while (!ended) {
        seen.push(...(await findings()))
        looks += 1
      }
    }
    let done = 0
    const moved = new Set<string>()
    const clerk = async (userId: string, database: (typeof clerks)[number]['database']) => {
      const corrections = createCorrections({ database, clock: systemClock, actor: userId, reason: null })
      for (let n = 0; n < CORRECTIONS; n++) {
        try {
          const change = await correctOnce(corrections, userId)
          if (change.movedRows! > 0n) moved.add(change.action)
          done += 1
        } catch (error) {
          // Two names of one item, or nothing to undo: what a person would be told.
          if (!(error instanceof OperatorError) || error.exitCode !== 2) throw error
        }
      }
    }
    const correctOnce = async (corrections: Corrections, userId: string) => {
      const mappings = await db.query<{ id: string; vendor_key: string; item_id: string }>('SELECT id, vendor_key, item_id FROM item_mapping WHERE user_id = $1 ORDER BY id', [userId]) // prettier-ignore
      const [a, b] = [one(mappings), one(mappings)]
      const what = random.below(4)
      if (what === 0) return corrections.merge(userId, BigInt(a.item_id), BigInt(b.item_id))
      if (what === 1) return corrections.assign(userId, a.vendor_key, { name: null })
      if (what === 2) return corrections.assign(userId, a.vendor_key, { itemId: BigInt(b.item_id) })
      const [last] = await db.query<{ id: string }>(
        `SELECT id FROM mapping_change c WHERE user_id = $1 AND action <> 'undo'
         AND NOT EXISTS (SELECT FROM mapping_change u WHERE u.undoes = c.id) ORDER BY id DESC LIMIT 1`,
        [userId],
      )
      return corrections.undo(userId, BigInt(last?.id ?? 0))
    }

    const writing = members.map((_, partition) => member(partition))
    while ((await db.query('SELECT FROM item_mapping')).length < USERS.length * KEYS * 2) await systemClock.sleep(20)
    const looking = look()
    await Promise.all(USERS.map((userId, index) => clerk(userId, clerks[index]!.database)))
    ended = true
    const written = (await Promise.all(writing)).reduce((sum, each) => sum + each, 0)
    await looking

    expect({ seen, last: await findings() }).toEqual({ seen: [], last: [] })
    const [counted] = await db.query<{ rows: number; quantity: number }>(
      'SELECT count(*)::int AS rows, (SELECT sum(quantity)::int FROM inventory) AS quantity FROM ledger_entry',
    )
    expect(counted).toEqual({ rows: written, quantity: written })
    console.log(
      `${written} rows in ${written / BATCH} batches, ${done} corrections, ${looks} looks, ${remapped} retries`,
    )
    // Nothing of this was idle.
    expect(moved).toEqual(new Set(['assign', 'merge', 'undo']))
    expect(done).toBeGreaterThan(CORRECTIONS)
    // Nor did the corrections keep the members out.
    expect(written / BATCH).toBeGreaterThan(done)
    expect(looks).toBeGreaterThan(3)
  } finally {
    for (const each of [...members, ...clerks]) await each.close()
    await db.close()
  }
}, 180_000)
