// COPY … FROM STDIN inside Prisma's own interactive transaction: the driver adapter's transaction takes such a statement and
// streams the rows over the transaction's connection. It rolls back with the transaction, and what the server says against it
// comes back as Prisma's errors do, with its SQLSTATE. The rows go past Prisma, which would write its parameters as JSON and
// read that again: megabytes a batch.
import { PrismaPg } from '@prisma/adapter-pg'
import type { SqlDriverAdapter, SqlQuery, Transaction } from '@prisma/driver-adapter-utils'
import type pg from 'pg'
import { from } from 'pg-copy-streams'
import { type AnyColumn, encodersOf } from './columns.ts'

/** What @prisma/adapter-pg keeps in its transactions; both are checked when the first begins. */
type Internals = { client: pg.ClientBase; onError: (this: Transaction, error: unknown) => never }

const changed = () => new Error('@prisma/adapter-pg has changed: see src/sink/copy.ts')

const isCopy = ({ sql }: SqlQuery) => sql.endsWith(' FROM STDIN')

type Executing = { $executeRawUnsafe(sql: string, ...values: unknown[]): Promise<number> }

/** Rows under way, by the parameter that stands for them. */
const waiting = new Map<string, string>()
let tickets = 0

/** `sql` ends with `COPY … FROM STDIN`, `rows` are in COPY's text format. Resolves to how many were taken. */
export async function copyRows(client: Executing, sql: string, rows: string): Promise<number> {
  const ticket = String((tickets += 1))
  waiting.set(ticket, rows)
  try {
    return await client.$executeRawUnsafe(sql, ticket)
  } finally {
    waiting.delete(ticket)
  }
}

function withCopy(transaction: Transaction): Transaction {
  const { client, onError } = transaction as unknown as Internals
  if (typeof client?.query !== 'function' || typeof onError !== 'function') throw changed()
  const executeRaw = transaction.executeRaw.bind(transaction)
  transaction.executeRaw = async (query) => {
    if (!isCopy(query)) return executeRaw(query)
    try {
      const rows = waiting.get(String(query.args[0]))
      if (rows === undefined) throw changed()
      return await copyIn(client, query.sql, rows)
    } catch (error) {
      return onError.call(transaction, error)
    }
  }
  return transaction
}

function copyIn(client: pg.ClientBase, sql: string, rows: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = client.query(from(sql))
    stream.on('error', reject)
    stream.on('finish', () => resolve(stream.rowCount))
    stream.end(rows)
  })
}

/** Prisma's adapter for PostgreSQL, which takes COPY in transactions. */
export class CopyingPrismaPg extends PrismaPg {
  override async connect() {
    const adapter = await super.connect()
    const startTransaction: SqlDriverAdapter['startTransaction'] = adapter.startTransaction.bind(adapter)
    adapter.startTransaction = async (isolationLevel) => withCopy(await startTransaction(isolationLevel))
    return adapter
  }
}

const special = /[\\\n\r\t]/
const escaped = /[\\\n\r\t]/g
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

const escape = (text: string) => (special.test(text) ? text.replace(escaped, (found) => ESCAPES[found] ?? found) : text)
const escapeBytes = (bytes: Uint8Array) =>
  `\\\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`

/** JavaScript value → field of COPY's text format. */
const fieldOf = encodersOf(escape, escapeBytes)

/** Rows in COPY's text format. `columns` are those given, [field, column]; what is absent is NULL. */
export function copyText(
  columns: readonly (readonly [field: string, column: AnyColumn])[],
  rows: readonly Readonly<Record<string, unknown>>[],
): string {
  const encoders = columns.map(([field, [, type]]) => [field, fieldOf[type]] as const)
  let out = ''
  for (const row of rows) {
    let separator = ''
    for (const [field, encode] of encoders) {
      const value = row[field]
      out += separator + (value === undefined || value === null ? '\\N' : encode(value))
      separator = '\t'
    }
    out += '\n'
  }
  return out
}
