// The relay when something fails beside it or under it: nothing lost, nobody blocked, one copy while nobody is killed.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { createDatabase } from '../../src/sink/database.ts'
import { createOutbox } from '../../src/sink/outbox.ts'
import { openProxy } from '../support/proxy.ts'
import { headerText, openRelayWorld, type RelayWorld, sorted } from '../support/relay.ts'
import { GROUP } from '../support/sink.ts'
import { until } from '../support/until.ts'

let world: RelayWorld
beforeAll(async () => {
  world = await openRelayWorld()
})
afterAll(() => world.close())

const keyed = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ key: Buffer.from(`k${i % 5}`), value: Buffer.from(String(i)) }))
/** Ends what a failed test left running, so that it does not work on the letters of the next. */
afterEach(() => world.endRelays())

const gone = async (outbox: { pending(): Promise<number> }) => (await outbox.pending()) === 0

it('several relays at once: each letter once, the order of a key kept', async () => {
  const topic = await world.newTopic(3)
  const relays = Array.from({ length: 4 }, () => world.relay(topic))
  const running = relays.map((relay) => relay.run())
  const offsets: bigint[] = []
  for (let round = 0; round < 4; round++) {
    offsets.push(...(await world.deadLetters(keyed(150))))
    relays.forEach((relay) => relay.notify())
  }
  await until('all published', () => gone(relays[0]!.outbox))
  await Promise.all(relays.map((relay) => relay.end(10_000)))
  await Promise.all(running)
  const records = await world.published(topic)
  const found = records.map(({ headers }) => BigInt(headerText(headers, 'dlq.original.offset')[0]!))
  expect(sorted(found)).toEqual(offsets)
  for (let key = 0; key < 5; key++) {
    const mine = found.filter((_, i) => records[i]!.key!.toString() === `k${key}`)
    expect(mine).toEqual(sorted(mine))
  }
})

it('a send that takes longer than the lease keeps it: no second copy, although another relay waits for it', async () => {
  const topic = await world.newTopic()
  const offsets = await world.deadLetters(keyed(3))
  const leaseMs = 600
  let release = () => {}
  const parked = new Promise<void>((resolve) => (release = resolve))
  let sending = false
  const slow = world.relay(topic, {
    leaseMs,
    send: async (records) => {
      sending = true
      await parked
      return world.producer.sendEach(topic, records)
    },
  })
  const other = world.relay(topic, { leaseMs })
  const running = [slow.run()]
  await until('the send began', () => sending)
  const [first] = await world.db.query<{ until: Date }>('SELECT max(claimed_until) AS until FROM dead_letter')
  running.push(other.run())
  // Three leases later.
  await until('the lease was renewed', async () => {
    const [row] = await world.db.query<{ renewed: boolean }>(
      'SELECT min(claimed_until) > $1::timestamptz + make_interval(secs => $2) AS renewed FROM dead_letter WHERE published_at IS NULL',
      [first!.until, (3 * leaseMs) / 1000],
    )
    return row!.renewed
  })
  release()
  await until('all published', () => gone(other.outbox))
  await Promise.all([slow, other].map((relay) => relay.end(5_000)))
  await Promise.all(running)
  expect(await world.publishedOffsets(topic)).toEqual(offsets)
  expect(other.events).toEqual([])
})

it('killed between send and mark: the lease ends, and another publishes again: one extra copy, the same dlq.id', async () => {
  const topic = await world.newTopic(2)
  const offsets = await world.deadLetters(keyed(8))
  const script = fileURLToPath(new URL('../support/relay-child.ts', import.meta.url))
  const child = fork(script, [world.db.url, world.brokers.join(','), GROUP, topic, '2000'], { execArgv: ['--import', 'tsx'] }) // prettier-ignore
  const [message] = (await once(child, 'message')) as [{ sent: number }]
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(message).toEqual({ sent: 8 })
  const heir = world.relay(topic, { leaseMs: 2_000 })
  const running = heir.run()
  await until('all published', () => gone(heir.outbox))
  await heir.end(5_000)
  await running
  const ids = (await world.published(topic)).map(({ headers }) => headerText(headers, 'dlq.id')[0]!)
  expect(new Set(ids).size).toBe(8)
  expect(ids).toHaveLength(16)
  expect(sorted(await world.publishedOffsets(topic))).toEqual(sorted([...offsets, ...offsets]))
})

it('PostgreSQL gone between send and mark: marked when it is back, no second copy', async () => {
  const topic = await world.newTopic()
  const offsets = await world.deadLetters(keyed(3))
  const server = new URL(world.db.url)
  const proxy = await openProxy(server.hostname, Number(server.port))
  const through = new URL(world.db.url)
  through.host = `127.0.0.1:${proxy.port}`
  const database = createDatabase({ url: through.href, poolSize: 2, writer: 'fast' })
  const relay = world.relay(topic, {
    outbox: createOutbox({ database, groupId: GROUP }),
    send: async (records) => {
      const results = await world.producer.sendEach(topic, records)
      proxy.down()
      return results
    },
  })
  const running = relay.run()
  await until('it cannot mark', () => relay.told('dead-letters-waiting').length > 0)
  expect(relay.told('dead-letters-waiting')[0]).toMatchObject({ count: null, oldestAgeMs: null })
  proxy.up()
  await until('marked', () => gone(relay.outbox))
  await relay.end(5_000)
  await running
  await database.close()
  await proxy.close()
  expect(await world.publishedOffsets(topic)).toEqual(offsets)
})

