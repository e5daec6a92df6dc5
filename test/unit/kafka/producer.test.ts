import { expect, test } from 'vitest'
import { chunks, isTooLarge, type OutRecord } from '../../../src/kafka/producer.ts'

const record = (bytes: number): OutRecord => ({ key: 'k', value: Buffer.alloc(bytes) })

test('at most 1,000 records a send, none lost, in order', () => {
  const records = Array.from({ length: 2_500 }, () => record(1))
  const cut = chunks(records)
  expect(cut.map((chunk) => chunk.length)).toEqual([1_000, 1_000, 500])
  expect(cut.flat()).toEqual(records)
})

test('at most 800 kB a send', () => {
  expect(chunks([record(300_000), record(300_000), record(300_000)]).map((chunk) => chunk.length)).toEqual([2, 1])
})

test('a record above that goes alone, between its neighbours', () => {
  expect(chunks([record(1), record(900_000), record(1)]).map((chunk) => chunk.length)).toEqual([1, 1, 1])
})

test('nothing to send is no send', () => expect(chunks([])).toEqual([]))

test('too large is told from the rest, however deep', () => {
  const refused = Object.assign(new Error('The request included a message larger than …'), {
    type: 'MESSAGE_TOO_LARGE',
  })
  expect(isTooLarge(new Error('outer', { cause: refused }))).toBe(true)
  expect(isTooLarge(new Error('other'))).toBe(false)
})
