// Secrets are planted everywhere, every command is run, well and badly, and they are looked for everywhere.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readTopic } from '../../src/kafka/read-topic.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { QUICK_SESSION } from '../support/member.ts'
import { openDatabaseWithRoles } from '../support/roles.ts'
import { openSecureWorld, type SecureWorld } from '../support/secure-world.ts'

/** Every password, passphrase and client secret of the tests begins so. */
const SECRET = 'planted-Zk'

let database: Awaited<ReturnType<typeof openDatabaseWithRoles>>
let secure: SecureWorld
beforeAll(async () => {
  database = await openDatabaseWithRoles()
  secure = await openSecureWorld(database.url)
})
afterAll(async () => {
  await secure?.close()
  await database?.close()
})

/** Password, passphrase and the password of the database at once. */
const everything = (role: 'consumer' | 'operator' | 'migrator' = 'operator'): NodeJS.ProcessEnv => {
  const { KAFKA_SSL_CERT_FILE, KAFKA_SSL_KEY_FILE, KAFKA_SSL_KEY_PASSPHRASE } = secure.ways.lockedKey
  const certificate = { KAFKA_SSL_CERT_FILE, KAFKA_SSL_KEY_FILE, KAFKA_SSL_KEY_PASSPHRASE }
  const common = {
    ...QUICK_SESSION,
    LOG_LEVEL: 'trace',
    DATABASE_URL: database.urlOf(role),
    NODE_OPTIONS: '--trace-warnings',
  }
  return { ...secure.ways.user('SCRAM-SHA-512'), ...certificate, ...common }
}

const leaks = (text: string) => text.split('\n').filter((line) => line.includes(SECRET))

test('a consumer: log, command line, audit, dead letters and their headers', async () => {
  const { world, sluice } = secure
  const member = world.start('member', everything('consumer'))
  const publishing = sluice(['publish', '--generate', '50', '--bad', '4'], everything('consumer'))
  await member.logged('partitions assigned')
  const title = await readFile(`/proc/${member.pid}/cmdline`, 'utf8')
  expect(title).toContain('consume')
  expect(leaks(title)).toEqual([])
  const published = await publishing
  expect(published.exitCode, String(published.stderr)).toBe(0)
  await world.drained()
  member.kill('SIGTERM')
  expect((await member.ended).code, member.tail()).toBe(0)
  expect(member.lines().map(({ level }) => level)).toContain('trace')
  expect(leaks(member.output())).toEqual([])
  const letters = await readTopic(world.config.kafka, world.config.dlqTopic, createLog('silent'))
  expect(letters.length).toBeGreaterThan(0)
  for (const { headers } of letters) expect(leaks(headers.map(([name, value]) => `${name}${value?.toString()}`).join('\n'))).toEqual([]) // prettier-ignore
})

const COMMANDS = [
  ['migrate'],
  ['topics', 'check'],
  ['topics', 'create'],
  ['offsets', 'show'],
  ['offsets', 'reset', '--to', 'earliest', '--dry-run'],
  ['dlq', 'list'],
  ['dlq', 'stats'],
  ['dlq', 'show', '0'],
  ['dlq', 'replay', '--code', 'JSON_INVALID', '--yes'],
  ['dlq', 'discard', '--code', 'JSON_INVALID', '--reason', 'a test', '--yes'],
  ['dlq', 'purge', '--older-than', '90d', '--yes'],
  ['pause', '--reason', 'a test'],
  ['resume'],
  ['reconcile'],
  ['invoice', '1'],
  ['publish', '--generate', '5'],
]

test.each(COMMANDS.map((command) => [command.join(' '), command] as const))('sluice %s', async (_, command) => {
  const { exitCode, stdout, stderr } = await secure.sluice(command, everything())
  expect(exitCode, 'it was ended').toBeDefined()
  expect(leaks(`${String(stdout)}${String(stderr)}`)).toEqual([])
})