it('while the topic takes nothing letters wait, how many and how long is told, and the sink settles on; then all go out', async () => {
  const topic = await world.newTopic()
  const offsets = await world.deadLetters(keyed(3))
  let down = true
  const refused = Object.assign(new Error('too few replicas'), { type: 'NOT_ENOUGH_REPLICAS' })
  const relay = world.relay(topic, {
    send: async (records) =>
      down ? records.map(() => ({ cause: refused })) : await world.producer.sendEach(topic, records),
  })
  const running = relay.run()
  await until('it cannot send', () => relay.told('dead-letters-waiting').length > 0)
  expect(relay.told('dead-letters-waiting')[0]).toMatchObject({ code: 'NOT_ENOUGH_REPLICAS', count: 3, cause: refused })
  const more = await world.deadLetters(keyed(2))
  // The lease was given back: another member need not wait for its end.
  const rows = await world.db.query('SELECT FROM dead_letter WHERE published_at IS NULL AND claimed_until IS NOT NULL')
  expect(rows).toEqual([])
  down = false
  relay.notify()
  await until('all published', () => gone(relay.outbox))
  await relay.end(5_000)
  await running
  expect(await world.publishedOffsets(topic)).toEqual([...offsets, ...more])
})

it('the DLQ topic deleted under it: letters wait, and reach the topic that is made in its place', async () => {
  const topic = await world.newTopic(4)
  const relay = world.relay(topic)
  const running = relay.run()
  await world.deadLetters(keyed(5))
  relay.notify()
  await until('published', () => gone(relay.outbox))
  await world.admin.deleteTopics({ topics: [topic] })
  await until('deleted', async () => (await world.topics.describeTopic(topic)) === null)
  const offsets = await world.deadLetters(keyed(10))
  relay.notify()
  await until('it cannot send', () => relay.told('dead-letters-waiting').length > 0)
  expect(relay.told('dead-letters-waiting')[0]).toMatchObject({ count: 10 })
  const more = await world.deadLetters(keyed(2))
  await world.createTopic(topic, 1) // with fewer partitions than before
  relay.notify()
  await until('all published', () => gone(relay.outbox))
  await relay.end(5_000)
  await running
  expect(sorted(await world.publishedOffsets(topic))).toEqual([...offsets, ...more])
})

it('a send to a partition that is not there fails: kafkajs itself leaves it out and says that all is well', async () => {
  const topic = await world.newTopic(2)
  const value = Buffer.from('1')
  const records = [0, 7, 1].map((partition) => ({ partition, key: null, value }))
  await expect(world.producer.send(topic, records)).rejects.toThrow('has not taken what was sent to partition 7')
  const results = await world.producer.sendEach(topic, records)
  expect(results.map((result) => result !== null)).toEqual([false, true, false])
})

it('letters discarded or purged while a relay sends them do no harm', async () => {
  const topic = await world.newTopic()
  const offsets = await world.deadLetters(keyed(3))
  const relay = world.relay(topic, {
    send: async (records) => {
      await world.db.query('DELETE FROM dead_letter WHERE record_offset = $1', [offsets[0]])
      await world.db.query(`UPDATE dead_letter SET status = 'discarded' WHERE record_offset = $1`, [offsets[1]])
      return world.producer.sendEach(topic, records)
    },
  })
  await relay.end(10_000)
  expect(await relay.outbox.pending()).toBe(0)
  const rows = 'SELECT status, published_at IS NOT NULL AS published FROM dead_letter WHERE record_offset >= $1 ORDER BY record_offset' // prettier-ignore
  expect(await world.db.query(rows, [offsets[0]])).toEqual([
    { status: 'discarded', published: true },
    { status: 'open', published: true },
  ])
})

it('letters that have waited long are told of, once a minute at most, also when nothing fails', async () => {
  const topic = await world.newTopic()
  await world.deadLetters(keyed(2))
  await world.db.query(`UPDATE dead_letter SET deferred_until = now() + interval '1 hour',
    created_at = now() - interval '40 seconds' WHERE published_at IS NULL`)
  let now = 0
  const relay = world.relay(topic, { clock: { ...systemClock, now: () => now } })
  const running = relay.run()
  const told = () => relay.told('dead-letters-waiting')
  await until('told', () => told().length === 1)
  expect(told()[0]).toMatchObject({ code: 'OLD', cause: null, count: 2 })
  now = 59_999
  relay.notify()
  await world.deadLetters(keyed(1))
  relay.notify()
  await until('another was published', () => relay.told('dead-letters-published').length === 1)
  now = 60_000
  relay.notify()
  await until('told again', () => told().length === 2)
  await relay.end(5_000)
  await running
})
