// Secrets are planted everywhere, every command is run, well and badly, and they are looked for everywhere.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describe, variableNames } from '../../src/config-variables.ts'
import { readTopic } from '../../src/kafka/read-topic.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { commandNames, inProcess } from '../support/commands.ts'
import { freePort } from '../support/free-port.ts'
import { QUICK_SESSION } from '../support/member.ts'
import type { Description } from '../support/openapi.ts'
import { openDatabaseWithRoles } from '../support/roles.ts'
import { openSecureWorld, type SecureWorld } from '../support/secure-world.ts'

/** Every password, passphrase and client secret of the tests begins so. */
const SECRET = 'planted-Zk'

let database: Awaited<ReturnType<typeof openDatabaseWithRoles>>
let secure: SecureWorld
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-secrets-'))
  database = await openDatabaseWithRoles()
  secure = await openSecureWorld(database.url)
})
afterAll(async () => {
  await secure?.close()
  await database?.close()
  await rm(folder, { recursive: true, force: true })
})

const TOKEN = `${SECRET}-token-0123456789`
/** What is a secret by config-variables.ts, and none is forgotten. */
const SECRETS = variableNames.filter((name) => describe(name).secret)

/** Password, passphrase, token and the password of the database at once. */
const everything = (role: 'consumer' | 'operator' | 'migrator' = 'operator'): NodeJS.ProcessEnv => {
  const { KAFKA_SSL_CERT_FILE, KAFKA_SSL_KEY_FILE, KAFKA_SSL_KEY_PASSPHRASE } = secure.ways.lockedKey
  const certificate = { KAFKA_SSL_CERT_FILE, KAFKA_SSL_KEY_FILE, KAFKA_SSL_KEY_PASSPHRASE }
  const common = {
    ...QUICK_SESSION,
    LOG_LEVEL: 'trace',
    DATABASE_URL: database.urlOf(role),
    ADMIN_TOKEN: TOKEN,
    NODE_OPTIONS: '--trace-warnings',
  }
  return { ...secure.ways.user('SCRAM-SHA-512'), ...certificate, ...common }
}

/** The same, each secret in a file. */
const byFile = async (env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> => {
  const found = { ...env }
  for (const name of SECRETS) {
    const value = env[name]
    if (value === undefined || value === '') continue
    const path = join(folder, `${name}-${Math.random()}`)
    await writeFile(path, `${value}\n`, { mode: 0o600 })
    Object.assign(found, { [name]: '', [`${name}_FILE`]: path })
  }
  return found
}

/** In this process: it says the same as in one of its own, which costs a second. */
const say = (args: readonly string[], env: NodeJS.ProcessEnv) => inProcess(args, { ...secure.world.env, ...env })

const leaks = (text: string) => text.split('\n').filter((line) => line.includes(SECRET))

test('every secret that there is, is planted', () => {
  const planted: NodeJS.ProcessEnv[] = [everything(), secure.ways.oauth()]
  for (const name of SECRETS) expect(planted.map((env) => env[name]).join(' '), name).toContain(SECRET)
})

/** Everything that a member answers over HTTP, to whoever has the token and to others, well and badly asked. */
const askEverything = async (port: number) => {
  const said: string[] = []
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, init)
    const text = `${JSON.stringify([...answer.headers])}\n${await answer.text()}`
    said.push(...leaks(text).map((line) => `${init.method ?? 'GET'} ${path}: ${line}`))
    return { status: answer.status, text }
  }
  const { paths } = JSON.parse((await ask('/api/openapi.json')).text.split('\n').slice(1).join('\n')) as Description
  expect(Object.keys(paths).length).toBeGreaterThan(10)
  const pages = ['/', '/metrics', '/health', '/ready', '/no/such/page', `/api/${SECRET.slice(0, 3)}`]
  const asked = [...pages.map((path) => [path, 'get']), ...Object.entries(paths).flatMap(([path, all]) => Object.keys(all).map((method) => [path, method]))] // prettier-ignore
  let answered = 0
  for (const authorization of [null, `Bearer ${TOKEN}`, `Bearer not-${TOKEN.slice(SECRET.length)}`])
    for (const [path, method] of asked as [string, string][]) {
      const headers = { ...(authorization ? { authorization } : {}), 'content-type': 'application/json' }
      const bodies = method === 'get' ? [undefined] : ['{}', '{"ids":[1],"reason":"a test","code":"JSON_INVALID"}', 'no json']
      for (const body of bodies) {
        const { status } = await ask(path.replaceAll(/\{[^}]+\}/g, '1'), { method: method.toUpperCase(), headers, ...(body === undefined ? {} : { body }) })
        if (status === 200) answered += 1
      }
    }
  expect(answered).toBeGreaterThan(15)
  return said
} // prettier-ignore

