// A record that failed → its row in dead_letter. Nothing here may make PostgreSQL refuse the row: bytes go as bytea, and
// a text that PostgreSQL cannot hold is left out, as the letter's coordinates and bytes say enough.
import { hash } from 'node:crypto'
import type { DeadLetterRow } from '../dead-letters/dead-letter.ts'
import { type FaultCode, messageOf } from '../line-items/fault.ts'
import type { Header, SourceRecord } from '../pipeline/source-record.ts'
import type { DeadLetterInput } from './writer.ts'

export type Coordinates = { readonly groupId: string; readonly topic: string; readonly topicId: string | null }

export type Reason = {
  readonly code: FaultCode
  readonly stage: string
  readonly path: string | null
  readonly sqlstate: string | null
}
export type Claims = Pick<DeadLetterRow, 'userId' | 'invoiceId' | 'lineNumber'>

type Bytes = Uint8Array<ArrayBuffer>
/** Prisma's type wants plain ArrayBuffers; ours are. */
const bytes = (buffer: Buffer) => buffer as Bytes

/** 9999-12-31: past it JavaScript and PostgreSQL write years differently. A producer may send any 64 bits. */
const LAST_TIMESTAMP = 253_402_300_799_999

/** A producer may write any number as the time of a record; null: it is no time. */
export const recordTime = (timestamp: number): Date | null =>
  timestamp >= 0 && timestamp <= LAST_TIMESTAMP ? new Date(timestamp) : null

export function letterId({ groupId, topic, topicId }: Coordinates, partition: number, offset: bigint): string {
  return hash('sha256', JSON.stringify([groupId, topic, topicId, partition, String(offset)]), 'hex')
}

export function letterOf(
  record: SourceRecord,
  { claims, reason, at, failedAt }: { claims: Claims; reason: Reason; at: Coordinates; failedAt: Date },
): DeadLetterInput {
  const { partition, offset, timestamp, key, value, headers } = record
  return {
    id: letterId(at, partition, offset),
    groupId: at.groupId,
    topic: at.topic,
    partition,
    recordOffset: offset,
    recordTimestamp: recordTime(timestamp),
    key: key && bytes(key),
    value: value && bytes(value),
    headers: bytes(encodeHeaders(headers)),
    stage: reason.stage,
    code: reason.code,
    sqlstate: reason.sqlstate,
    path: storable(reason.path),
    message: messageOf(reason.code),
    userId: storable(claims.userId),
    invoiceId: storable(claims.invoiceId),
    lineNumber: claims.lineNumber,
    failedAt,
  }
}

/** What is left when PostgreSQL refuses the letter itself (a constraint of somebody else's, a value beyond its limits). */
export function bareLetter(letter: DeadLetterInput): DeadLetterInput {
  const { key: _, value, headers: __, userId: ___, invoiceId: ____, lineNumber: _____, path: ______, ...rest } = letter
  const valueSha256 = bytes(Buffer.from(hash('sha256', value ?? Buffer.alloc(0), 'hex'), 'hex'))
  return { ...rest, headers: bytes(encodeHeaders([])), valueSha256 }
}

// With the u flag this class matches lone surrogates only.
const UNSTORABLE = /[\0\uD800-\uDFFF]/u
export const storable = (text: string | null) =>
  text !== null && text.length <= 1_000 && !UNSTORABLE.test(text) ? text : null

/** JSON keeps any name, base64 any value; repeated names keep their order. */
export const encodeHeaders = (headers: readonly Header[]): Buffer =>
  Buffer.from(JSON.stringify(headers.map(([name, value]) => [name, value?.toString('base64') ?? null])))

export function decodeHeaders(encoded: Uint8Array): Header[] {
  const pairs = JSON.parse(Buffer.from(encoded).toString('utf8')) as [string, string | null][]
  return pairs.map(([name, value]) => [name, value === null ? null : Buffer.from(value, 'base64')])
}
