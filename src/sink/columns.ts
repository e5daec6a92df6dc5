// The columns that are written fast, each declared once: name and PostgreSQL type, checked at compile time against the
// input types Prisma generated, so that a column added to the schema, or one that changes its type, fails the build here.
import type { Prisma } from '../generated/prisma/client.ts'
import { quoted, quotedBytes } from './array-literal.ts'

export type PgType = 'uuid' | 'text' | 'integer' | 'bigint' | 'numeric' | 'timestamptz' | 'bytea'

/** nullable: no value is NULL · defaulted: the database fills the column in when no row gives it. */
type Absence = 'nullable' | 'defaulted'
export type AnyColumn = readonly [name: string, type: PgType, absence?: Absence]

type PgTypeOf<V> =
  Uint8Array<ArrayBuffer> extends V
    ? 'bytea'
    : Date extends V
      ? 'timestamptz'
      : Prisma.Decimal extends V
        ? 'numeric'
        : bigint extends V
          ? 'bigint'
          : number extends V
            ? 'integer'
            : 'text' | 'uuid'

type Column<V> = undefined extends V
  ? readonly [name: string, type: PgTypeOf<NonNullable<V>>, absence: null extends V ? 'nullable' : 'defaulted']
  : readonly [name: string, type: PgTypeOf<V>]

type ColumnsOf<Input> = { readonly [K in keyof Required<Input>]: Column<Input[K]> }

export const ledgerEntryColumns: ColumnsOf<Prisma.LedgerEntryCreateManyInput> = {
  eventId: ['event_id', 'uuid'],
  userId: ['user_id', 'text'],
  itemId: ['item_id', 'bigint'],
  invoiceId: ['invoice_id', 'text'],
  lineNumber: ['line_number', 'integer'],
  quantity: ['quantity', 'numeric'],
  unitPrice: ['unit_price', 'numeric'],
  currency: ['currency', 'text'],
  occurredAt: ['occurred_at', 'timestamptz'],
  payloadHash: ['payload_hash', 'bytea'],
  topic: ['topic', 'text'],
  partition: ['partition', 'integer'],
  recordOffset: ['record_offset', 'bigint'],
  createdAt: ['created_at', 'timestamptz', 'defaulted'],
  mappingId: ['mapping_id', 'bigint', 'nullable'],
}

export const deadLetterColumns: ColumnsOf<Prisma.DeadLetterCreateManyInput> = {
  id: ['id', 'text'],
  groupId: ['group_id', 'text'],
  topic: ['topic', 'text'],
  partition: ['partition', 'integer'],
  recordOffset: ['record_offset', 'bigint'],
  recordTimestamp: ['record_timestamp', 'timestamptz', 'nullable'],
  key: ['key', 'bytea', 'nullable'],
  value: ['value', 'bytea', 'nullable'],
  headers: ['headers', 'bytea'],
  stage: ['stage', 'text'],
  code: ['code', 'text'],
  sqlstate: ['sqlstate', 'text', 'nullable'],
  path: ['path', 'text', 'nullable'],
  message: ['message', 'text'],
  attempts: ['attempts', 'integer', 'defaulted'],
  seenCount: ['seen_count', 'integer', 'defaulted'],
  replayCount: ['replay_count', 'integer', 'defaulted'],
  userId: ['user_id', 'text', 'nullable'],
  invoiceId: ['invoice_id', 'text', 'nullable'],
  lineNumber: ['line_number', 'integer', 'nullable'],
  status: ['status', 'text', 'defaulted'],
  failedAt: ['failed_at', 'timestamptz'],
  publishedAt: ['published_at', 'timestamptz', 'nullable'],
  claimedUntil: ['claimed_until', 'timestamptz', 'nullable'],
  createdAt: ['created_at', 'timestamptz', 'defaulted'],
  valueSha256: ['value_sha256', 'bytea', 'nullable'],
  replayHash: ['replay_hash', 'bytea', 'nullable'],
  replaySentAt: ['replay_sent_at', 'timestamptz', 'nullable'],
  replayClaimedUntil: ['replay_claimed_until', 'timestamptz', 'nullable'],
  resolvedAt: ['resolved_at', 'timestamptz', 'nullable'],
  discardReason: ['discard_reason', 'text', 'nullable'],
  deferredUntil: ['deferred_until', 'timestamptz', 'nullable'],
}

type Encoders = Readonly<Record<PgType, (value: unknown) => string>>

/** JavaScript value → text that PostgreSQL takes, as `quote` and `quoteBytes` put it. PostgreSQL refuses what is not a number. */
export function encodersOf(quote: (text: string) => string, quoteBytes: (bytes: Uint8Array) => string): Encoders {
  const text = (value: unknown) => {
    if (typeof value === 'string') return quote(value)
    throw new TypeError('a text or uuid column takes a string')
  }
  const number = (value: unknown) => quote(String(value))
  return {
    uuid: text,
    text,
    integer: number,
    bigint: (value) => (typeof value === 'bigint' ? value.toString() : number(value)),
    numeric: number,
    timestamptz: (value) => (value instanceof Date ? quote(value.toISOString()) : text(value)),
    bytea: (value) => {
      if (value instanceof Uint8Array) return quoteBytes(value)
      throw new TypeError('a bytea column takes a Uint8Array')
    },
  }
}

/** JavaScript value → array element. */
export const elementOf = encodersOf(quoted, quotedBytes)
