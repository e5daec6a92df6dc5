// A person corrects mappings: exactly the rows that came by a key move, with their quantity, and back again; nothing that a member
// has on its way lands on the item that was moved away from.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import type { LineItem } from '../../src/line-items/line-item.ts'
import { type Corrections, createCorrections } from '../../src/sink/mapping-change.ts'
import { createMappingReads } from '../../src/sink/mapping-reads.ts'
import { reconcile } from '../../src/sink/reconcile.ts'
import { createSink } from '../../src/sink/transaction.ts'
import { batchOf, GROUP, lineItem, linesAt, openSink, type OpenSink, openTestDatabase, startAt, type TestDatabase, TOPIC } from '../support/sink.ts' // prettier-ignore
import { until } from '../support/until.ts'

let db: TestDatabase
let open: OpenSink
/** Another member: its own cache and connections. */
let other: OpenSink
let corrections: Corrections
beforeAll(async () => {
  db = await openTestDatabase()
  open = openSink(db.url)
  other = openSink(db.url)
  const deps = { database: openSink(db.url).database, clock: systemClock, actor: 'jane', reason: 'test' }
  closing.push(() => deps.database.close())
  corrections = createCorrections(deps)
})
const closing: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const close of [...closing, () => open.close(), () => other.close()]) await close()
  await db.close()
})

let next: bigint[]
beforeEach(async () => {
  await db.query(`TRUNCATE item, item_mapping, ledger_entry, inventory, consumer_offset, mapping_change, mapping_change_key,
    audit_entry, dead_letter`)
  for (const member of [open, other]) member.mappings.clear()
  await startAt(open, [0, 1])
  next = [0n, 0n]
})

const batchAt = (partition: 0 | 1, lines: readonly Partial<LineItem>[]) => {
  const from = next[partition] ?? 0n
  next[partition] = from + BigInt(lines.length)
  return batchOf(linesAt(partition, from, lines.map(lineItem)))
}
const write = (lines: readonly Partial<LineItem>[], member = open, partition: 0 | 1 = 0) =>
  member.sink.write(batchAt(partition, lines))

const cup = { sku: 'CUP', description: 'Red cup', quantity: '1' }
const cupByText = { sku: null, description: 'red CUP', quantity: '10' }
const lamp = { sku: 'LAMP', description: 'Desk lamp', quantity: '100' }

const bowl = { sku: 'BOWL', description: 'Fruit dish', quantity: '1000' }

/** Corrections with something that happens before their nth transaction: 1 is the redirect, 2 the move. */
const correctionsOn = (before: (transaction: number) => Promise<void>): Corrections => {
  let transactions = 0
  const { database } = open
  return createCorrections({
    ...{ clock: systemClock, actor: 'joe', reason: null },
    database: {
      ...database,
      async transaction(work) {
        await before(++transactions)
        return database.transaction(work)
      },
    },
  })
}
const cutShort = () =>
  correctionsOn((transaction) => (transaction === 2 ? Promise.reject(new Error('killed')) : Promise.resolve()))

const itemOf = async (vendorKey: string) => {
  const [row] = await db.query<{ item_id: string }>('SELECT item_id FROM item_mapping WHERE vendor_key = $1', [
    vendorKey,
  ])
  return BigInt(row!.item_id)
}
/** Item → its rows and their quantity by the ledger, and what is on hand. */
const stock = async () => {
  const rows = await db.query<{ item: string; rows: string; ledger: string; on_hand: string }>(
    `SELECT item_id AS item, count(l.event_id) AS rows, sum(l.quantity)::float AS ledger, max(i.quantity)::float AS on_hand
     FROM ledger_entry l FULL JOIN inventory i USING (item_id) GROUP BY item_id ORDER BY item_id`,
  )
  return new Map(rows.map(({ item, rows, ledger, on_hand }) => [BigInt(item), [Number(rows), ledger, on_hand]]))
}
const all = async () => ({
  mappings: await db.query('SELECT * FROM item_mapping ORDER BY id'),
  ledger: await db.query('SELECT * FROM ledger_entry ORDER BY event_id'),
  inventory: await db.query('SELECT * FROM inventory ORDER BY item_id'),
  items: await db.query('SELECT * FROM item ORDER BY id'),
})
const findings = async () => {
  const { checks } = await reconcile({
    database: open.database,
    clock: systemClock,
    signal: new AbortController().signal,
  })
  return checks.filter(({ wrong }) => wrong > 0n).flatMap(({ name, examples }) => [name, ...examples])
}

