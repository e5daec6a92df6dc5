// Batches that no record can be got out of: the member stops, says where, and an operator passes them by.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProducer } from '../../src/kafka/producer.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import { until } from '../support/until.ts'
import { alterTopic, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openArena(2)
})
afterAll(() => world.close())

const position = async (partition: number) =>
  (await world.standing()).find((each) => each.partition === partition)!.next

const BOMB = 70 * 1_048_576

test('a gzip bomb stops the member with its place, harms nothing beside it, and is passed by with `offsets skip`', async () => {
  await alterTopic(world, { 'max.message.bytes': String(BOMB) })
  await world.send([recordOf(event(), 0), recordOf(event(), 1)])
  const gzip = createProducer(world.config.kafka, createLog('silent'), { compression: 'gzip' })
  await gzip.connect()
  await gzip.send(world.config.topic, [{ key: 'I-1', value: Buffer.alloc(BOMB), partition: 1 }])
  await gzip.disconnect()
  await world.send([recordOf(event(), 0), recordOf(event(), 1)])

  const struck = world.start('struck')
  expect(await struck.ended, struck.tail()).toEqual({ code: 4, signal: null })
  expect(struck.output()).toContain('the record batch at offset 1 of partition 1 cannot be decoded')
  expect(struck.output()).toContain('would become larger than 67108864 bytes')
  const remedy = ['offsets', 'skip', '--partition', '1', '--offset', '1', '--through', '1', '--reason']
  expect(struck.output()).toContain(`sluice ${remedy.join(' ')} \\"…\\" --yes`)
  // What lies before it is not lost with it. (If the stop was faster than the flush, the next member settles it.)
  for (let tries = 0; tries < 3 && (await position(1)) < 1n; tries++) await world.start('again').ended
  expect((await position(1))).toBe(1n)

  // The member that was struck left the group.
  const done = await until('it is allowed', async () => {
    const result = await world.sluice([...remedy, 'a gzip bomb', '--yes'])
    return result.exitCode === 0 ? result : null
  })
  expect(String(done.stdout)).toContain('1 → 2   1 offset never read')
  const audited = await world.query<{ action: string }>('SELECT action FROM audit_entry')
  expect(audited.map(({ action }) => action)).toEqual(['offsets.skip'])

  const next = world.start('next')
  await Promise.race([world.drained(), next.ended.then(() => Promise.reject(new Error(next.tail())))])
  next.kill('SIGTERM')
  expect(await next.ended, next.tail()).toEqual({ code: 0, signal: null })
  const rows = await world.query('SELECT partition, record_offset::int AS at FROM ledger_entry ORDER BY 1, 2')
  expect(rows).toEqual([{ partition: 0, at: 0 }, { partition: 0, at: 1 }, { partition: 1, at: 0 }, { partition: 1, at: 2 }]) // prettier-ignore
  expect(await world.totals()).toMatchObject({ deadLettered: 0, ignored: 0 })
  expect((await world.sluice(['reconcile'])).exitCode).toBe(0)
}) // prettier-ignore
