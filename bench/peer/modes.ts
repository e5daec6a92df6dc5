// The ways in which the peer is configured, and its table.

export type Mode = {
  readonly name: string
  readonly settings: Readonly<Record<string, string>>
  readonly tasks: number
}

const KEY = { 'primary.key.mode': 'record_value', 'primary.key.fields': 'eventId,userId' }
const UPSERT = { 'insert.mode': 'upsert', ...KEY }
const UNNEST = {
  'dialect.postgres.unnest.insert.enabled': 'true',
  'batch.size': '3000',
  // 500 of them cap every batch, whatever `batch.size` says.
  'consumer.override.max.poll.records': '3000',
  'consumer.override.max.partition.fetch.bytes': '4194304',
  'consumer.override.fetch.min.bytes': '1',
}
/** An id that comes twice in one statement would end the task; it drops the earlier one before. */
const REDUCTION = { 'use.reduction.buffer': 'true' }

const mode = (name: string, tasks: number, settings: Mode['settings']): Mode => ({ name, tasks, settings })

export const DEFAULTS = mode('upsert, its defaults', 1, UPSERT)
export const SAFE = (tasks: number) =>
  mode(`upsert, UNNEST, reduction buffer: its best safe, ${tasks} task${tasks > 1 ? 's' : ''}`, tasks, { ...UPSERT, ...UNNEST, ...REDUCTION }) // prettier-ignore
/** Dies of any redelivery. */
export const UNSAFE = (tasks: number) =>
  mode(`insert, UNNEST: its best unsafe, ${tasks} tasks`, tasks, { 'insert.mode': 'insert', ...KEY, ...UNNEST })

export const TABLE = 'peer_ledger'

/** Columns of our ledger, as far as an event has them; and the same two indexes. */
export const SCHEMA = `
  CREATE TABLE ${TABLE} (
    eventid uuid NOT NULL, userid text NOT NULL, invoiceid text NOT NULL, linenumber integer NOT NULL,
    quantity numeric(18, 6) NOT NULL CHECK (quantity <> 'NaN'), unitprice numeric(18, 6) NOT NULL CHECK (unitprice <> 'NaN'),
    currency text NOT NULL, occurredat timestamptz(3) NOT NULL, created_at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (eventid, userid)
  );
  CREATE INDEX ON ${TABLE} (userid, invoiceid, linenumber);
  -- UNNEST binds strings as text[].
  CREATE CAST (text AS numeric) WITH INOUT AS ASSIGNMENT;
  CREATE CAST (text AS uuid) WITH INOUT AS ASSIGNMENT;`

const field = (name: string, type = 'string', more: object = {}) => ({ field: name, type, optional: false, ...more })

/** What JsonConverter takes of an event: what is not named here (the vendor's item) it leaves out. Decimals stay strings: it reads a Decimal as base64. */
export const EVENT_SCHEMA = JSON.stringify({
  type: 'struct',
  fields: [
    ...[field('eventId'), field('userId'), field('invoiceId'), field('lineNumber', 'int32')],
    ...[field('quantity'), field('unitPrice'), field('currency')],
    field('occurredAt', 'string', { name: 'io.debezium.time.ZonedTimestamp' }),
  ],
})