test.each<[string, (env: NodeJS.ProcessEnv) => NodeJS.ProcessEnv | Promise<NodeJS.ProcessEnv>]>([
  ['variables', (env) => env],
  ['files', byFile],
])('a consumer, its secrets in %s: log, command line, environment, HTTP, audit, dead letters', async (how, given) => {
  const { world, sluice } = secure
  const port = await freePort()
  const member = world.start(`member-${how}`, { ...(await given(everything('consumer'))), HTTP_PORT: String(port) })
  const publishing = sluice(['publish', '--generate', '50', '--bad', '4'], await given(everything('consumer')))
  await member.logged('partitions assigned')
  const title = await readFile(`/proc/${member.pid}/cmdline`, 'utf8')
  expect(title).toContain('consume')
  expect(leaks(title)).toEqual([])
  // What is in variables can be seen there, by whoever may look: docs/security.md says so.
  const environment = await readFile(`/proc/${member.pid}/environ`, 'utf8')
  expect(environment.includes(SECRET)).toBe(how === 'variables')
  const published = await publishing
  expect(published.exitCode, String(published.stderr)).toBe(0)
  await world.drained()
  expect(await askEverything(port)).toEqual([])
  member.kill('SIGTERM')
  expect((await member.ended).code, member.tail()).toBe(0)
  expect(member.lines().map(({ level }) => level)).toContain('trace')
  expect(leaks(member.output())).toEqual([])
  const letters = await readTopic(world.config.kafka, world.config.dlqTopic, createLog('silent'))
  expect(letters.length).toBeGreaterThan(0)
  for (const { headers } of letters) expect(leaks(headers.map(([name, value]) => `${name}${value?.toString()}`).join('\n'))).toEqual([])
}) // prettier-ignore

type Args = string[]
/** A user and two keys of theirs, of what was published. */
const vendorKeys = async (): Promise<[user: string, key: string, other: string]> => {
  const [found] = await database.query(
    `SELECT user_id AS user, array_agg(vendor_key ORDER BY item_id) AS keys FROM item_mapping
      GROUP BY user_id HAVING count(DISTINCT item_id) > 1 ORDER BY 1 LIMIT 1`,
  )
  const { user, keys } = found as { user: string; keys: string[] }
  return [user, keys[0]!, keys.at(-1)!]
}
/** What no member has read yet. */
const unreadPlace = async (): Promise<[partition: string, offset: string]> => {
  const published = await say(['publish', '--generate', '20'], everything())
  expect(published.exitCode, published.output).toBe(0)
  const place = (await secure.world.standing()).find(({ next, end }) => next < end)!
  return [String(place.partition), String(place.next)]
}

