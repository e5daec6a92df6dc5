import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { DeadLetterRow } from '../../../src/dead-letters/dead-letter.ts'
import { envelope, type EnvelopeOptions, portionsOf } from '../../../src/dead-letters/envelope.ts'
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
const options: EnvelopeOptions = { appVersion: '1.2.3', headerCompat: 'none', portion: 'full', dated: true }
const made = (over: Partial<DeadLetterRow> = {}, more: Partial<EnvelopeOptions> = {}) =>
  envelope(letter(over), { ...options, ...more })
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const names = (headers: readonly Header[]) => headers.map(([name]) => name)
const text = (headers: readonly Header[]) => headers.map(([name, value]) => [name, value?.toString() ?? null])

test('key, value and time are those of the record, and the headers say where it came from and why', () => {
  const { key, value, headers, timestamp } = made()
  expect(key).toEqual(Buffer.from('536365'))
  expect(value).toEqual(Buffer.from([0xff, 0x00]))
  expect(timestamp).toBe(at.getTime())
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
    ['dlq.value.bytes', '2'],
    ['dlq.value.sha256', sha256(Buffer.from([0xff, 0x00]))],
  ])
})

test('without a time of its own, or when the brokers do not take it, a record gets none; the header stays', () => {
  const none = made({ recordTimestamp: null })
  expect(none).not.toHaveProperty('timestamp')
  expect(names(none.headers)).not.toContain('dlq.original.timestamp')
  const undated = made({}, { dated: false })
  expect(undated).not.toHaveProperty('timestamp')
  expect(names(undated.headers)).toContain('dlq.original.timestamp')
  expect(made({ recordTimestamp: new Date(0) }).timestamp).toBe(0)
})

test('a letter that failed again after a replay says how often', () => {
  expect(text(made({ replayCount: 2 }).headers)).toContainEqual(['dlq.replay.count', '2'])
  expect(names(made().headers)).not.toContain('dlq.replay.count')
})

test('what the database refused names the SQLSTATE', () => {
  const { headers } = made({ code: 'ROW_REJECTED', stage: 'write', sqlstate: '23514', path: null })
  expect(text(headers)).toContainEqual(['dlq.error.class', 'database'])
  expect(text(headers)).toContainEqual(['dlq.error.sqlstate', '23514'])
  expect(names(headers)).not.toContain('dlq.error.path')
})

test('the headers of the record come first, repeated and empty ones too; a foreign dlq.* is dropped and counted', () => {
  const given: Header[] = [
    ['trace', Buffer.from('1')],
    ['trace', null],
    ['dlq.id', Buffer.from('forged')],
    ['__proto__', Buffer.from([0])],
    ['__connect.errors.topic', Buffer.from('of another system')],
  ]
  const { headers } = made({ headers: given })
  expect(headers.slice(0, 4)).toEqual([given[0], given[1], given[3], given[4]])
  expect(text(headers).filter(([name]) => name === 'dlq.id')).toEqual([['dlq.id', 'f'.repeat(64)]])
  expect(text(headers)).toContainEqual(['dlq.headers.dropped', '1'])
})

test('for readers of Kafka Connect: all ten of its headers, and none that the producer sent under their names', () => {
  const given: Header[] = [
    ['__connect.errors.topic', Buffer.from('forged')],
    ['kept', null],
  ]
  const { headers } = made({ headers: given, stage: 'decode', code: 'JSON_INVALID' }, { headerCompat: 'connect' })
  expect(headers[0]).toEqual(['kept', null])
  expect(text(headers)).toContainEqual(['dlq.headers.dropped', '1'])
  expect(text(headers).filter(([name]) => name?.startsWith('__connect'))).toEqual([
    ['__connect.errors.topic', 't'],
    ['__connect.errors.partition', '3'],
    ['__connect.errors.offset', '42'],
    ['__connect.errors.connector.name', 'g'],
    ['__connect.errors.task.id', '0'],
    ['__connect.errors.stage', 'VALUE_CONVERTER'],
    ['__connect.errors.class.name', 'sluice.decode'],
    ['__connect.errors.exception.class.name', 'sluice.JSON_INVALID'],
    ['__connect.errors.exception.message', 'The quantity is zero.'],
    ['__connect.errors.exception.stacktrace', ''],
  ])
})

test('of thousands of headers, or of a huge one, only what fits is copied', () => {
  const many = Array.from({ length: 5_000 }, (_, i): Header => [`h${i}`, Buffer.from('x')])
  const { headers } = made({ headers: [['big', Buffer.alloc(10_000)], ...many] })
  expect(headers.filter(([name]) => /^h\d/.test(name))).toHaveLength(64)
  expect(text(headers)).toContainEqual(['dlq.headers.dropped', String(5_001 - 64)])
})

