import { expect, test } from 'vitest'
import { decodeTopicId, encodeMetadataRequest } from '../../../src/kafka/topic-id.ts'

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

test('tags that a later broker adds are stepped over', () => {
  const topic = Buffer.concat([Buffer.from([2, 0, 0, 2, 0x74]), Buffer.from('00112233445566778899aabbccddeeff', 'hex')])
  expect(decodeTopicId(answer(topic))).toEqual({ errorCode: 0, topicId: '00112233-4455-6677-8899-aabbccddeeff' })
})

test('an unknown topic has no id', () => {
  const topic = Buffer.concat([Buffer.from([2, 0, 3, 2, 0x74]), Buffer.alloc(16)])
  expect(decodeTopicId(answer(topic))).toEqual({ errorCode: 3, topicId: null })
})

test('an answer that ends too early', () => {
  expect(() => decodeTopicId(answer(Buffer.from([2, 0])))).toThrow('ends too early')
})
