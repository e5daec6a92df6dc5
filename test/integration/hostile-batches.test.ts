// Batches that no record can be got out of: the member stops, says where, and an operator passes them by.
import { expect, onTestFinished, test } from 'vitest'
import { crc32c } from '../../src/kafka/crc32c.ts'
import { createProducer } from '../../src/kafka/producer.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import { useKafkaProxy } from '../support/kafka-proxy.ts'
import { QUICK_SESSION } from '../support/member.ts'
import { rawBatch, rawRecord, rawRecords, sealed } from '../support/raw-batch.ts'
import { rawProduce } from '../support/raw-produce.ts'
import { stack } from '../support/stack.ts'
import { until } from '../support/until.ts'
import { alterTopic, type World } from '../support/world.ts'

const open = async (): Promise<World> => {
  const world = await openArena(2)
  onTestFinished(() => world.close())
  return world
}
const position = async (world: World, partition: number) =>
  (await world.standing()).find((each) => each.partition === partition)!.next

const BOMB = 70 * 1_048_576
/** Far less than they would take: what docker-compose.yml gives is 512. */
const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=160' }

/** As partition 1 is left to a member: a record, the batch, a record. `last`: offset of the batch's last record. */
type Hostile = { send: (world: World) => Promise<void>; last: number; says: string }

const gzipBomb = async ({ config }: World) => {
  const gzip = createProducer(config.kafka, createLog('silent'), { compression: 'gzip' })
  await gzip.connect()
  await gzip.send(config.topic, [{ key: 'I-1', value: Buffer.alloc(BOMB), partition: 1 }])
  await gzip.disconnect()
}
const raw = (batch: () => Buffer) => async (world: World) => expect(await rawProduce(world.config, 1, batch())).toBe(0)

const TABLE: [string, Hostile][] = [
  ['a gzip bomb', { send: gzipBomb, last: 1, says: 'would become larger than 67108864 bytes' }],
  [
    'a bomb of headers: 30 million in one record, 60 kB on the wire',
    {
      send: raw(() => rawBatch({ body: rawRecord(0, 30_000_000), count: 1, gzip: true, timestamp: Date.now() })),
      last: 1,
      says: 'a record has 30000000 headers, more than 100000',
    },
  ],
  [
    'a bomb of records: 400,000 of 7 to 10 bytes',
    {
      send: raw(() => rawBatch({ body: rawRecords(400_000), count: 400_000, gzip: true, timestamp: Date.now() })),
      last: 400_000,
      says: 'its 400000 records would take more than 134217728 bytes of memory',
    },
  ],
]

test.each(TABLE)('%s stops the member with its place, harms nothing beside it, and is passed by with `offsets skip`', async (_, { send, last, says }) => {
  const world = await open()
  await alterTopic(world, { 'max.message.bytes': String(BOMB) })
  await world.send([recordOf(event(), 0), recordOf(event(), 1)])
  await send(world)
  await world.send([recordOf(event(), 0), recordOf(event(), 1)])

  const struck = world.start('struck', SMALL_HEAP)
  expect(await struck.ended, struck.tail()).toEqual({ code: 4, signal: null })
  expect(struck.output()).toContain('the record batch at offset 1 of partition 1 cannot be decoded')
  expect(struck.output()).toContain(says)
  const remedy = ['offsets', 'skip', '--partition', '1', '--offset', '1', '--through', String(last), '--reason']
  expect(struck.output()).toContain(`sluice ${remedy.join(' ')} \\"…\\" --yes`)
  // What lies before it is not lost with it. (If the stop was faster than the flush, the next member settles it.)
  for (let tries = 0; tries < 3 && (await position(world, 1)) < 1n; tries++) await world.start('again', SMALL_HEAP).ended
  expect(await position(world, 1)).toBe(1n)

  // The member that was struck left the group.
  const done = await until('it is allowed', async () => {
    const result = await world.sluice([...remedy, 'a bomb', '--yes'])
    return result.exitCode === 0 ? result : null
  })
  expect(String(done.stdout)).toMatch(new RegExp(`1 → ${last + 1} {3}[\\d,]+ offsets? never read`))
  const audited = await world.query<{ action: string }>('SELECT action FROM audit_entry')
  expect(audited.map(({ action }) => action)).toEqual(['offsets.skip'])

  const next = world.start('next', SMALL_HEAP)
  await Promise.race([world.drained(), next.ended.then(() => Promise.reject(new Error(next.tail())))])
  next.kill('SIGTERM')
  expect(await next.ended, next.tail()).toEqual({ code: 0, signal: null })
  const rows = await world.query('SELECT partition, record_offset::int AS at FROM ledger_entry ORDER BY 1, 2')
  expect(rows).toEqual([{ partition: 0, at: 0 }, { partition: 0, at: 1 }, { partition: 1, at: 0 }, { partition: 1, at: last + 1 }]) // prettier-ignore
  expect(await world.totals()).toMatchObject({ deadLettered: 0, ignored: 0 })
  expect((await world.sluice(['reconcile'])).exitCode).toBe(0)
}) // prettier-ignore

