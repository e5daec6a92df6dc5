import { expect, test } from 'vitest'
import { decodeTopic, encodeMetadataRequest } from '../../../src/kafka/topic-id.ts'

// The real broker answers in test/contract/kafka-admin.test.ts; here only what it does not send.

test('a name of more than 126 bytes takes two bytes of length', () => {
  const short = encodeMetadataRequest('a'.repeat(126))
  const long = encodeMetadataRequest('a'.repeat(127))
  expect(long.length - short.length).toBe(2)
})

const answer = (topics: Buffer) =>
  Buffer.concat([
    Buffer.from([1, 7, 2, 0xff, 0xff]), // one tag of two bytes, as a later broker may add
    Buffer.alloc(4), // throttle time
    Buffer.from([2]), // one broker
    Buffer.from([0, 0, 0, 1, 2, 0x68, 0, 0, 0x23, 0x84, 0, 0]), // id, "h", 9092, no rack, no tags
    Buffer.from([2, 0x63]), // cluster "c"
    Buffer.alloc(4), // controller
    topics,
  ])

/** Not internal; one partition with two replicas, one of them in sync; READ. */
const REST = Buffer.from([
  0,
  2,
  ...Array<number>(14).fill(0),
  3,
  ...Array<number>(8).fill(1),
  2,
  0,
  0,
  0,
  1,
  1,
  0,
  0,
  0,
  0,
  8,
  0,
])
/** No partitions; it does not say what we may do. */
const NOTHING = Buffer.from([0, 1, 0x80, 0, 0, 0, 0])

test('tags that a later broker adds are stepped over', () => {
  const topic = Buffer.concat([
    Buffer.from([2, 0, 0, 2, 0x74]),
    Buffer.from('00112233445566778899aabbccddeeff', 'hex'),
    REST,
  ])
  expect(decodeTopic(answer(topic))).toEqual({
    errorCode: 0,
    topicId: '00112233-4455-6677-8899-aabbccddeeff',
    operations: 1 << 3,
  })
})

test('an unknown topic has no id', () => {
  const topic = Buffer.concat([Buffer.from([2, 0, 3, 2, 0x74]), Buffer.alloc(16), NOTHING])
  expect(decodeTopic(answer(topic))).toEqual({ errorCode: 3, topicId: null, operations: null })
})

test('an answer that ends too early', () => {
  expect(() => decodeTopic(answer(Buffer.from([2, 0])))).toThrow('ends too early')
})
