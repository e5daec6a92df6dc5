// Faults that only a person can mend: the member stops at once, with nothing committed and a line that says what to do.
import type { FatalScenario, Heal } from './scenario.ts'
import { MEMBER_PASSWORD, MEMBER_ROLE, type Stage } from './stage.ts'

/** Does it, and undoes it in the end. */
const sql =
  (breaks: string, mends: string) =>
  async ({ query }: Pick<Stage, 'query'>): Promise<Heal> => {
    await query(breaks)
    return async () => void (await query(mends))
  }

const EXPLAINED = 3
const NOT_UNDERSTOOD = 4

const atStart = (name: string, what: string, rest: Omit<FatalScenario, 'name' | 'what' | 'when' | 'exitCode'>) => ({
  ...{ name, what, when: 'start' as const, exitCode: EXPLAINED, ...rest },
})
const atRunTime = (name: string, what: string, rest: Omit<FatalScenario, 'name' | 'what' | 'when' | 'exitCode'>) => ({
  ...{ name, what, when: 'run time' as const, exitCode: EXPLAINED, ...rest },
})

const raising = (sqlstate: string): FatalScenario => ({
  ...{ name: `unknown-${sqlstate}`, when: 'run time', exitCode: NOT_UNDERSTOOD },
  what: `the server answers with SQLSTATE ${sqlstate}, which nobody knows (a trigger)`,
  says: new RegExp(`^stopped: PostgreSQL failed with ${sqlstate}`),
  remedy: /nothing of the batch was committed/,
  strike: sql(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
       AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '${sqlstate}'; END $$;
     CREATE TRIGGER refuse BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION refuse()`,
    'DROP TRIGGER refuse ON ledger_entry; DROP FUNCTION refuse',
  ),
})

/** Sessions that are open go on; the next ones are refused. */
const refusingLogin =
  (breaks: string, mends: string) =>
  async (stage: Stage): Promise<Heal> => {
    await stage.server.run(breaks)
    await stage.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = $1',
      [MEMBER_ROLE],
    )
    return () => stage.server.run(mends)
  }

export const fatalScenarios: readonly FatalScenario[] = [
  atStart('no-tables', 'the database was never migrated (42P01)', {
    strike: sql(
      'ALTER TABLE _prisma_migrations RENAME TO elsewhere',
      'ALTER TABLE elsewhere RENAME TO _prisma_migrations',
    ),
    says: /^the database "\w+" has no sluice tables yet$/,
    remedy: /^run `sluice migrate`$/,
  }),
  atStart('older-schema', 'the newest migration was not applied', {
    strike: sql(
      `CREATE TABLE newest AS SELECT * FROM _prisma_migrations ORDER BY migration_name DESC LIMIT 1;
       DELETE FROM _prisma_migrations WHERE migration_name IN (SELECT migration_name FROM newest)`,
      'INSERT INTO _prisma_migrations SELECT * FROM newest; DROP TABLE newest',
    ),
    says: /^the database lacks 1 migration\(s\): \d+_\w+$/,
    remedy: /^run `sluice migrate`$/,
  }),
  atStart('no-permission', 'the role has none of the rights of ops/roles.sql (42501)', {
    strike: sql(`REVOKE sluice_consumer FROM ${MEMBER_ROLE}`, `GRANT sluice_consumer TO ${MEMBER_ROLE}`),
    says: /^user "member" lacks a permission in database "\w+"$/,
    remedy: /ops\/roles\.sql/,
  }),
  atRunTime('table-missing', 'a table is renamed under the member (42P01)', {
    strike: sql('ALTER TABLE inventory RENAME TO elsewhere', 'ALTER TABLE elsewhere RENAME TO inventory'),
    says: /^stopped: a table is missing in database "\w+" \(42P01\)$/,
    remedy: /sluice migrate/,
  }),
  atRunTime('column-missing', 'a column is renamed under the member (42703)', {
    strike: sql(
      'ALTER TABLE ledger_entry RENAME COLUMN currency TO money',
      'ALTER TABLE ledger_entry RENAME COLUMN money TO currency',
    ),
    says: /^stopped: the tables in database "\w+" are not those of this version \(42703\)$/,
    remedy: /sluice migrate/,
  }),
  atRunTime('permission-revoked', 'REVOKE INSERT ON ledger_entry under the member (42501)', {
    strike: sql(
      'REVOKE INSERT ON ledger_entry FROM sluice_consumer',
      'GRANT INSERT ON ledger_entry TO sluice_consumer',
    ),
    says: /^stopped: user "member" lacks a permission in database "\w+"$/,
    remedy: /ops\/roles\.sql/,
  }),
  atRunTime('password-changed', 'the password is changed and the sessions end (28P01)', {
    strike: refusingLogin(
      `ALTER ROLE ${MEMBER_ROLE} PASSWORD 'another'`,
      `ALTER ROLE ${MEMBER_ROLE} PASSWORD '${MEMBER_PASSWORD}'`,
    ),
    says: /^stopped: PostgreSQL at [\d.:]+ refuses the password of user "member"$/,
    remedy: /DATABASE_URL/,
  }),
  atRunTime('login-revoked', 'the role may not log in any more and the sessions end (28000)', {
    strike: refusingLogin(`ALTER ROLE ${MEMBER_ROLE} NOLOGIN`, `ALTER ROLE ${MEMBER_ROLE} LOGIN`),
    says: /^stopped: PostgreSQL at [\d.:]+ does not let user "member" in$/,
    remedy: /DATABASE_URL/,
  }),
  raising('XX999'),
  raising('ZZ001'),
]