test('our headers stay within 1 KiB each and 8 KiB together, cut between two characters', () => {
  const long = { topic: 't'.repeat(249), groupId: 'ü'.repeat(5_000), path: `/${'€'.repeat(999)}`, message: '😀'.repeat(2_000), replayCount: 3, sqlstate: '23514' } // prettier-ignore
  const { headers } = made(long, { headerCompat: 'connect' })
  const sizes = headers.map(([name, value]) => [Buffer.byteLength(name), value!.length] as const)
  expect(Math.max(...sizes.map(([, size]) => size))).toBeLessThanOrEqual(1024)
  expect(sizes.reduce((sum, [name, value]) => sum + name + value, 0)).toBeLessThanOrEqual(8 * 1024)
  const path = headers.find(([name]) => name === 'dlq.error.path')![1]!
  expect(new TextDecoder('utf-8', { fatal: true }).decode(path)).toBe(`/${'€'.repeat(341)}`)
})

test('a value that could not be stored: its hash, and that it is not there', () => {
  const { value, headers } = made({ value: null, valueSha256: Buffer.alloc(32, 0xab) })
  expect(value).toBeNull()
  expect(text(headers)).toContainEqual(['dlq.value.sha256', 'ab'.repeat(32)])
  expect(text(headers)).toContainEqual(['dlq.value.truncated', 'true'])
  expect(names(headers)).not.toContain('dlq.value.bytes')
  expect(names(made({ value: null }).headers).filter((name) => name.startsWith('dlq.value'))).toEqual([])
})

describe('too large for its topic', () => {
  const value = Buffer.alloc(300_000, 7)
  const big = { value, headers: [['a', Buffer.from('b')]] as const }
  const whole = [
    ['dlq.value.bytes', '300000'],
    ['dlq.value.sha256', sha256(value)],
  ]

  test('first the beginning of the value, with size and hash of the whole', () => {
    const { key, value: cut, headers } = made(big, { portion: 'cut' })
    expect(cut).toEqual(value.subarray(0, 65_536))
    expect(key).toEqual(Buffer.from('536365'))
    expect(text(headers)).toEqual(expect.arrayContaining([['a', 'b'], ...whole, ['dlq.value.truncated', 'true']]))
  })

  test('then our headers, with a small key, so that it stays in its partition', () => {
    const { key, value: none, headers } = made(big, { portion: 'headers' })
    expect([key, none]).toEqual([Buffer.from('536365'), Buffer.alloc(0)])
    expect(text(headers)).toEqual(expect.arrayContaining([...whole, ['dlq.headers.dropped', '1']]))
    expect(headers.every(([name]) => name.startsWith('dlq.'))).toBe(true)
    const keyed = made({ ...big, key: Buffer.alloc(2_000) }, { portion: 'headers' })
    expect(keyed.key).toBeNull()
    expect(text(keyed.headers)).toContainEqual(['dlq.key.bytes', '2000'])
  })

  test('at last what it takes to find it in the table', () => {
    const { key, value: none, headers } = made(big, { portion: 'least', headerCompat: 'connect' })
    expect([key, none]).toEqual([null, Buffer.alloc(0)])
    expect(text(headers)).toEqual([
      ['dlq.version', '1'],
      ['dlq.id', 'f'.repeat(64)],
      ['dlq.original.topic', 't'],
      ['dlq.original.partition', '3'],
      ['dlq.original.offset', '42'],
      ['dlq.error.code', 'QUANTITY_ZERO'],
      ['dlq.headers.dropped', '1'],
      ['dlq.value.truncated', 'true'],
      ['dlq.key.bytes', '6'],
    ])
  })

  test('a cut that would leave nothing out is not tried', () => {
    expect(portionsOf(letter())).toEqual(['full', 'headers', 'least'])
    expect(portionsOf(letter(big))).toEqual(['full', 'cut', 'headers', 'least'])
    expect(portionsOf(letter({ key: Buffer.alloc(70_000) }))).toEqual(['full', 'cut', 'headers', 'least'])
  })
})

test('docs/dead-letters.md names every header that there can be, and no other', () => {
  const everything = { sqlstate: '23514', replayCount: 1, headers: [['dlq.id', null]] as const, value: Buffer.alloc(70_000), key: Buffer.alloc(70_000) } // prettier-ignore
  const { headers } = made(everything, { portion: 'cut', headerCompat: 'connect' })
  const docs = readFileSync(new URL('../../../docs/dead-letters.md', import.meta.url), 'utf8')
  const rows = [...docs.matchAll(/^\| `([\w.]+)` +\|/gm)].map(([, name]) => name!)
  const sent = names(headers).map((name) => name.replace('__connect.errors.', ''))
  expect(rows.filter((name) => name.startsWith('dlq.')).sort()).toEqual(
    sent.filter((name) => name.startsWith('dlq.')).sort(),
  )
  expect(rows.filter((name) => !name.startsWith('dlq.'))).toEqual(sent.filter((name) => !name.startsWith('dlq.')))
})
