// The same event more than once, wherever its copies may meet. One member with two lanes owns both partitions.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import type { Member } from '../support/member.ts'
import { notOk, proveWorld } from '../support/oracle.ts'
import type { World } from '../support/world.ts'

let world: World
let member: Member
beforeAll(async () => {
  world = await openArena(2)
  member = world.start('two-lanes', { FLUSH_LANES: '2' })
  for (const partition of [0, 1]) await member.logged('starting position', (line) => line['partition'] === partition)
})
afterAll(() => world.close())

type Value = ReturnType<typeof event>

/** Sends each step when the one before is settled; returns what the counters have grown by, and the flushes. */
const settle = async (...steps: { value: Value; partition: number }[][]) => {
  const before = await world.totals()
  const seen = member.lines('flushed').length
  for (const step of steps) {
    await world.send(step.map(({ value, partition }) => recordOf(value, partition)))
    await world.drained()
  }
  const { inserted, duplicate, deadLettered } = await world.totals()
  const grown = [inserted - before.inserted, duplicate - before.duplicate, deadLettered - before.deadLettered]
  const flushes = member.lines('flushed').slice(seen)
  return { grown, flushes: flushes.map((line) => [line['records'], line['inserted'], line['duplicates']]) }
}

const rows = ({ eventId }: Value) =>
  world.query<{ user: string; quantity: string }>(
    'SELECT user_id AS user, quantity::text FROM ledger_entry WHERE event_id = $1 ORDER BY 1',
    [eventId],
  )
const stock = async (sku: string) => {
  const sql = `SELECT sum(quantity)::text AS sum FROM inventory s JOIN item i ON i.id = s.item_id WHERE i.sku = $1`
  return (await world.query<{ sum: string }>(sql, [sku]))[0]?.sum
}

describe('the same event counts once', () => {
  test('in one batch', async () => {
    const value = event({ vendorItem: { sku: 'one-batch' } })
    const copy = { value, partition: 0 }
    expect(await settle([copy, copy])).toEqual({ grown: [1, 1, 0], flushes: [[2, 1, 1]] })
    expect([await rows(value), await stock('one-batch')]).toEqual([[{ user: 'u-1', quantity: '2.500000' }], '2.500000'])
  })

  test('in two batches', async () => {
    const value = event({ vendorItem: { sku: 'two-batches' } })
    const copy = { value, partition: 0 }
    const flushes = [[1, 1, 0], [1, 0, 1]] // prettier-ignore
    expect(await settle([copy], [copy])).toEqual({ grown: [1, 1, 0], flushes })
    expect([await rows(value), await stock('two-batches')]).toEqual([
      [{ user: 'u-1', quantity: '2.500000' }],
      '2.500000',
    ])
  })

  test('in two lanes that write at the same time', async () => {
    const values = Array.from({ length: 300 }, () => event({ vendorItem: { sku: 'two-lanes' }, quantity: '1' }))
    const { grown } = await settle([0, 1].flatMap((partition) => values.map((value) => ({ value, partition }))))
    expect(grown).toEqual([300, 300, 0])
    expect(await stock('two-lanes')).toBe('300.000000')
    const lanes = new Set(
      member
        .lines('flushed')
        .slice(-2)
        .map((line) => line['lane']),
    )
    expect(lanes).toEqual(new Set([0, 1]))
  })

  test('whatever its decimals look like: 2.50 is 2.5', async () => {
    const value = event({ vendorItem: { sku: 'decimals' }, quantity: '2.50', unitPrice: '1.250' })
    const other = { ...value, quantity: '2.5', unitPrice: '1.25' }
    expect((await settle([{ value, partition: 0 }], [{ value: other, partition: 1 }])).grown).toEqual([1, 1, 0])
    expect(await stock('decimals')).toBe('2.500000')
  })
})

describe('what only looks the same', () => {
  test('an event id of two users is two events', async () => {
    const value = event({ vendorItem: { sku: 'two-users' } })
    const copies = [value, { ...value, userId: 'u-2' }].map((each) => ({ value: each, partition: 0 }))
    expect((await settle(copies)).grown).toEqual([2, 0, 0])
    expect((await rows(value)).map(({ user }) => user)).toEqual(['u-1', 'u-2'])
    expect(await stock('two-users')).toBe('5.000000')
  })

  test.each([
    ['in one batch', true],
    ['in two batches', false],
  ])('an event id with other content is a dead letter: %s', async (name, together) => {
    const value = event({ vendorItem: { sku: name } })
    const first = { value, partition: 0 }
    const second = { value: { ...value, quantity: '7' }, partition: 0 }
    expect((await (together ? settle([first, second]) : settle([first], [second]))).grown).toEqual([1, 0, 1])
    expect([await rows(value), await stock(name)]).toEqual([[{ user: 'u-1', quantity: '2.500000' }], '2.500000'])
    const letters = await world.query('SELECT code, value FROM dead_letter ORDER BY created_at DESC LIMIT 1')
    expect(letters).toEqual([{ code: 'EVENT_ID_CONFLICT', value: Buffer.from(JSON.stringify(second.value)) }])
  })
})

describe('two members', () => {
  test('that write the same events at the same time count each once', async () => {
    const other = world.start('other', { FLUSH_LANES: '2' })
    await other.logged('starting position')
    await member.logged('partitions revoked')
    const values = Array.from({ length: 300 }, () => event({ vendorItem: { sku: 'two-members' }, quantity: '1' }))
    const { grown } = await settle([0, 1].flatMap((partition) => values.map((value) => ({ value, partition }))))
    expect(grown).toEqual([300, 300, 0])
    expect(await stock('two-members')).toBe('300.000000')
    for (const each of [member, other])
      expect(each.lines('flushed').at(-1), each.tail()).toMatchObject({ records: 300 })
  })

  test('and in the end all that was sent here adds up', async () => {
    expect(notOk((await proveWorld(world)).lines)).toEqual([])
  })
})
