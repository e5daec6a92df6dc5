// A database as docs/security.md says to make it: roles first, tables by the migrator, grants after; and a login for each role.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { execa } from 'execa'
import pg from 'pg'
import { sluicePath } from './built.ts'
import { freshDatabase } from './stack.ts'

const ROLES = new URL('../../ops/roles.sql', import.meta.url)
export const ROLE_PASSWORD = 'planted-Zk-role-password'
export type Role = 'migrator' | 'consumer' | 'operator'

export const openDatabaseWithRoles = async () => {
  const { url, drop } = await freshDatabase()
  const superuser = new pg.Client({ connectionString: url })
  await superuser.connect()
  const suffix = randomBytes(4).toString('hex')
  const nameOf = (role: Role) => `sluice_${role}_${suffix}`
  const urlOf = (role: Role) => {
    const made = new URL(url)
    made.username = nameOf(role)
    made.password = ROLE_PASSWORD
    return made.href
  }
  const grants = await readFile(ROLES, 'utf8')
  await superuser.query(grants)
  const roles = ['migrator', 'consumer', 'operator'] as const
  for (const role of roles)
    await superuser.query(`CREATE ROLE ${nameOf(role)} LOGIN PASSWORD '${ROLE_PASSWORD}' IN ROLE sluice_${role}`)
  await superuser.query(`ALTER ROLE ${nameOf('migrator')} SET role = sluice_migrator`)
  const migrated = await execa('node', [sluicePath(), 'migrate'], {
    env: { DATABASE_URL: urlOf('migrator') },
    reject: false,
  })
  await superuser.query(grants)
  return {
    ...{ url, urlOf, nameOf, migrated },
    query: async (sql: string) => (await superuser.query<Record<string, unknown>>(sql)).rows,
    async close(): Promise<void> {
      await superuser.end()
      await drop()
      const other = new pg.Client({ connectionString: new URL('/postgres', url).href })
      await other.connect()
      for (const role of roles) await other.query(`DROP ROLE ${nameOf(role)}`)
      await other.end()
    },
  }
}
