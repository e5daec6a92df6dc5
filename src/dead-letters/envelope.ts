// A dead letter as a record of the DLQ topic: the original key and value bytes, the original headers in order, then our
// `dlq.*` headers as text. The table holds everything; the topic is what an outsider with a Kafka console reads
// (docs/dead-letters.md is the contract).
import { hash } from 'node:crypto'
import type { Header } from '../pipeline/source-record.ts'
import { connectHeaders } from './connect-headers.ts'
import type { DeadLetterRow } from './dead-letter.ts'
import { type HeaderCompat, optional, text } from './header-text.ts'

export type EnvelopeRecord = {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
  /** Of the record that failed. */
  readonly timestamp?: number
}

/**
 * How much of a letter is sent, when the topic does not take more. full: all · cut: the beginning of the value · headers:
 * ours, and a small key · least: what it takes to find it in the table.
 */
export type Portion = 'full' | 'cut' | 'headers' | 'least'

export type EnvelopeOptions = {
  readonly appVersion: string
  readonly headerCompat: HeaderCompat
  readonly portion: Portion
  /** With the time of the record that failed; else the brokers' or the sender's time is that of the record. */
  readonly dated: boolean
}

const VERSION = '1'
/** Of the original headers at most so many are copied; the table has them all. */
const MAX_HEADERS = 64
const MAX_HEADER_BYTES = 8 * 1024
/** What is left of a value or key that the topic does not take, at most. */
const KEPT_BYTES: Readonly<Record<Portion, { value: number; key: number }>> = {
  full: { value: Infinity, key: Infinity },
  cut: { value: 64 * 1024, key: 64 * 1024 },
  headers: { value: 0, key: 1024 },
  least: { value: 0, key: 0 },
}

/** From most to least; a portion that would leave nothing out is not worth a try. */
export function portionsOf({ key, value }: DeadLetterRow): Portion[] {
  const { cut } = KEPT_BYTES
  const shrinks = (value?.length ?? 0) > cut.value || (key?.length ?? 0) > cut.key
  return shrinks ? ['full', 'cut', 'headers', 'least'] : ['full', 'headers', 'least']
}

export function envelope(letter: DeadLetterRow, options: EnvelopeOptions): EnvelopeRecord {
  const { portion, dated, headerCompat } = options
  const kept = KEPT_BYTES[portion]
  const key = letter.key && letter.key.length > kept.key ? null : letter.key
  const value = letter.value && letter.value.length > kept.value ? letter.value.subarray(0, kept.value) : letter.value
  const headers = portion === 'least' ? leastHeaders(letter) : allHeaders(letter, options)
  const timestamp = dated && letter.recordTimestamp ? { timestamp: letter.recordTimestamp.getTime() } : {}
  const connect = headerCompat === 'connect' && portion !== 'least' ? connectHeaders(letter) : []
  return { key, value, headers: [...headers, ...leftOut(letter, key, value), ...connect], ...timestamp }
}

const coordinates = (letter: DeadLetterRow): Header[] => [
  text('dlq.version', VERSION),
  text('dlq.id', letter.id),
  text('dlq.original.topic', letter.topic),
  text('dlq.original.partition', String(letter.partition)),
  text('dlq.original.offset', String(letter.recordOffset)),
]

const leastHeaders = (letter: DeadLetterRow): Header[] => [
  ...coordinates(letter),
  text('dlq.error.code', letter.code),
  ...(letter.headers.length > 0 ? [text('dlq.headers.dropped', String(letter.headers.length))] : []),
]

function allHeaders(letter: DeadLetterRow, { appVersion, headerCompat, portion }: EnvelopeOptions): Header[] {
  const copied = portion === 'headers' ? [] : copyHeaders(letter.headers, headerCompat)
  const dropped = letter.headers.length - copied.length
  return [
    ...copied,
    ...coordinates(letter),
    ...optional('dlq.original.timestamp', letter.recordTimestamp?.toISOString()),
    text('dlq.group', letter.groupId),
    text('dlq.stage', letter.stage),
    text('dlq.error.code', letter.code),
    text('dlq.error.class', letter.sqlstate ? 'database' : 'record'),
    ...optional('dlq.error.sqlstate', letter.sqlstate),
    ...optional('dlq.error.path', letter.path),
    text('dlq.error.message', letter.message),
    text('dlq.failed.at', letter.failedAt.toISOString()),
    text('dlq.attempts', String(letter.attempts)),
    ...(letter.replayCount > 0 ? [text('dlq.replay.count', String(letter.replayCount))] : []),
    text('dlq.app.version', appVersion),
    ...(dropped > 0 ? [text('dlq.headers.dropped', String(dropped))] : []),
    ...digestOf(letter),
  ]
}

/** Cheap (a megabyte takes 2 ms), and it tells an outsider whether two records hold the same. */
function digestOf({ value, valueSha256 }: DeadLetterRow): Header[] {
  if (value) return [text('dlq.value.bytes', String(value.length)), text('dlq.value.sha256', hash('sha256', value))]
  return optional('dlq.value.sha256', valueSha256?.toString('hex'))
}

/** What is missing is said, so that nobody takes a part for the whole. */
function leftOut(letter: DeadLetterRow, key: Buffer | null, value: Buffer | null): Header[] {
  const isCut = (value?.length ?? 0) < (letter.value?.length ?? 0)
  const wasNeverKept = letter.value === null && letter.valueSha256 !== null
  return [
    ...(isCut || wasNeverKept ? [text('dlq.value.truncated', 'true')] : []),
    ...(letter.key && !key ? [text('dlq.key.bytes', String(letter.key.length))] : []),
  ]
}

/** A producer's own headers of these names would be taken for ours: they are not copied. */
function copyHeaders(headers: readonly Header[], headerCompat: HeaderCompat): Header[] {
  const copied: Header[] = []
  let bytes = 0
  for (const header of headers) {
    const [name, value] = header
    const size = Buffer.byteLength(name) + (value?.length ?? 0)
    const isOurs = name.startsWith('dlq.') || (headerCompat === 'connect' && name.startsWith('__connect.errors.'))
    if (isOurs || copied.length >= MAX_HEADERS || bytes + size > MAX_HEADER_BYTES) continue
    bytes += size
    copied.push(header)
  }
  return copied
}
