// The columns that are written fast, each declared once: name and PostgreSQL type, checked at compile time against the
// input types Prisma generated, so that a column added to the schema, or one that changes its type, fails the build here.
import type { Prisma } from '../generated/prisma/client.ts'
import { quoted, quotedBytes } from './array-literal.ts'

export type PgType = 'uuid' | 'text' | 'integer' | 'bigint' | 'numeric' | 'timestamptz' | 'bytea'

/** `defaulted`: the database fills the column in when no row gives it. */
type Column<T extends PgType, Defaulted extends boolean> = Defaulted extends true
  ? readonly [name: string, type: T, defaulted: 'defaulted']
  : readonly [name: string, type: T]
export type AnyColumn = readonly [name: string, type: PgType, defaulted?: 'defaulted']

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

type IsDefaulted<V> = undefined extends V ? (null extends V ? false : true) : false

type ColumnsOf<Input> = {
  readonly [K in keyof Input]-?: Column<PgTypeOf<NonNullable<Input[K]>>, IsDefaulted<Input[K]>>
}

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
}

export const deadLetterColumns: ColumnsOf<Prisma.DeadLetterCreateManyInput> = {
  id: ['id', 'text'],
  groupId: ['group_id', 'text'],
  topic: ['topic', 'text'],
  partition: ['partition', 'integer'],
  recordOffset: ['record_offset', 'bigint'],
  recordTimestamp: ['record_timestamp', 'timestamptz'],
  key: ['key', 'bytea'],
  value: ['value', 'bytea'],
  headers: ['headers', 'bytea'],
  stage: ['stage', 'text'],
  code: ['code', 'text'],
  sqlstate: ['sqlstate', 'text'],
  path: ['path', 'text'],
  message: ['message', 'text'],
  attempts: ['attempts', 'integer', 'defaulted'],
  seenCount: ['seen_count', 'integer', 'defaulted'],
  replayCount: ['replay_count', 'integer', 'defaulted'],
  userId: ['user_id', 'text'],
  invoiceId: ['invoice_id', 'text'],
  lineNumber: ['line_number', 'integer'],
  status: ['status', 'text', 'defaulted'],
  failedAt: ['failed_at', 'timestamptz'],
  publishedAt: ['published_at', 'timestamptz'],
  claimedUntil: ['claimed_until', 'timestamptz'],
  createdAt: ['created_at', 'timestamptz', 'defaulted'],
}

const text = (value: unknown) => {
  if (typeof value === 'string') return quoted(value)
  throw new TypeError('a text or uuid column takes a string')
}
/** PostgreSQL refuses what is not a number. */
const number = (value: unknown) => quoted(String(value))

/** JavaScript value → array element. */
export const elementOf: Readonly<Record<PgType, (value: unknown) => string>> = {
  uuid: text,
  text,
  integer: number,
  bigint: (value) => (typeof value === 'bigint' ? value.toString() : number(value)),
  numeric: number,
  timestamptz: (value) => (value instanceof Date ? quoted(value.toISOString()) : text(value)),
  bytea: (value) => {
    if (value instanceof Uint8Array) return quotedBytes(value)
    throw new TypeError('a bytea column takes a Uint8Array')
  },
}
