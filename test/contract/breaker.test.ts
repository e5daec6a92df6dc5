// The breaker closes the group's gate before the dead letters are written; an operator alone opens it.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Decoded } from '../../src/line-items/decode.ts'
import { faultOf } from '../../src/line-items/fault.ts'
import type { Batch } from '../../src/pipeline/sink.ts'
import { createSink } from '../../src/sink/transaction.ts'
import { asLine, batchOf, entryOf, GROUP, lineItem, openSink, type OpenSink, openTestDatabase, recordAt, startAt, type TestDatabase, TOPIC } from '../support/sink.ts' // prettier-ignore

let db: TestDatabase
let open: OpenSink
const claimed = { userId: null, invoiceId: null, lineNumber: null }
const bad: Decoded = { kind: 'rejected', fault: faultOf('JSON_INVALID'), claimed }

beforeAll(async () => {
  db = await openTestDatabase()
  open = openSink(db.url, { breaker: { maxConsecutive: 10, maxRatio: 0.5 } })
})
afterAll(async () => {
  await open.close()
  await db.close()
})
beforeEach(async () => {
  await db.query('TRUNCATE ledger_entry, dead_letter, inventory, consumer_offset, consumer_gate, audit_entry')
  await startAt(open, [0, 1])
})

/** `g` good, `b` bad, `t` tombstone: one record each, from `from` on. */
const batch = (fates: string, from = 0n, partition = 0): Batch<Decoded> =>
  batchOf(
    [...fates].map((fate, i) => {
      const record = recordAt(partition, from + BigInt(i))
      return entryOf(
        record,
        fate === 'g' ? asLine(lineItem()) : fate === 'b' ? bad : { kind: 'ignored', reason: 'tombstone' },
      )
    }),
  )
const attempt = async (what: Batch<Decoded>) => {
  try {
    return await open.sink.write(what)
  } catch (error) {
    return open.sink.classify(error)
  }
}
const letters = async () => Number((await db.query<{ n: string }>('SELECT count(*) AS n FROM dead_letter'))[0]!.n)
const position = async (partition = 0) => (await open.offsets.load([partition])).get(partition)?.nextOffset
const HELD = { fate: 'held', code: 'GATE_CLOSED' }

describe('more dead letters in a row than allowed', () => {
  it('close the gate; nothing of the batch is written, and the reason names the leading code and a record', async () => {
    expect(await attempt(batch('g' + 'b'.repeat(11)))).toMatchObject(HELD)
    expect([await letters(), await position()]).toEqual([0, 0n])
    expect(await open.gate.state()).toMatchObject({
      closure: { code: 'JSON_INVALID', partition: 0, offset: 1n, closedAt: expect.any(Date) as Date },
      actor: 'breaker',
    })
    expect((await open.gate.closure())!.reason).toBe(
      '11 dead letters in a row (limit 10) in partition 0; most of them JSON_INVALID, for example partition 0 offset 1',
    )
  })
  it('are counted over batches, restarts and tombstones, not over a record that was written', async () => {
    expect(await attempt(batch('bbbbb'))).toMatchObject({ deadLettered: 5 })
    const restarted = openSink(db.url, { breaker: { maxConsecutive: 10, maxRatio: 0.5 } })
    expect(await restarted.sink.write(batch('bbtbbb', 5n))).toMatchObject({ deadLettered: 5 })
    await restarted.close()
    expect(await attempt(batch('g', 0n, 1))).toMatchObject({ inserted: 1 }) // another partition does not help
    expect(await attempt(batch('b', 11n))).toMatchObject(HELD)
    expect(await letters()).toBe(10)
    await open.gate.resume(0n, 'test')
    expect(await attempt(batch('gb', 11n))).toMatchObject({ inserted: 1, deadLettered: 1 })
  })
  it('stop every member at its next batch, a good one too, and also after a restart', async () => {
    await attempt(batch('b'.repeat(11)))
    expect(await attempt(batch('g', 0n, 1))).toMatchObject(HELD)
    const restarted = openSink(db.url)
    await expect(restarted.sink.write(batch('g', 0n, 1))).rejects.toMatchObject({ code: 'GATE_CLOSED' })
    await restarted.close()
    expect(await position(1)).toBe(0n)
  })
  it('of another group do not concern us', async () => {
    await attempt(batch('b'.repeat(11)))
    const other = openSink(db.url, { groupId: 'other' })
    await startAt(other, [0])
    expect(await other.sink.write(batch('g'))).toMatchObject({ inserted: 1 })
    await other.close()
  })
})

