import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { DeadLetterRow } from '../../../src/dead-letters/dead-letter.ts'
import { envelope, truncatedEnvelope } from '../../../src/dead-letters/envelope.ts'
import type { Header } from '../../../src/pipeline/source-record.ts'

const at = new Date('2026-11-22T03:00:00.000Z')
const letter = (over: Partial<DeadLetterRow> = {}): DeadLetterRow => ({
  id: 'f'.repeat(64),
  groupId: 'g',
  topic: 't',
  partition: 3,
  recordOffset: 42n,
  recordTimestamp: at,
  key: Buffer.from('536365'),
  value: Buffer.from([0xff, 0x00]),
  headers: [],
  stage: 'validate',
  code: 'QUANTITY_ZERO',
  sqlstate: null,
  path: '/quantity',
  message: 'The quantity is zero.',
  attempts: 1,
  seenCount: 1,
  replayCount: 0,
  userId: 'u-1',
  invoiceId: '536365',
  lineNumber: 1,
  status: 'open',
  failedAt: at,
  publishedAt: null,
  claimedUntil: null,
  createdAt: at,
  valueSha256: null,
  replayHash: null,
  replaySentAt: null,
  resolvedAt: null,
  discardReason: null,
  ...over,
})
const text = (headers: readonly Header[]) => headers.map(([name, value]) => [name, value?.toString() ?? null])

test('key and value are the bytes of the record, and the headers say where it came from and why', () => {
  const { key, value, headers } = envelope(letter(), '1.2.3')
  expect(key).toEqual(Buffer.from('536365'))
  expect(value).toEqual(Buffer.from([0xff, 0x00]))
  expect(text(headers)).toEqual([
    ['dlq.version', '1'],
    ['dlq.id', 'f'.repeat(64)],
    ['dlq.original.topic', 't'],
    ['dlq.original.partition', '3'],
    ['dlq.original.offset', '42'],
    ['dlq.original.timestamp', '2026-11-22T03:00:00.000Z'],
    ['dlq.group', 'g'],
    ['dlq.stage', 'validate'],
    ['dlq.error.code', 'QUANTITY_ZERO'],
    ['dlq.error.class', 'record'],
    ['dlq.error.path', '/quantity'],
    ['dlq.error.message', 'The quantity is zero.'],
    ['dlq.failed.at', '2026-11-22T03:00:00.000Z'],
    ['dlq.attempts', '1'],
    ['dlq.app.version', '1.2.3'],
  ])
})

test('what the database refused names the SQLSTATE', () => {
  const { headers } = envelope(letter({ code: 'ROW_REJECTED', stage: 'write', sqlstate: '23514', path: null }), '1')
  expect(text(headers)).toContainEqual(['dlq.error.class', 'database'])
  expect(text(headers)).toContainEqual(['dlq.error.sqlstate', '23514'])
  expect(headers.map(([name]) => name)).not.toContain('dlq.error.path')
})

test('the headers of the record come first, repeated and empty ones too; a foreign dlq.* is dropped and counted', () => {
  const given: Header[] = [
    ['trace', Buffer.from('1')],
    ['trace', null],
    ['dlq.id', Buffer.from('forged')],
    ['__proto__', Buffer.from([0])],
  ]
  const { headers } = envelope(letter({ headers: given }), '1')
  expect(headers.slice(0, 3)).toEqual([given[0], given[1], given[3]])
  expect(text(headers).filter(([name]) => name === 'dlq.id')).toEqual([['dlq.id', 'f'.repeat(64)]])
  expect(text(headers)).toContainEqual(['dlq.headers.dropped', '1'])
})

test('of thousands of headers, or of a huge one, only what fits is copied', () => {
  const many = Array.from({ length: 5_000 }, (_, i): Header => [`h${i}`, Buffer.from('x')])
  const { headers } = envelope(letter({ headers: [['big', Buffer.alloc(10_000)], ...many] }), '1')
  expect(headers.filter(([name]) => /^h\d/.test(name))).toHaveLength(64)
  expect(text(headers)).toContainEqual(['dlq.headers.dropped', String(5_001 - 64)])
})

test('too large for its topic: the beginning of the value, its size and its hash; at last no value at all', () => {
  const value = Buffer.alloc(300_000, 7)
  const sha256 = createHash('sha256').update(value).digest('hex')
  const short = truncatedEnvelope(letter({ value, headers: [['a', Buffer.from('b')]] }), '1', 1_000)
  expect(short.value).toEqual(value.subarray(0, 1_000))
  expect(short.key).toEqual(Buffer.from('536365'))
  expect(text(short.headers)).toEqual(
    expect.arrayContaining([
      ['a', 'b'],
      ['dlq.value.truncated', 'true'],
      ['dlq.value.bytes', '300000'],
      ['dlq.value.sha256', sha256],
    ]),
  )
  const least = truncatedEnvelope(letter({ value, headers: [['a', Buffer.from('b')]] }), '1', 0)
  expect([least.key, least.value]).toEqual([null, Buffer.alloc(0)])
  expect(least.headers.every(([name]) => name.startsWith('dlq.'))).toBe(true)
})
