// What `sluice doctor` wants to know of PostgreSQL.
import type { Database } from './database.ts'

export type ServerFacts = {
  readonly version: string
  /** 180004 */
  readonly versionNumber: number
  readonly user: string
  readonly superuser: boolean
  readonly encoding: string
  readonly standby: boolean
  readonly readOnly: boolean
  readonly maxConnections: number
  /** Kept back for superusers and the like. */
  readonly reserved: number
  /** Of clients, at this moment, ours among them. */
  readonly connections: number
  /** Its clock less ours. */
  readonly skewMs: number
  /** How wrong that may be: half of the round trip. */
  readonly doubtMs: number
  readonly synchronousCommit: string
  readonly synchronousStandbys: string
}

const FACTS = `
  SELECT current_setting('server_version') AS version, current_setting('server_version_num')::integer AS "versionNumber",
    current_user::text AS user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
    current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby,
    current_setting('transaction_read_only') = 'on' AS "readOnly",
    current_setting('max_connections')::integer AS "maxConnections",
    current_setting('superuser_reserved_connections')::integer
      + coalesce(current_setting('reserved_connections', true), '0')::integer AS reserved,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::integer AS connections,
    current_setting('synchronous_commit') AS "synchronousCommit",
    current_setting('synchronous_standby_names') AS "synchronousStandbys",
    extract(epoch FROM clock_timestamp())::float8 * 1000 AS "nowMs"`

export async function serverFacts(database: Database, wall: () => number): Promise<ServerFacts> {
  const ask = () => database.client().$queryRawUnsafe<(ServerFacts & { nowMs: number })[]>(FACTS)
  // The first one pays for the connection; the clocks are compared by the second.
  await ask()
  const asked = wall()
  const [row] = await ask()
  const answered = wall()
  if (!row) throw new Error('PostgreSQL says nothing of itself')
  const { nowMs, ...facts } = row
  return { ...facts, skewMs: Math.round(nowMs - (asked + answered) / 2), doubtMs: Math.ceil((answered - asked) / 2) }
}

/** What a member does to each table, and `ops/roles.sql` grants to sluice_consumer. */
const NEEDED: readonly (readonly [table: string, rights: string])[] = [
  ...['item', 'item_mapping', 'item_word', 'inventory', 'consumer_offset', 'dead_letter', 'consumer_gate'].map(
    (table) => [table, 'SELECT, INSERT, UPDATE'] as const,
  ),
  ['ledger_entry', 'SELECT, INSERT'],
  ['member', 'SELECT, INSERT, UPDATE, DELETE'],
  ['member_sample', 'SELECT, INSERT, DELETE'],
  ['mapping_change', 'SELECT'],
  ['_prisma_migrations', 'SELECT'],
]

// Column grants count: the consumer's UPDATE is of some columns. (There is no DELETE of a column, and PostgreSQL refuses the question.)
const CAN = `
  SELECT coalesce(has_table_privilege(current_user, to_regclass($1), $2), false)
      OR CASE WHEN $2 = 'DELETE' THEN false
         ELSE coalesce(has_any_column_privilege(current_user, to_regclass($1), $2), false) END AS can`
const CAN_ALL = 'SELECT coalesce(has_table_privilege(current_user, to_regclass($1), $2), false) AS can'

const NEEDLESS = [
  ['ledger_entry', 'UPDATE'],
  ['ledger_entry', 'DELETE'],
  ['dead_letter', 'DELETE'],
] as const

async function rightsThat(
  database: Database,
  sql: string,
  can: boolean,
  rights: readonly (readonly [string, string])[],
) {
  const found: string[] = []
  for (const [table, right] of rights) {
    const [row] = await database.client().$queryRawUnsafe<{ can: boolean }[]>(sql, table, right)
    if (row?.can === can) found.push(`${right} on ${table}`)
  }
  return found
}

/** `INSERT on ledger_entry`, … that a member lacks. */
export const missingRights = (database: Database): Promise<string[]> =>
  rightsThat(database, CAN, false, NEEDED.flatMap(([table, rights]) => rights.split(', ').map((right) => [table, right] as const))) // prettier-ignore

/** That a member does not need, and with which it could change what must never change. */
export const needlessRights = (database: Database): Promise<string[]> => rightsThat(database, CAN_ALL, true, NEEDLESS)
