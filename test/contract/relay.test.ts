// From the outbox table to a real DLQ topic: what arrives there.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SourceRecord } from '../../src/pipeline/source-record.ts'
import { headerText, openRelayWorld, type RelayWorld, sorted } from '../support/relay.ts'

let world: RelayWorld
beforeAll(async () => {
  world = await openRelayWorld()
})
afterAll(() => world.close())

const AT = 1_700_000_000_000
const text = (value: string) => Buffer.from(value)
/** What the topic holds, by the offset of the record that failed; fails when a letter is there twice. */
const byOffset = async (topic: string) => {
  const records = await world.published(topic)
  const found = new Map(
    records.map((record) => [BigInt(headerText(record.headers, 'dlq.original.offset')[0]!), record]),
  )
  expect(records).toHaveLength(found.size)
  return found
}
const publishAll = async (topic: string, records: readonly Partial<SourceRecord>[]) => {
  const offsets = await world.deadLetters(records)
  const { end, events, outbox } = world.relay(topic)
  await end(60_000)
  return { offsets, events, pending: await outbox.pending(), found: await byOffset(topic) }
}

it('letters reach the topic byte for byte, once each; one that is too large is cut, with its size and hash', async () => {
  const topic = await world.newTopic(3)
  const huge = Buffer.alloc(1_500_000, 1)
  const headers = [['h', Buffer.from([0, 255])], ['h', null], ['e', Buffer.alloc(0)]] as const // prettier-ignore
  const behind = Array.from({ length: 20 }, (_, i) => ({ key: text(`k${i}`), value: text(`${i}`) }))
  const { offsets, found, pending, events } = await publishAll(topic, [
    ...behind,
    { key: null, value: Buffer.from([255]), headers },
    { key: text('k'), value: huge, headers },
    { value: Buffer.alloc(0) },
    ...behind,
  ])
  expect(pending).toBe(0)
  expect(events).toMatchObject([{ type: 'dead-letters-published', count: 43 }])
  expect([...found.keys()].sort()).toEqual([...offsets].sort())
  const [odd, cut, empty] = offsets.slice(20).map((offset) => found.get(offset)!)
  expect(odd).toMatchObject({ key: null, value: Buffer.from([255]), timestamp: AT })
  expect(odd!.headers.slice(0, 3)).toEqual(headers)
  expect(empty!.value).toEqual(Buffer.alloc(0))
  expect(cut!.key).toEqual(text('k'))
  expect(cut!.value).toEqual(huge.subarray(0, 65_536))
  expect(cut!.headers.slice(0, 3)).toEqual(headers)
  expect(headerText(cut!.headers, 'dlq.value.truncated')).toEqual(['true'])
  expect(headerText(cut!.headers, 'dlq.value.bytes')).toEqual(['1500000'])
  expect(headerText(cut!.headers, 'dlq.value.sha256')).toEqual([createHash('sha256').update(huge).digest('hex')])
})

it('the time of the record is kept, however old, also beside others in one request; without one it is that of sending', async () => {
  const topic = await world.newTopic()
  const times = [AT, 0, 999, 1_000_000_000_000, 999_999_999_999, -1, AT + 1]
  const before = Date.now()
  const { offsets, found } = await publishAll(topic, times.map((timestamp) => ({ timestamp }))) // prettier-ignore
  const kept = offsets.map((offset) => found.get(offset)!.timestamp)
  expect(kept.filter((_, i) => times[i] !== -1)).toEqual(times.filter((time) => time !== -1))
  expect(kept[5]).toBeGreaterThanOrEqual(before)
  // The broker's index of times is right too, although kafkajs sorts them as text.
  const [late] = await world.admin.fetchTopicOffsetsByTimestamp(topic, AT + 1)
  expect(late).toMatchObject({ offset: '5' })
})

it('a time too far ahead, which brokers refuse, stays in the header alone; its neighbours keep theirs', async () => {
  const topic = await world.newTopic(1, { 'message.timestamp.after.max.ms': '3600000' })
  const ahead = Date.now() + 48 * 3_600_000
  const before = Date.now()
  const { offsets, found, events } = await publishAll(topic, [{ timestamp: AT }, { timestamp: ahead }, { timestamp: AT + 1 }]) // prettier-ignore
  const [first, future, last] = offsets.map((offset) => found.get(offset)!)
  expect([first!.timestamp, last!.timestamp]).toEqual([AT, AT + 1])
  expect(future!.timestamp).toBeGreaterThanOrEqual(before)
  expect(future!.timestamp).toBeLessThan(ahead)
  expect(headerText(future!.headers, 'dlq.original.timestamp')).toEqual([new Date(ahead).toISOString()])
  expect(events).toMatchObject([{ type: 'dead-letters-published', count: 3 }])
})

