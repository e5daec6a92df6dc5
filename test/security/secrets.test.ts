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

/** What can be wrong with the way in; each holds secrets of its own. */
const broken = (): Record<string, NodeJS.ProcessEnv> => {
  const elsewhere = new URL(database.urlOf('operator'))
  elsewhere.port = '1'
  const refused = new URL(database.urlOf('operator'))
  refused.password = `${SECRET}-wrong`
  const unclear = new URL(database.urlOf('operator'))
  unclear.searchParams.set('sslmode', 'require')
  return {
    'another SASL password': { KAFKA_SASL_PASSWORD: `${SECRET}-wrong` },
    'another passphrase': { KAFKA_SSL_KEY_PASSPHRASE: `${SECRET}-wrong` },
    'nobody at the port of PostgreSQL': { DATABASE_URL: elsewhere.href },
    'another password of PostgreSQL': { DATABASE_URL: refused.href },
    'an unclear URL': { DATABASE_URL: unclear.href },
    'no URL at all': { DATABASE_URL: `${SECRET} %% @ 5432` },
    'a URL of another scheme': { DATABASE_URL: `mysql://u:${SECRET}@h/d` },
    'nobody at the port of Kafka': { KAFKA_BROKERS: '127.0.0.1:1' },
    'rules broken': { KAFKA_SECURITY_PROTOCOL: 'PLAINTEXT', FLUSH_LANES: 'x' },
    'a token refused': {
      ...secure.ways.oauth('member', -100),
      ...{ KAFKA_SSL_CERT_FILE: '', KAFKA_SSL_KEY_FILE: '', KAFKA_SSL_KEY_PASSPHRASE: '' },
    },
    'a client secret refused': {
      ...secure.ways.oauth(),
      ...{ KAFKA_SSL_CERT_FILE: '', KAFKA_SSL_KEY_FILE: '', KAFKA_SSL_KEY_PASSPHRASE: '' },
      KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: `${SECRET}-wrong`,
    },
  }
}

test('every command: nothing on stdout or stderr', async () => {
  for (const command of COMMANDS) {
    const { stdout, stderr } = await secure.sluice(command, everything())
    expect(leaks(`${String(stdout)}${String(stderr)}`), command.join(' ')).toEqual([])
  }
})

test('one command to each service, in every trouble: an error, and no secret', async () => {
  const troubles = Object.entries(broken())
  for (const [name, env] of troubles) {
    const ended = await Promise.all(
      [['consume'], ['offsets', 'show']].map((command) =>
        secure.sluice(command, { ...everything('consumer'), ...env }),
      ),
    )
    for (const { exitCode, stdout, stderr } of ended) {
      expect(exitCode, `${name}: ${String(stderr)}`).toBeGreaterThan(0)
      expect(leaks(`${String(stdout)}${String(stderr)}`), name).toEqual([])
    }
  }
})

test('--help of everything', async () => {
  for (const command of [
    [],
    ['consume'],
    ['publish'],
    ['dlq'],
    ['offsets'],
    ['topics'],
    ['migrate'],
    ['no-such-command'],
  ]) {
    const { stdout, stderr } = await secure.sluice([...command, '--help'], everything())
    expect(String(stdout) + String(stderr)).toMatch(/Usage|unknown command/)
    expect(leaks(`${String(stdout)}${String(stderr)}`)).toEqual([])
  }
})

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