/** Of each command of the program: at least once well, in a world where that can be, and some badly. In the order given. */
const CALLS: Record<string, (() => Args[] | Promise<Args[]>) | 'as a process'> = {
  consume: 'as a process',
  migrate: () => [[]],
  topics: () => [],
  'topics check': () => [[], ['--json']],
  'topics create': () => [[]],
  'topics record'() {
    const at = (partition: string, offset: string) => ['--partition', partition, '--offset', offset]
    return [at('0', '0'), [...at('0', '0'), '--json'], at('9', '0'), at('0', '999999')]
  },
  offsets: () => [],
  'offsets show': () => [[], ['--json']],
  'offsets reset': () => [
    ['--to', 'earliest', '--dry-run'],
    ['--to', 'x'],
  ],
  async 'offsets skip'() {
    const [partition, offset] = await unreadPlace()
    const place = ['--partition', partition, '--offset', offset, '--reason', 'a test']
    return [[...place], [...place, '--yes'], [...place, '--yes']]
  },
  lag: () => [[], ['--json']],
  doctor: () => [[], ['--json']],
  dlq: () => [],
  'dlq list': () => [[], ['--json']],
  'dlq stats': () => [[]],
  async 'dlq show'() {
    const [letter] = await database.query('SELECT id FROM dead_letter LIMIT 1')
    return [[String(letter!['id'])], ['0']]
  },
  'dlq replay': () => [['--code', 'JSON_INVALID', '--yes']],
  'dlq discard': () => [['--code', 'JSON_INVALID', '--reason', 'a test', '--yes']],
  'dlq purge': () => [['--older-than', '90d', '--yes']],
  mapping: () => [],
  'mapping list': () => [[], ['--json']],
  async 'mapping show'() {
    const [user, key] = await vendorKeys()
    return [
      [user, key],
      [user, 'item:1'],
      ['nobody', 'nothing'],
    ]
  },
  async 'mapping assign'() {
    const [user, key] = await vendorKeys()
    return [
      [user, key, '--to', 'new', '--yes'],
      ['nobody', 'nothing', '--to', 'new', '--yes'],
    ]
  },
  async 'mapping undo'() {
    return [[(await vendorKeys())[0], '--yes']]
  },
  async 'mapping merge'() {
    const [user, key, other] = await vendorKeys()
    return [[user, key, other, '--yes']]
  },
  async 'mapping finish'() {
    return [[(await vendorKeys())[0]]]
  },
  pause: () => [['--reason', 'a test'], []],
  resume: () => [[]],
  reconcile: () => [[]],
  invoice: () => [['1']],
  publish: () => [['--generate', '5'], ['no-such-file.csv'], ['--generate', 'x']],
  demo: () => [
    ['--events', '100'],
    ['--events', 'x'],
  ],
  'demo fault': () => [['database'], ['x']],
}

test('every command of the program is called below', async () => {
  expect(Object.keys(CALLS).sort()).toEqual((await commandNames()).sort())
})

test.each(Object.keys(CALLS))('sluice %s', async (name) => {
  const calls = CALLS[name]!
  for (const args of calls === 'as a process' ? [] : await calls()) {
    const { exitCode, output } = await say([...name.split(' '), ...args], everything())
    expect(output.length, `${name} ${args.join(' ')}: ${exitCode}`).toBeGreaterThan(0)
    expect(leaks(output), args.join(' ')).toEqual([])
  }
  const help = await say([...name.split(' '), '--help'], everything())
  expect([help.exitCode, help.output]).toEqual([0, expect.stringContaining('Usage: sluice')])
  expect(leaks(help.output)).toEqual([])
})

test.each(['offsets show', 'doctor', 'topics check', 'reconcile', 'lag', 'dlq list'])('sluice %s, secrets in files', async (name) => {
  const { exitCode, output } = await say(name.split(' '), await byFile(everything()))
  expect([0, 1], output).toContain(exitCode)
  expect(leaks(output)).toEqual([])
}) // prettier-ignore

test.each([['--help'], ['no-such-command', '--help'], ['no-such-command'], ['--version']])('sluice %s', async (...args) => {
  const { output } = await say(args.flat(), everything())
  expect(output.length).toBeGreaterThan(0)
  expect(leaks(output)).toEqual([])
}) // prettier-ignore

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
  const env = { ...everything('consumer'), ...trouble() }
  const { exitCode, stdout, stderr } = await secure.sluice(['consume'], env)
  expect(exitCode, String(stderr)).toBeGreaterThan(0)
  expect(leaks(`${String(stdout)}${String(stderr)}`)).toEqual([])
  for (const given of [env, await byFile(env)]) {
    const shown = await say(['offsets', 'show'], given)
    expect(shown.exitCode, shown.output).toBeGreaterThan(0)
    expect(leaks(shown.output)).toEqual([])
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
