import { type Config, HTTP_POOL_SIZE } from '../config.ts'
import type { Database } from '../sink/database.ts'
import { durabilityOff } from '../sink/durability.ts'
import { checkSchema } from '../sink/migrate.ts'
import { missingRights, needlessRights, serverFacts } from '../sink/server-facts.ts'
import { type Checks, fail, type Finding, ok, once, warn } from './check.ts'

// PostgreSQL as members need it.

const LEAST_VERSION = 14
const SKEW_MS = 2_000

/** Each stage rests on the last check of the one before it. */
export function databaseStages(config: Config, database: Database, wall: () => number, members: number): Checks[] {
  const facts = once(() => serverFacts(database, wall))
  const ofServer: Checks = {
    version: async () => {
      const { version, versionNumber } = await facts()
      const major = Math.floor(versionNumber / 10_000)
      if (major < LEAST_VERSION) return fail(`PostgreSQL ${version} gets no fixes any more`, `update it to ${LEAST_VERSION} or newer`) // prettier-ignore
      return ok(`PostgreSQL ${version}`)
    },
    writable: async () => {
      const { standby, readOnly } = await facts()
      if (standby) return fail('it is a standby', 'point DATABASE_URL at the primary')
      if (readOnly) return fail('transactions are read-only', 'look at default_transaction_read_only of the server, the database and the role') // prettier-ignore
      return ok('a primary that takes writes')
    },
    durability: async () => {
      const off = await durabilityOff(database)
      const { synchronousCommit, synchronousStandbys } = await facts()
      if (off.length > 0)
        return warn(`${off.join(', ')} off: a crash forgets commits; the topic must hold them for longer`, `ALTER SYSTEM SET ${off[0]} = on; SELECT pg_reload_conf()`) // prettier-ignore
      const standbys = synchronousStandbys === '' ? 'no synchronous standby: a fail-over may forget the last commits, which are then read again' : `synchronous standbys: ${synchronousStandbys}` // prettier-ignore
      return ok(`synchronous_commit ${synchronousCommit}; ${standbys}`)
    },
    connections: async () => connectionsFinding(await facts(), config, members),
    clock: async () => {
      const { skewMs, doubtMs } = await facts()
      const off = Math.max(0, Math.abs(skewMs) - doubtMs)
      const found = `${skewMs < 0 ? 'behind' : 'ahead of'} ours by ${Math.abs(skewMs)} ms (± ${doubtMs})`
      return off > SKEW_MS ? warn(found, 'set the clocks (chrony, ntpd): ages and leases are told by it') : ok(found)
    },
    schema: async () => {
      await checkSchema(database)
      return ok('every migration of this version is there; text is UTF-8')
    },
  }
  const ofTables: Checks = {
    rights: async () => {
      const missing = await missingRights(database)
      if (missing.length > 0)
        return fail(`the user lacks ${missing.join(', ')}`, 'grant it sluice_consumer: psql -f ops/roles.sql, then GRANT sluice_consumer TO …') // prettier-ignore
      const { superuser, user } = await facts()
      if (superuser) return warn(`"${user}" is a superuser`, 'a login in the role sluice_consumer is enough: ops/roles.sql, docs/security.md') // prettier-ignore
      const needless = await needlessRights(database)
      if (needless.length > 0) return warn(`"${user}" may do more than a member needs: ${needless.join(', ')}`, 'use a login in the role sluice_consumer: ops/roles.sql') // prettier-ignore
      return ok(`"${user}" may do what a member does, and no more`)
    },
  }
  return [ofServer, ofTables]
}

/** `members`: at least the one that is asked for. */
export function connectionsFinding(
  facts: { maxConnections: number; reserved: number; connections: number },
  { databasePoolSize, http }: Pick<Config, 'databasePoolSize' | 'http'>,
  members: number,
): Finding {
  const { maxConnections, reserved, connections } = facts
  const usable = maxConnections - reserved
  const each = databasePoolSize + (http ? HTTP_POOL_SIZE : 0)
  const wanted = each * Math.max(1, members)
  const count =
    members > 1
      ? `${members} members × ${each} (DATABASE_POOL_SIZE ${databasePoolSize}${http ? `, ${HTTP_POOL_SIZE} for HTTP` : ''}) = ${wanted}`
      : `a member takes up to ${wanted}`
  const found = `${count} of the ${usable} connections that PostgreSQL gives; ${connections} in use`
  const remedy = 'lower DATABASE_POOL_SIZE (at least FLUSH_LANES + 4), raise max_connections, or put PgBouncer before it in session mode' // prettier-ignore
  if (wanted > usable) return fail(found, remedy)
  return wanted > usable * 0.8 || connections > usable * 0.9 ? warn(found, remedy) : ok(found)
}
