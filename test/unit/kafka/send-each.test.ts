import { expect, test } from 'vitest'
import { chunks, type OutRecord } from '../../../src/kafka/producer.ts'
import { sendEach } from '../../../src/kafka/send-each.ts'

/** A topic of `partitions` partitions; `fails` says which requests it does not take. */
const topicOf = (partitions: number, fails: (request: readonly OutRecord[]) => unknown = () => null) => {
  const requests: (readonly OutRecord[])[] = []
  let known = false
  return {
    requests,
    cut: (records: readonly OutRecord[]) => chunks(records),
    partitionOf: ({ key }: OutRecord) => (known ? Number(key) % partitions : null),
    send: async (records: readonly OutRecord[]) => {
      known = true
      requests.push(records)
      const failure = fails(records)
      if (failure !== null) throw failure as Error
    },
  }
}
const recordOf = (key: number, bytes = 1): OutRecord => ({ key: String(key), value: Buffer.alloc(bytes) })
const numbers = (count: number) => Array.from({ length: count }, (_, i) => recordOf(i))
const keysOf = (requests: readonly (readonly OutRecord[])[]) => requests.map((some) => some.map(({ key }) => key))

test('each request holds records of one partition, in order; the first alone, as the partitions are not known yet', async () => {
  const topic = topicOf(2)
  expect(await sendEach(numbers(5), topic)).toEqual([null, null, null, null, null])
  expect(keysOf(topic.requests)).toEqual([['0'], ['1', '3'], ['2', '4']])
  await sendEach(numbers(3), topic)
  expect(keysOf(topic.requests.slice(3))).toEqual([['0', '2'], ['1']])
})

test('a failure is told of the records of its partition only, and what comes after it there is not tried', async () => {
  const refused = new Error('refused')
  const topic = topicOf(2, (records) => (records.some(({ key }) => key === '2') ? refused : null))
  const large = [recordOf(1), recordOf(0), recordOf(2, 700_000), recordOf(4, 700_000), recordOf(3)]
  expect(await sendEach(large, topic)).toEqual([null, { cause: refused }, { cause: refused }, { cause: refused }, null])
  expect(keysOf(topic.requests)).toEqual([['1'], ['0', '2'], ['3']])
})

test('when the first does not get through nothing is tried, as its partition may be that of the others', async () => {
  const down = new Error('down')
  const topic = topicOf(2, () => down)
  expect(await sendEach(numbers(3), topic)).toEqual([{ cause: down }, { cause: down }, { cause: down }])
  expect(topic.requests).toHaveLength(1)
  expect(await sendEach([], topic)).toEqual([])
})
