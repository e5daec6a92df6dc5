import { expect, test } from 'vitest'
import { recordView } from '../../../src/http/record-view.ts'
import type { Header } from '../../../src/pipeline/source-record.ts'

const headers: Header[] = []
const binary = (length: number) => Buffer.alloc(length, 0xff)

test.each<[string, Parameters<typeof recordView>[0], boolean]>([
  ['a tombstone', { key: null, value: null, headers }, false],
  ['binary that fits', { key: null, value: binary(512), headers }, false],
  ['binary beyond the hex', { key: null, value: binary(10_000), headers }, true],
  ['a binary key beyond the hex', { key: binary(513), value: null, headers }, true],
  ['text that fits', { key: null, value: Buffer.from('x'.repeat(16_384)), headers }, false],
  ['JSON that fits until it is laid out', { key: null, value: Buffer.from(`[${'1,'.repeat(8_000)}1]`), headers }, true],
  ['a long header', { key: null, value: null, headers: [['h', Buffer.from('x'.repeat(1_025))]] }, true],
])('cut says that something is not shown: %s', (_, record, cut) => expect(recordView(record).cut).toBe(cut))

test('a header without a value is not one with an empty value', () => {
  const { headers: shown } = recordView({
    ...{ key: null, value: null },
    headers: [
      ['null', null],
      ['empty', Buffer.alloc(0)],
    ],
  })
  expect(shown).toEqual([
    { name: 'null', form: 'none', text: '' },
    { name: 'empty', form: 'text', text: '' },
  ])
})