const UNKNOWN_CODEC = 5
const withCodec = (batch: Buffer): Buffer => {
  batch.writeInt16BE(UNKNOWN_CODEC, 21)
  return sealed(batch)
}

test('a checksum that is wrong and a codec that nobody knows: the broker takes neither', async () => {
  const world = await open()
  const whole = () => rawBatch({ body: rawRecord(0), count: 1, timestamp: Date.now() })
  const damaged = whole()
  damaged[damaged.length - 1]! ^= 4
  expect(await rawProduce(world.config, 0, damaged)).not.toBe(0)
  expect(await rawProduce(world.config, 0, withCodec(whole()))).not.toBe(0)
  expect(await rawProduce(world.config, 0, whole())).toBe(0)
})

/** Of the only batch in the answer to a fetch: it is where the checksum is right. */
const batchIn = (answer: Buffer): Buffer | null => {
  for (let at = 0; at + 61 <= answer.length; at++) {
    const end = at + 12 + answer.readInt32BE(at + 8)
    if (answer[at + 16] !== 2 || end < at + 61 || end > answer.length) continue
    if (crc32c(answer, at + 21, end) === answer.readUInt32BE(at + 17)) return answer.subarray(at, end)
  }
  return null
}

// A disk or a network damages what the broker took.
test.each<[string, (batch: Buffer) => void, string]>([
  ['a checksum that is wrong', (batch) => void (batch[batch.length - 3]! ^= 4), 'its checksum is wrong'],
  ['a codec that nobody knows', withCodec, 'it is compressed with a codec that is not known here (5)'],
])('%s, on the way: nothing of it is read, and the next member reads what is there', async (_, damage, says) => {
  const world = await open()
  await world.send([recordOf(event(), 1)])
  const proxy = await useKafkaProxy(stack().brokers)
  const change = (answer: Buffer) => {
    const batch = batchIn(answer)
    if (batch) damage(batch)
  }
  proxy.rule({ api: 'Fetch', times: 1_000, fault: { change } })
  const struck = world.start('struck', { ...QUICK_SESSION, KAFKA_BROKERS: proxy.brokers.join(',') })
  expect(await struck.ended, struck.tail()).toEqual({ code: 4, signal: null })
  expect(struck.output()).toContain(`the record batch at offset 0 of partition 1 cannot be decoded: ${says}`)
  expect(await world.totals()).toMatchObject({ inserted: 0, deadLettered: 0 })
  const next = world.start('next')
  await world.drained()
  next.kill('SIGTERM')
  expect((await next.ended).code, next.tail()).toBe(0)
  expect(await world.totals()).toMatchObject({ inserted: 1, deadLettered: 0 })
})
