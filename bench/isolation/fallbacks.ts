// What others do with a batch that the database refuses, at their best: only the ledger rows are written (no inventory, no
// offsets, no dead letters), with a prepared statement, without the waits and reconnects of the real ones.
import type pg from 'pg'
import { arrayLiteral, quoted, quotedBytes } from '../../src/sink/array-literal.ts'

export type LedgerRow = readonly [
  eventId: string, userId: string, itemId: string, invoiceId: string, lineNumber: string, quantity: string, unitPrice: string,
  currency: string, occurredAt: string, payloadHash: Buffer, topic: string, partition: string, recordOffset: string,
] // prettier-ignore

const COLUMNS = {
  event_id: 'uuid', user_id: 'text', item_id: 'bigint', invoice_id: 'text', line_number: 'integer', quantity: 'numeric',
  unit_price: 'numeric', currency: 'text', occurred_at: 'timestamptz', payload_hash: 'bytea', topic: 'text',
  partition: 'integer', record_offset: 'bigint',
} // prettier-ignore
const NAMES = Object.keys(COLUMNS).join(', ')
const TYPES = Object.values(COLUMNS)

const ONE = {
  name: 'insert-one',
  text: `INSERT INTO ledger_entry (${NAMES}) VALUES (${TYPES.map((_, i) => `$${i + 1}`).join(', ')}) ON CONFLICT DO NOTHING`,
}
const ALL = `INSERT INTO ledger_entry (${NAMES})
  SELECT * FROM unnest(${TYPES.map((type, i) => `$${i + 1}::${type}[]`).join(', ')}) ON CONFLICT DO NOTHING`

const isRowFault = (error: unknown) => (error as { code?: string }).code === '23514'

/** One statement for all rows; false when it is refused. */
async function tryAll(client: pg.Client, rows: readonly LedgerRow[]): Promise<boolean> {
  const arrays = TYPES.map((_, at) =>
    arrayLiteral<string | Buffer>(
      rows.map((row) => row[at]!),
      (value) => (typeof value === 'string' ? quoted(value) : quotedBytes(value)),
    ),
  )
  try {
    await client.query(ALL, arrays)
    return true
  } catch (error) {
    if (isRowFault(error)) return false
    throw error
  }
}

/**
 * Confluent's JDBC sink: the batch, and when it fails `unrollAndRetry`: every record in a transaction of its own. (The real
 * one first repeats the whole batch max.retries times, 10, with 3 s between, and reconnects after each bad record.)
 */
export async function oneByOne(client: pg.Client, rows: readonly LedgerRow[]): Promise<number> {
  await client.query('BEGIN')
  if (await tryAll(client, rows)) {
    await client.query('COMMIT')
    return 0
  }
  await client.query('ROLLBACK')
  let refused = 0
  for (const row of rows) {
    try {
      await client.query({ ...ONE, values: [...row] })
    } catch (error) {
      if (!isRowFault(error)) throw error
      refused += 1
    }
  }
  return refused
}

/** The same, but all in one transaction, with a savepoint for every record. */
export async function linear(client: pg.Client, rows: readonly LedgerRow[]): Promise<number> {
  await client.query('BEGIN; SAVEPOINT batch')
  let refused = 0
  if (!(await tryAll(client, rows))) {
    await client.query('ROLLBACK TO SAVEPOINT batch; SAVEPOINT record')
    for (const row of rows) {
      try {
        await client.query({ ...ONE, values: [...row] })
        await client.query('RELEASE SAVEPOINT record; SAVEPOINT record')
      } catch (error) {
        if (!isRowFault(error)) throw error
        refused += 1
        await client.query('ROLLBACK TO SAVEPOINT record')
      }
    }
  }
  await client.query('COMMIT')
  return refused
}
