// A dead letter as a record of the DLQ topic: the original key and value bytes, the original headers in order, then our
// `dlq.*` headers as text. The table holds everything; the topic is what an outsider with a Kafka console reads.
import { hash } from 'node:crypto'
import type { Header } from '../pipeline/source-record.ts'
import type { DeadLetterRow } from './dead-letter.ts'

export type EnvelopeRecord = {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
}

const VERSION = '1'
/** Of the original headers at most so many are copied; the table has them all. */
const MAX_HEADERS = 64
const MAX_HEADER_BYTES = 8 * 1024
/** What is left of a value that the topic does not take. */
export const TRUNCATED_BYTES = 64 * 1024

export function envelope(letter: DeadLetterRow, appVersion: string): EnvelopeRecord {
  return { key: letter.key, value: letter.value, headers: headersOf(letter, appVersion, []) }
}

/** For a letter larger than the topic allows: the beginning of the value, and how to tell the whole one. */
export function truncatedEnvelope(letter: DeadLetterRow, appVersion: string, keep: number): EnvelopeRecord {
  const value = letter.value ?? Buffer.alloc(0)
  const extra = [
    text('dlq.value.truncated', 'true'),
    text('dlq.value.bytes', String(value.length)),
    text('dlq.value.sha256', hash('sha256', value, 'hex')),
  ]
  const key = letter.key && letter.key.length > keep ? null : letter.key
  const original = keep === 0 ? { ...letter, headers: [] } : letter
  return { key, value: value.subarray(0, keep), headers: headersOf(original, appVersion, extra) }
}

function headersOf(letter: DeadLetterRow, appVersion: string, extra: readonly Header[]): Header[] {
  const { copied, dropped } = copyHeaders(letter.headers)
  return [
    ...copied,
    text('dlq.version', VERSION),
    text('dlq.id', letter.id),
    text('dlq.original.topic', letter.topic),
    text('dlq.original.partition', String(letter.partition)),
    text('dlq.original.offset', String(letter.recordOffset)),
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
    text('dlq.app.version', appVersion),
    ...(dropped > 0 ? [text('dlq.headers.dropped', String(dropped))] : []),
    ...extra,
  ]
}

/** A producer's own `dlq.*` headers would be taken for ours: they are not copied. */
function copyHeaders(headers: readonly Header[]): { copied: Header[]; dropped: number } {
  const copied: Header[] = []
  let bytes = 0
  for (const header of headers) {
    const [name, value] = header
    const size = Buffer.byteLength(name) + (value?.length ?? 0)
    if (name.startsWith('dlq.') || copied.length >= MAX_HEADERS || bytes + size > MAX_HEADER_BYTES) continue
    bytes += size
    copied.push(header)
  }
  return { copied, dropped: headers.length - copied.length }
}

const text = (name: string, value: string): Header => [name, Buffer.from(value)]
const optional = (name: string, value: string | null | undefined): Header[] => (value ? [text(name, value)] : [])
