import { expect, test } from 'vitest'
import { chunks, type OutRecord } from '../../../src/kafka/producer.ts'
import { codeOf, refusalOf } from '../../../src/kafka/refusal.ts'

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

test('a refused record is told from the rest, however deep, and what refused it is named', () => {
  const wrapped = (type: string) => new Error('outer', { cause: Object.assign(new Error('broker'), { type }) })
  expect(refusalOf(wrapped('MESSAGE_TOO_LARGE'))).toBe('too-large')
  expect(refusalOf(wrapped('INVALID_TIMESTAMP'))).toBe('timestamp')
  expect(refusalOf(wrapped('INVALID_RECORD'))).toBe('record')
  expect(refusalOf(new TypeError('not a Buffer'))).toBe('record')
  expect(refusalOf(wrapped('NOT_ENOUGH_REPLICAS'))).toBeNull()
  expect(refusalOf(new Error('other'))).toBeNull()
  expect([codeOf(wrapped('INVALID_RECORD')), codeOf(new Error('other'))]).toEqual(['INVALID_RECORD', 'RELAY'])
})