const changed = (change: (url: URL) => void): NodeJS.ProcessEnv => {
  const url = new URL(database.urlOf('operator'))
  change(url)
  return { DATABASE_URL: url.href }
}
const NO_CERTIFICATE = { KAFKA_SSL_CERT_FILE: '', KAFKA_SSL_KEY_FILE: '', KAFKA_SSL_KEY_PASSPHRASE: '' }

/** What can be wrong with the way in; each holds secrets of its own. */
test.each<[string, () => NodeJS.ProcessEnv]>([
  ['another SASL password', () => ({ KAFKA_SASL_PASSWORD: `${SECRET}-wrong` })],
  ['another passphrase', () => ({ KAFKA_SSL_KEY_PASSPHRASE: `${SECRET}-wrong` })],
  ['nobody at the port of PostgreSQL', () => changed((url) => (url.port = '1'))],
  ['another password of PostgreSQL', () => changed((url) => (url.password = `${SECRET}-wrong`))],
  ['an unclear URL', () => changed((url) => url.searchParams.set('sslmode', 'require'))],
  ['no URL at all', () => ({ DATABASE_URL: `${SECRET} %% @ 5432` })],
  ['a URL of another scheme', () => ({ DATABASE_URL: `mysql://u:${SECRET}@h/d` })],
  ['nobody at the port of Kafka', () => ({ KAFKA_BROKERS: '127.0.0.1:1' })],
  ['rules broken', () => ({ KAFKA_SECURITY_PROTOCOL: 'PLAINTEXT', FLUSH_LANES: 'x' })],
  ['a token refused', () => ({ ...secure.ways.oauth('member', -100), ...NO_CERTIFICATE })],
  [
    'a client secret refused',
    () => ({
      ...{ ...secure.ways.oauth(), ...NO_CERTIFICATE },
      KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: `${SECRET}-wrong`,
    }),
  ],
])('%s: an error, and no secret', async (_, trouble) => {
  for (const command of [['consume'], ['offsets', 'show']]) {
    const { exitCode, stdout, stderr } = await secure.sluice(command, { ...everything('consumer'), ...trouble() })
    expect(exitCode, String(stderr)).toBeGreaterThan(0)
    expect(leaks(`${String(stdout)}${String(stderr)}`)).toEqual([])
  }
})

test('a fault that nobody thought of: codes and places, not the words of PostgreSQL', async () => {
  await database.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION E'${SECRET} %\\n    at ${SECRET}', NEW USING ERRCODE = 'P0042'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON consumer_gate FOR EACH ROW EXECUTE FUNCTION refuse()`)
  const { exitCode, stdout, stderr } = await secure.sluice(['pause', '--reason', `${SECRET}-reason`], everything())
  await database.query('DROP FUNCTION refuse CASCADE')
  expect([exitCode, String(stdout)]).toEqual([4, ''])
  expect(String(stderr)).toMatch(/^sluice: unexpected fault, please report it\n\{.*"P0042".*gate.*\}$/)
  expect(leaks(String(stderr))).toEqual([])
})

test.each(['', 'consume', 'publish', 'dlq', 'offsets', 'topics', 'migrate', 'no-such-command'])(
  'sluice %s --help',
  async (command) => {
    const { stdout, stderr } = await secure.sluice([...(command === '' ? [] : [command]), '--help'], everything())
    expect(String(stdout) + String(stderr)).toMatch(/Usage|unknown command/)
    expect(leaks(`${String(stdout)}${String(stderr)}`)).toEqual([])
  },
)

test('no text of any table holds one', async () => {
  const columns = await database.query(
    `SELECT table_name AS name, column_name AS col FROM information_schema.columns
      WHERE table_schema = 'public' AND data_type IN ('text', 'json', 'jsonb', 'character varying')`,
  )
  expect(columns.length).toBeGreaterThan(20)
  expect((await database.query('SELECT FROM audit_entry')).length).toBeGreaterThan(2)
  for (const { name, col } of columns as { name: string; col: string }[])
    expect(
      await database.query(`SELECT FROM "${name}" WHERE "${col}"::text LIKE '%${SECRET}%'`),
      `${name}.${col}`,
    ).toEqual([])
})