describe('assign', () => {
  it('moves the rows that came by the key, and no others, with their quantity; new lines follow', async () => {
    await write([cup, cupByText, lamp, cup])
    const [red, desk] = [await itemOf('sku:CUP'), await itemOf('sku:LAMP')]
    expect(await itemOf('text:red cup')).toBe(red)
    const change = await corrections.assign('u-1', 'text:red cup', { itemId: desk })
    expect(change).toMatchObject({ fromItem: red, toItem: desk, movedRows: 1n, quantity: '10.000000', keys: 1 })
    await write([cup, cupByText])
    expect(await stock()).toEqual(new Map([[red, [3, 3, 3]], [desk, [3, 120, 120]]])) // prettier-ignore
    expect(await db.query('SELECT method, score FROM item_mapping WHERE vendor_key = $1', ['text:red cup'])).toEqual([{ method: 'manual', score: null }]) // prettier-ignore
    expect(await db.query('SELECT actor, action, detail FROM audit_entry')).toEqual([
      {
        actor: 'jane',
        action: 'mapping.assign',
        detail: expect.objectContaining({ user: 'u-1', rows: 1, reason: 'test' }) as object,
      },
    ])
    expect(await findings()).toEqual([])
  })

  it('to a new item, which has the sku of the key; an item without rows is on hand with 0', async () => {
    await write([cup, lamp])
    const red = await itemOf('sku:CUP')
    const { toItem } = await corrections.assign('u-1', 'sku:CUP', { name: 'Red mug' })
    expect(await stock()).toEqual(new Map([[red, [0, null, 0]], [await itemOf('sku:LAMP'), [1, 100, 100]], [toItem, [1, 1, 1]]])) // prettier-ignore
    expect(await findings()).toEqual([])
    expect(await db.query('SELECT name, sku FROM item WHERE id = $1', [toItem])).toEqual([
      { name: 'Red mug', sku: 'CUP' },
    ])
    await write([cup, cupByText])
    expect((await stock()).get(red)).toEqual([1, 10, 10])
    expect(await findings()).toEqual([])
  })

  it('refuses what is not there, and what is another user’s', async () => {
    await write([cup, { ...lamp, userId: 'u-2' }])
    const before = await all()
    const lampItem = await itemOf('sku:LAMP')
    await expect(corrections.assign('u-1', 'sku:NONE', { name: null })).rejects.toThrow('user u-1 has no key sku:NONE')
    await expect(corrections.assign('u-1', 'sku:CUP', { itemId: lampItem })).rejects.toThrow(
      `user u-1 has no item ${lampItem}`,
    )
    await expect(corrections.assign('u-1', 'sku:CUP', { itemId: await itemOf('sku:CUP') })).rejects.toThrow('already')
    expect(await all()).toEqual(before)
  })

  it('leaves all as it was when a rule of the ledger refuses the rows, and says which', async () => {
    await write([cup, lamp])
    const before = await all()
    const desk = await itemOf('sku:LAMP')
    await db.query(`ALTER TABLE ledger_entry ADD CONSTRAINT lamps_only CHECK (item_id <> ${desk} OR quantity >= 100)`)
    try {
      const assigned = corrections.assign('u-1', 'sku:CUP', { itemId: desk })
      await expect(assigned).rejects.toThrow(
        /^change \d+ cannot be made: its ledger rows: new row for relation "ledger_entry" violates check constraint "lamps_only" \(SQLSTATE 23514\); all is as it was$/,
      )
      expect(await all()).toEqual(before)
    } finally {
      await db.query('ALTER TABLE ledger_entry DROP CONSTRAINT lamps_only')
    }
  })
})