describe('opening', () => {
  it('without an allowance: what is still bad closes it again, with nothing written', async () => {
    const all = batch('b'.repeat(11))
    await attempt(all)
    expect(await open.gate.resume(0n, 'mia')).toMatchObject({ code: 'JSON_INVALID' })
    expect(await attempt(all)).toMatchObject(HELD)
    expect(await letters()).toBe(0)
  })
  it('with an allowance lets so many pass; the next in a row closes it again', async () => {
    const all = batch('b'.repeat(11))
    await attempt(all)
    await open.gate.resume(11n, 'mia')
    expect(await attempt(all)).toMatchObject({ deadLettered: 11 })
    expect(await open.gate.state()).toMatchObject({ closure: null, allowance: 0n })
    expect(await attempt(batch('b', 11n))).toMatchObject(HELD)
    expect(await letters()).toBe(11)
  })
  it('with a smaller allowance than the batch needs asks for smaller batches', async () => {
    const all = batch('b'.repeat(30))
    await attempt(all)
    await open.gate.resume(15n, 'mia')
    expect(await attempt(all)).toMatchObject({ fate: 'transient', maxRecords: 15 })
    expect(await attempt(batch('b'.repeat(15)))).toMatchObject({ deadLettered: 15 })
    expect(await attempt(batch('b'.repeat(15), 15n))).toMatchObject(HELD)
    expect(await letters()).toBe(15)
  })
  it('with a small allowance for a large batch cuts it step by step, not into single records', async () => {
    const all = batch('g'.repeat(789) + 'b'.repeat(11))
    await attempt(all)
    await open.gate.resume(1n, 'mia')
    expect(await attempt(all)).toMatchObject({ fate: 'transient', maxRecords: 100 })
  })
  it('and pausing are on record, with who and why; closing twice keeps the first reason', async () => {
    expect(await open.gate.pause('rebuild', 'mia')).toBe(true)
    expect(await open.gate.pause('other', 'joe')).toBe(false)
    expect(await open.gate.closure()).toMatchObject({ code: 'PAUSED', reason: 'rebuild' })
    expect(await attempt(batch('g'))).toMatchObject(HELD)
    await open.gate.resume(3n, 'joe')
    expect(await open.gate.resume(0n, 'joe')).toBeNull()
    const audit = await db.query('SELECT actor, action, detail FROM audit_entry ORDER BY id')
    expect(audit.slice(0, 2)).toEqual([
      { actor: 'mia', action: 'gate.pause', detail: { group: GROUP, reason: 'rebuild' } },
      { actor: 'joe', action: 'gate.resume', detail: { group: GROUP, allow: 3, code: 'PAUSED', reason: 'rebuild' } },
    ])
    expect(await attempt(batch('g'))).toMatchObject({ inserted: 1 })
  })
})

it('letters that are known already, read again after an offset reset, do not close the gate', async () => {
  const all = batch('b'.repeat(11))
  await attempt(all)
  await open.gate.resume(11n, 'mia')
  await attempt(all)
  await open.offsets.reset([{ partition: 0, nextOffset: 0n, topicId: null }], 'mia')
  expect(await attempt(all)).toMatchObject({ deadLettered: 11 })
  expect([await letters(), await open.gate.closure()]).toEqual([11, null])
  expect(await attempt(batch('b'.repeat(11), 11n))).toMatchObject(HELD) // new ones do
})

describe('a share of dead letters above the limit', () => {
  const mixed = (records: number) => 'bbg'.repeat(Math.ceil(records / 3)).slice(0, records)
  it('closes the gate once there is a sample', async () => {
    expect(await attempt(batch(mixed(990)))).toMatchObject({ deadLettered: 660 })
    expect(await attempt(batch(mixed(30), 990n))).toMatchObject(HELD)
    expect((await open.gate.closure())!.reason).toMatch(
      /^66\.7 % dead letters \(limit 50\.0 %\) in partition 0; most of them/,
    )
    expect(await letters()).toBe(660)
  })
  it('does not stop a batch that is all well', async () => {
    await attempt(batch(mixed(990)))
    expect(await attempt(batch('g'.repeat(60), 990n))).toMatchObject({ inserted: 60 })
  })
})

describe('an operator who resumes between the roll-back and the closing', () => {
  it('is not overruled: what is closed then is judged anew, with what the operator allowed', async () => {
    const { database, mappings, gate } = open
    const late = createSink({
      ...{ database, mappings, groupId: GROUP, topic: TOPIC, breaker: { maxConsecutive: 10, maxRatio: 0.5 } },
      clock: { wall: () => Date.now(), now: () => performance.now() },
      gate: {
        close: async (...closing) => {
          await gate.resume(20n, 'mia')
          return gate.close(...closing)
        },
      },
    })
    const eleven = batch('b'.repeat(11))
    await expect(late.write(eleven)).rejects.toThrow()
    expect(await gate.state()).toMatchObject({ closure: null, allowance: 20n })
    expect(await attempt(eleven)).toMatchObject({ deadLettered: 11 })
  })
})
