// PostgreSQL over TLS, with a certificate that is checked in full; what is wrong with it is one clear line.
import { chmod, copyFile } from 'node:fs/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrate } from '../../src/sink/migrate.ts'
import { type Certificates, makeCertificates } from '../support/certificates.ts'
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.ts'
import { SOON_MS, timed } from '../support/soon.ts'
import { stack } from '../support/stack.ts'
import { until } from '../support/until.ts'
import { openWorld, type World } from '../support/world.ts'

let certificates: Certificates
let own: OwnPostgres
/** As the superuser, without TLS. */
let client: pg.Client
/** Looks on without TLS; what it starts is given an URL of its own. */
let world: World

beforeAll(async () => {
  certificates = await makeCertificates()
  await serve('server')
  own = await startOwnPostgres({ tls: { cert: certificates.path('pg.pem'), key: certificates.path('pg.key.pem') } })
  client = new pg.Client({ connectionString: own.urlOf('postgres') })
  await client.connect()
  await migrate(url('postgres'))
  world = await openWorld({ brokers: stack().brokers, databaseUrl: own.urlOf('postgres'), partitions: 1 })
})
afterAll(async () => {
  await world?.close()
  await client?.end()
  await own?.end()
  await certificates?.remove()
})

/** Copied over what is there, which belongs to PostgreSQL's user. */
const serve = async (alias: string) => {
  await copyFile(certificates.path(`${alias}.pem`), certificates.path('pg.pem'))
  await copyFile(certificates.path(`${alias}.key.pem`), certificates.path('pg.key.pem'))
  await chmod(certificates.path('pg.key.pem'), 0o600)
}

/** From the next connection on. */
const reload = async (alias: string) => {
  await serve(alias)
  const { rows } = await client.query<{ at: Date }>('SELECT pg_conf_load_time() AS at, pg_reload_conf()')
  await until('the certificate is loaded', async () => {
    const now = await client.query<{ at: Date }>('SELECT pg_conf_load_time() AS at')
    return now.rows[0]!.at > rows[0]!.at
  })
}

const url = (database: string, ca = 'ca', host = 'localhost') => {
  const made = new URL(own.urlOf(database))
  made.hostname = host
  made.searchParams.set('sslmode', 'verify-full')
  if (ca !== '') made.searchParams.set('sslrootcert', certificates.path(`${ca}.pem`))
  return made.href
}

test('sslmode=verify-full: everything goes over TLS, to the end', async () => {
  const access = { DATABASE_URL: url('postgres') }
  const member = world.start('member', access)
  expect((await world.sluice(['publish', '--generate', '100'])).exitCode).toBe(0)
  await member.logged('partitions assigned')
  await world.drained()
  const { rows } = await client.query(
    `SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'member'`,
  )
  expect(rows).toEqual([{ ssl: true }])
  member.kill('SIGTERM')
  expect((await member.ended).code, member.tail()).toBe(0)
  expect((await world.sluice(['reconcile'], { env: { ...world.env, ...access } })).exitCode).toBe(0)
})

test.each<[string, string, () => string, RegExp, RegExp]>([
  ['of another authority', 'server', () => url('postgres', 'other-ca'), /is not trusted/, /set sslrootcert=FILE/],
  ['of an authority that is not the system’s', 'server', () => url('postgres', ''), /is not trusted/, /sslrootcert/],
  ['that has expired', 'expired', () => url('postgres'), /has expired/, /the server needs a new one/],
  ['of another host', 'elsewhere', () => url('postgres'), /is for another host/, /a host name/],
])('a certificate %s: one line, what to do, exit code 3', async (_, alias, databaseUrl, says, does) => {
  await reload(alias)
  for (const command of [['migrate'], ['reconcile'], ['dlq', 'list'], ['consume']]) {
    const env = { ...world.env, DATABASE_URL: databaseUrl() }
    const { ended, tookMs } = await timed(() => world.sluice(command, { env }))
    const stderr = String(ended.stderr)
    expect(ended.exitCode, stderr).toBe(3)
    expect(stderr.split('\n')).toHaveLength(2)
    expect(stderr).toMatch(says)
    expect(stderr).toMatch(does)
    expect(stderr).not.toContain(new URL(databaseUrl()).password)
    expect(tookMs).toBeLessThan(SOON_MS)
  }
})

test('a server without TLS', async () => {
  const plain = new URL(stack().postgresUrl)
  plain.searchParams.set('sslmode', 'verify-full')
  const { exitCode, stderr } = await world.sluice(['migrate'], { env: { ...world.env, DATABASE_URL: plain.href } })
  expect([exitCode, stderr]).toEqual([3, expect.stringContaining('does not speak TLS')])
})