describe('what the quantity on hand cannot take', () => {
  beforeEach(() => db.query('ALTER TABLE inventory ADD CONSTRAINT never_below_zero CHECK (quantity >= 0)'))
  afterEach(() => db.query('ALTER TABLE inventory DROP CONSTRAINT never_below_zero'))

  it('an assign: all is as it was', async () => {
    await write([{ ...cup, quantity: '5' }, { ...cupByText, quantity: '-3' }, lamp])
    const before = await all()
    const [red, desk] = [await itemOf('sku:CUP'), await itemOf('sku:LAMP')]
    // The five go, and minus three stay.
    await expect(corrections.assign('u-1', 'sku:CUP', { itemId: desk })).rejects.toThrow(`cannot be made: item ${red} has 2 on hand and would have -3, item ${desk} has 100 on hand and would have 105: new row for relation "inventory" violates check constraint "never_below_zero" (SQLSTATE 23514); all is as it was`) // prettier-ignore
    expect(await all()).toEqual(before)
    expect(await findings()).toEqual([])
    await expect(corrections.undo('u-1', 1n)).rejects.toThrow('has no correction to undo')
  })

  it('an undo: all is as it was, what it was to undo can be undone later, and nothing else is blocked', async () => {
    await write([{ ...cup, quantity: '5' }, lamp])
    const [red, desk] = [await itemOf('sku:CUP'), await itemOf('sku:LAMP')]
    const first = await corrections.assign('u-1', 'text:red cup', { itemId: desk })
    const second = await corrections.assign('u-1', 'sku:CUP', { itemId: desk })
    await write([{ ...lamp, quantity: '-103' }])
    const before = await all()
    await expect(corrections.undo('u-1', second.id)).rejects.toThrow(new RegExp(`^the undo of change ${second.id} cannot be made: item ${red} has 0 on hand and would have 5, item ${desk} has 2 on hand and would have -3: .*; all is as it was$`)) // prettier-ignore
    expect(await all()).toEqual(before)
    expect(await findings()).toEqual([])
    expect(await corrections.finish('u-1')).toBe(null)
    await write([{ ...cup, quantity: '7' }])
    expect(await stock()).toEqual(new Map([[red, [0, null, 0]], [desk, [4, 9, 9]]])) // prettier-ignore

    await write([{ ...lamp, quantity: '3' }])
    const stands = (await createMappingReads(open.database).last('u-1'))!
    expect(stands).toMatchObject({ action: 'assign', fromItem: red, toItem: desk, keys: 1 })
    expect(await corrections.undo('u-1', stands.id)).toMatchObject({ movedRows: 2n, quantity: '12.000000' })
    await corrections.undo('u-1', first.id)
    expect(await stock()).toEqual(new Map([[red, [2, 12, 12]], [desk, [3, 0, 0]]])) // prettier-ignore
    expect(await db.query('SELECT DISTINCT method FROM item_mapping')).toEqual([{ method: 'created' }])
    expect(await findings()).toEqual([])
  })

  it('neither a change that was cut short nor the way back: it waits until there is room', async () => {
    await write([
      { ...cup, quantity: '5' },
      { ...cupByText, quantity: '-3' },
      { ...lamp, quantity: '1' },
    ])
    const [red, desk] = [await itemOf('sku:CUP'), await itemOf('sku:LAMP')]
    await expect(cutShort().assign('u-1', 'sku:CUP', { itemId: desk })).rejects.toThrow('killed')
    await write([{ ...cup, quantity: '4' }])
    await write([{ ...lamp, quantity: '-3' }])
    const finished = corrections.finish('u-1')
    await expect(finished).rejects.toThrow(/would have -3.*nor can it be taken back: .*would have -2/)
    await expect(finished).rejects.toMatchObject({ remedy: expect.stringMatching(/sluice mapping finish u-1$/) as string }) // prettier-ignore
    expect(await findings()).toEqual([])
    await write([{ ...lamp, quantity: '10' }])
    expect(await corrections.finish('u-1')).toMatchObject({ action: 'undo', movedRows: 1n })
    expect(await stock()).toEqual(new Map([[red, [3, 6, 6]], [desk, [3, 8, 8]]])) // prettier-ignore
    expect(await findings()).toEqual([])
  })
})