it('letters of one key share a partition, the one that the default partitioner gives their key, in the order of their records', async () => {
  const topic = await world.newTopic(4)
  const records = Array.from({ length: 250 }, (_, i) => ({ key: text(`invoice-${i % 7}`), value: text(String(i)) }))
  const { found } = await publishAll(topic, records)
  const ordered = [...found.values()].sort((a, b) => a.partition - b.partition || Number(a.offset - b.offset))
  for (let key = 0; key < 7; key++) {
    const mine = ordered.filter((record) => record.key!.toString() === `invoice-${key}`)
    expect(new Set(mine.map(({ partition }) => partition)).size).toBe(1)
    expect(mine.map(({ value }) => Number(value!.toString()))).toEqual(
      records.map((_, i) => i).filter((i) => i % 7 === key),
    )
    // Where a producer that knows nothing of us puts that key.
    await world.producer.send(topic, [{ key: `invoice-${key}`, value: text('theirs') }])
  }
  const theirs = (await world.published(topic)).filter(({ value }) => value?.toString() === 'theirs')
  const partitionOf = new Map(theirs.map(({ key, partition }) => [key!.toString(), partition]))
  expect(ordered.every(({ key, partition }) => partitionOf.get(key!.toString()) === partition)).toBe(true)
  expect(new Set(ordered.map(({ partition }) => partition)).size).toBeGreaterThan(1)
})

it.each([
  { bytes: 100_000, value: 65_536, key: 'k', least: false },
  { bytes: 3_000, value: 0, key: 'k', least: false },
  { bytes: 600, value: 0, key: null, least: true },
])('a topic that takes $bytes bytes gets as much as fits: $value of the value, key $key', async (expected) => {
  const topic = await world.newTopic(2, { 'max.message.bytes': String(expected.bytes) })
  const value = Buffer.alloc(200_000, 7)
  const { found, offsets, pending } = await publishAll(topic, [{ key: text('k'), value }])
  const [letter] = offsets.map((offset) => found.get(offset)!)
  expect(letter!.value).toHaveLength(expected.value)
  expect(letter!.key?.toString() ?? null).toBe(expected.key)
  expect(headerText(letter!.headers, 'dlq.value.truncated')).toEqual(['true'])
  expect(headerText(letter!.headers, 'dlq.error.message')).toHaveLength(expected.least ? 0 : 1)
  expect(pending).toBe(0)
})

it('a letter that is refused whatever is left out waits by itself: those before and behind it are published once', async () => {
  const topic = await world.newTopic(2, { 'cleanup.policy': 'compact' }) // takes no record without a key
  const keyed = (n: number) => ({ key: text(`k${n}`), value: text(String(n)) })
  const offsets = await world.deadLetters([keyed(1), { key: null }, keyed(2), { key: null }, keyed(3)])
  const { end, events, outbox } = world.relay(topic)
  await end(60_000)
  expect(sorted(await world.publishedOffsets(topic))).toEqual([offsets[0], offsets[2], offsets[4]])
  expect(await outbox.pending()).toBe(2)
  expect(events.filter(({ type }) => type === 'dead-letter-deferred')).toEqual(
    [offsets[1], offsets[3]].map((offset) => ({
      ...{ type: 'dead-letter-deferred', topic: 'test.lines', partition: 0, offset },
      ...{ id: expect.stringMatching(/^[0-9a-f]{64}$/) as string, code: 'INVALID_RECORD', deferMs: 600_000 },
    })),
  )
  // Once the topic takes them, and their time has come, they go out as they are.
  const mended = await world.newTopic()
  await world.db.query('UPDATE dead_letter SET deferred_until = now() WHERE published_at IS NULL')
  const second = world.relay(mended)
  await second.end(60_000)
  expect(await world.publishedOffsets(mended)).toEqual([offsets[1], offsets[3]])
  expect(await second.outbox.pending()).toBe(0)
})