describe('an undo that was cut short', () => {
  it('is finished before the one before it is undone', async () => {
    await write([cup, lamp, bowl])
    const before = await all()
    const [desk, dish] = [await itemOf('sku:LAMP'), await itemOf('sku:BOWL')]
    const first = await corrections.assign('u-1', 'sku:CUP', { itemId: desk })
    const second = await corrections.assign('u-1', 'sku:CUP', { itemId: dish })
    await expect(cutShort().undo('u-1', second.id)).rejects.toThrow('killed')
    expect(await corrections.undo('u-1', first.id)).toMatchObject({ movedRows: 1n })
    expect(await all()).toEqual(before)
    expect(await corrections.finish('u-1')).toBe(null)
    expect(await findings()).toEqual([])
  })

  it('is not passed by either when another operator begins it meanwhile', async () => {
    await write([cup, lamp, bowl])
    const first = await corrections.assign('u-1', 'sku:CUP', { itemId: await itemOf('sku:LAMP') })
    const second = await corrections.assign('u-1', 'sku:CUP', { itemId: await itemOf('sku:BOWL') })
    const late = correctionsOn(async () => {
      await expect(cutShort().undo('u-1', second.id)).rejects.toThrow('killed')
    })
    await expect(late.undo('u-1', first.id)).rejects.toThrow('another correction of this user is being made')
    await corrections.finish('u-1')
    expect(await findings()).toEqual([])
  })

  it('an assign that was cut short is undone directly', async () => {
    await write([cup, lamp])
    const before = await all()
    await expect(cutShort().assign('u-1', 'sku:CUP', { itemId: await itemOf('sku:LAMP') })).rejects.toThrow('killed')
    await write([cup])
    const { id } = (await createMappingReads(open.database).last('u-1'))!
    expect(await corrections.undo('u-1', id)).toMatchObject({ movedRows: 1n })
    expect((await all()).mappings).toEqual(before.mappings)
    expect(await findings()).toEqual([])
  })
})

describe('merge and undo', () => {
  it('a merge moves everything, and its undo restores everything, with what came since', async () => {
    await write([cup, cupByText, lamp, { ...lamp, sku: null }])
    const [red, desk] = [await itemOf('sku:CUP'), await itemOf('sku:LAMP')]
    const { mappings, items } = await all()
    const merged = await corrections.merge('u-1', red, desk)
    expect(merged).toMatchObject({ movedRows: 2n, quantity: '11.000000', keys: 2 })
    expect(await stock()).toEqual(new Map([[red, [0, null, 0]], [desk, [4, 211, 211]]])) // prettier-ignore
    await write([cup, lamp])
    expect(await stock()).toEqual(new Map([[red, [0, null, 0]], [desk, [6, 312, 312]]])) // prettier-ignore
    const undone = await corrections.undo('u-1', merged.id)
    expect(undone).toMatchObject({ action: 'undo', undoes: merged.id, movedRows: 3n, quantity: '12.000000' })
    expect(await stock()).toEqual(new Map([[red, [3, 12, 12]], [desk, [3, 300, 300]]])) // prettier-ignore
    expect((await all()).mappings).toEqual(mappings)
    expect((await all()).items).toEqual(items)
    await write([cup])
    expect((await stock()).get(red)).toEqual([4, 13, 13])
    expect(await findings()).toEqual([])
  })

  it('corrections are undone one after the other, the last first, each once', async () => {
    await write([cup, cupByText, lamp])
    const before = await all()
    const [red, desk] = [await itemOf('sku:CUP'), await itemOf('sku:LAMP')]
    const first = await corrections.assign('u-1', 'text:red cup', { itemId: desk })
    const second = await corrections.merge('u-1', desk, red)
    const third = await corrections.assign('u-1', 'sku:LAMP', { itemId: desk })
    await expect(corrections.undo('u-1', first.id)).rejects.toThrow(`change ${third.id} is the last one now`)
    for (const { id } of [third, second, first]) await corrections.undo('u-1', id)
    await expect(corrections.undo('u-1', first.id)).rejects.toThrow('has no correction to undo')
    expect(await all()).toEqual(before)
    expect(await findings()).toEqual([])
  })

  it('an item without a sku gets that of the other, until it is undone', async () => {
    await write([{ ...cupByText, description: 'plain cup' }, lamp])
    const plain = await itemOf('text:plain cup')
    const { id } = await corrections.merge('u-1', await itemOf('sku:LAMP'), plain)
    expect(await db.query('SELECT sku FROM item WHERE id = $1', [plain])).toEqual([{ sku: 'LAMP' }])
    // Another sku does not join it by itself.
    await write([{ sku: 'X', description: 'plain cup' }])
    expect(await itemOf('sku:X')).not.toBe(plain)
    await corrections.undo('u-1', id)
    expect(await db.query('SELECT sku FROM item WHERE id = $1', [plain])).toEqual([{ sku: null }])
  })

  it('is refused, with nothing changed, when somebody changed the mappings by SQL or deleted the item', async () => {
    await write([cup, lamp])
    const [red, desk] = [await itemOf('sku:CUP'), await itemOf('sku:LAMP')]
    const { id } = await corrections.merge('u-1', red, desk)
    await db.query("UPDATE item_mapping SET item_id = 999 WHERE vendor_key = 'text:red cup'")
    const before = await all()
    await expect(corrections.undo('u-1', id)).rejects.toThrow(/cannot be undone: not all of its 2 keys stand for item/)
    await db.query('DELETE FROM item WHERE id = $1', [red])
    await expect(corrections.undo('u-1', id)).rejects.toThrow(/cannot be undone: item \d+ is not there any more/)
    expect(await all()).toEqual({ ...before, items: before.items.filter((item) => (item as { id: string }).id !== String(red)) }) // prettier-ignore
  })
})

describe('rows that are older than the knowledge which key brought them', () => {
  const asBefore = () => db.query('UPDATE ledger_entry SET mapping_id = NULL')

  it('stay at an assign of a key, go with a merge, and come back at its undo', async () => {
    await write([cup, lamp])
    await asBefore()
    await write([cup])
    const [red, desk] = [await itemOf('sku:CUP'), await itemOf('sku:LAMP')]
    const { id } = await corrections.assign('u-1', 'sku:CUP', { itemId: desk })
    expect(await stock()).toEqual(new Map([[red, [1, 1, 1]], [desk, [2, 101, 101]]])) // prettier-ignore
    await corrections.undo('u-1', id)
    const merged = await corrections.merge('u-1', red, desk)
    expect(merged).toMatchObject({ movedRows: 2n, keys: 3 })
    expect(await stock()).toEqual(new Map([[red, [0, null, 0]], [desk, [3, 102, 102]]])) // prettier-ignore
    await corrections.undo('u-1', merged.id)
    expect(await stock()).toEqual(new Map([[red, [2, 2, 2]], [desk, [1, 100, 100]]])) // prettier-ignore
    expect(await findings()).toEqual([])
  })

  it('have a key of their own, to be assigned like another', async () => {
    await write([cup, lamp])
    await asBefore()
    await write([cup])
    const [red, desk] = [await itemOf('sku:CUP'), await itemOf('sku:LAMP')]
    const { id } = await corrections.assign('u-1', `older:${red}`, { itemId: desk })
    expect(await stock()).toEqual(new Map([[red, [1, 1, 1]], [desk, [2, 101, 101]]])) // prettier-ignore
    await corrections.undo('u-1', id)
    expect((await stock()).get(red)).toEqual([2, 2, 2])
    expect(await findings()).toEqual([])
  })
})

describe('while members write', () => {
  it('a member that remembers the old item writes its next batch to the new one', async () => {
    await write([cup, lamp])
    await write([cup, lamp], other, 1)
    const [red, desk] = [await itemOf('sku:CUP'), await itemOf('sku:LAMP')]
    await corrections.merge('u-1', red, desk)
    expect(await write([cup, lamp], other, 1)).toMatchObject({ inserted: 2 })
    expect(await stock()).toEqual(new Map([[red, [0, null, 0]], [desk, [6, 303, 303]]])) // prettier-ignore
  })

  it('a batch that was mapped before the change, and is written after it, is mapped again', async () => {
    await write([cup, lamp])
    const [red, desk] = [await itemOf('sku:CUP'), await itemOf('sku:LAMP')]
    const mappedBy: bigint[] = []
    const sink = createSink({
      ...{ groupId: GROUP, topic: TOPIC, database: open.database, gate: open.gate, clock: systemClock },
      breaker: { maxConsecutive: 0, maxRatio: 1 },
      mappings: {
        ...open.mappings,
        async mapLines(lines) {
          const mapped = await open.mappings.mapLines(lines)
          mappedBy.push(mapped.version)
          if (mappedBy.length === 1) await corrections.merge('u-1', red, desk)
          return mapped
        },
      },
    })
    expect(await sink.write(batchAt(0, [cup, lamp]))).toMatchObject({ inserted: 2 })
    expect(mappedBy).toHaveLength(2)
    expect(mappedBy[1]).toBeGreaterThan(mappedBy[0]!)
    expect(await stock()).toEqual(new Map([[red, [0, null, 0]], [desk, [4, 202, 202]]])) // prettier-ignore
  })

  it('a correction of the user that takes long is told from a member that holds a lock', async () => {
    await write([cup, lamp])
    const desk = await itemOf('sku:LAMP')
    const { database, close } = openSink(db.url, { lockTimeoutMs: 20 })
    closing.push(close)
    const impatient = createCorrections({ database, clock: { sleep: async () => {} }, actor: 'joe', reason: null })
    const holder = await db.connect()
    const holding = async (lock: string, key: string | number) => {
      await holder.query(`SELECT pg_advisory_lock(${lock})`, [key])
      const message = await impatient.assign('u-1', 'sku:CUP', { itemId: desk }).catch((error: Error) => error.message)
      await holder.query('SELECT pg_advisory_unlock_all()')
      return message
    }
    expect(await holding('hashtextextended($1, 8)', 'u-1')).toMatch(/^another correction of this user is being made/)
    expect(await holding('hashtextextended($1, 7)', 'u-1')).toMatch(/^a transaction of a member, or a lock/)
    holder.release()
  })

  it('what is being written while the change begins is waited for, and moved', async () => {
    await write([cup, lamp])
    const [red, desk] = [await itemOf('sku:CUP'), await itemOf('sku:LAMP')]
    const holder = await db.connect()
    await holder.query('BEGIN')
    await holder.query('SELECT FROM inventory WHERE item_id = $1 FOR UPDATE', [red])
    const waiting = (kind: string) => async () =>
      (await db.query(`SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database OR l.database IS NULL
        WHERE NOT granted AND locktype = $1 AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())`, [kind])).length > 0 // prettier-ignore
    const writing = write([cup], other, 1) // its ledger row is written, and waits for the stock
    await until('the batch waits for the stock', waiting('transactionid'))
    const changing = corrections.merge('u-1', red, desk)
    await until('the change waits for the batch', waiting('advisory'))
    // Whoever comes now waits behind the change, and is mapped by it.
    const late = write([cup])
    await holder.query('COMMIT')
    holder.release()
    expect((await changing).movedRows).toBe(2n)
    await Promise.all([writing, late])
    expect(await stock()).toEqual(new Map([[red, [0, null, 0]], [desk, [4, 103, 103]]])) // prettier-ignore
    expect(await findings()).toEqual([])
  })
})
