// The embedded stack leaves nothing behind: no process, no folder. Each test has a temporary folder of its own, which
// every process of the stack names in its arguments; DOCKER_HOST points nowhere, so that the choice is `embedded`.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { execa } from 'execa'
import { Kafka, logLevel } from 'kafkajs'
import pg from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findStack, type LocalStack } from '../../src/local-stack/local-stack.ts'
import { freshDatabase, stack } from '../support/stack.ts'

let temp = ''
beforeEach(async () => {
  temp = await mkdtemp(join(tmpdir(), 'sluice-test-'))
  await chmod(temp, 0o1777) // PostgreSQL runs as another user when we are root
})
afterEach(() => rm(temp, { recursive: true, force: true }))

const environment = () => ({
  ...process.env,
  TMPDIR: temp,
  DOCKER_HOST: 'tcp://127.0.0.1:1',
  KAFKA_BROKERS: '',
  DATABASE_URL: '',
})

/** Processes and folders that belong to this test's stack. */
const remains = async () => {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,args='], { maxBuffer: 1 << 24 })
  const processes = stdout.split('\n').filter((line) => line.includes(temp))
  const folders = (await readdir(temp)).filter((name) => name.startsWith('sluice-')) // tsx keeps a cache there
  return { processes, folders }
}
const nothing = { processes: [], folders: [] }

const until = async (holds: () => Promise<boolean>, limitMs: number) => {
  const deadline = performance.now() + limitMs
  while (!(await holds())) {
    if (performance.now() > deadline)
      throw new Error(`not so after ${limitMs} ms; there is: ${JSON.stringify(await remains())}`)
    await sleep(20)
  }
}

const kafkaAnswers = async (brokers: string[]) => {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return (await admin.describeCluster()).brokers.length
  } finally {
    await admin.disconnect()
  }
}

const ask = async (url: string, question: string): Promise<unknown> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return Object.values((await client.query<Record<string, unknown>>(question)).rows[0] ?? {})[0]
  } finally {
    await client.end()
  }
}

const start = (
  options: { lines?: string[]; signal?: AbortSignal; brokers?: number; postgres?: boolean } = {},
): Promise<LocalStack> =>
  findStack({
    env: environment(),
    log: (line) => options.lines?.push(line),
    signal: new AbortController().signal,
    ...options,
  })

it('starts both, says where from, answers, and leaves nothing after stop', async () => {
  const lines: string[] = []
  const started = await start({ lines })
  expect(lines.sort()).toEqual([
    'Kafka: embedded 4.3.1 (no KAFKA_BROKERS, no Docker engine answers at tcp://127.0.0.1:1)',
    'PostgreSQL: embedded 18.4 (no DATABASE_URL, no Docker engine answers at tcp://127.0.0.1:1)',
  ])
  expect(await kafkaAnswers(started.kafka.brokers)).toBe(1)
  expect(await ask(started.postgres.url, 'SHOW server_encoding')).toBe('UTF8')
  expect(await ask(started.postgres.url, 'SHOW fsync')).toBe('on')
  expect((await remains()).folders).toHaveLength(2)

  await started.stop()
  expect(await remains()).toEqual(nothing)
  await expect(ask(started.postgres.url, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/)
})

it('starts three brokers that know each other', async () => {
  const started = await start({ brokers: 3, postgres: false })
  try {
    expect(started.kafka.brokers).toHaveLength(3)
    await until(async () => (await kafkaAnswers(started.kafka.brokers)) === 3, 10_000)
  } finally {
    await started.stop()
  }
  expect(await remains()).toEqual(nothing)
})

it('leaves nothing within five seconds of the SIGKILL of its process', async () => {
  const holder = execa('node', ['--import', 'tsx', 'test/support/hold-stack.ts'], {
    env: environment(),
    extendEnv: false,
    reject: false,
  })
  await once(holder.stdout, 'data')
  const before = await remains()
  expect(before.folders).toHaveLength(2)
  expect(before.processes.length).toBeGreaterThanOrEqual(4) // two services, two keepers

  holder.kill('SIGKILL')
  await until(async () => JSON.stringify(await remains()) === JSON.stringify(nothing), 5000)
})

it.each([
  ['the folders appear', 'sluice-keeper'],
  ['initdb runs', '/bin/initdb'],
  ['Kafka formats its folder', 'kafka.tools.StorageTool'],
  ['PostgreSQL starts', '/bin/postgres -D'],
  ['Kafka starts', 'kafka.Kafka'],
])('leaves nothing when aborted as %s', async (_, argument) => {
  const abort = new AbortController()
  const reason = new Error('enough')
  const ended = expect(start({ signal: abort.signal })).rejects.toBe(reason)
  await until(async () => (await remains()).processes.some((line) => line.includes(argument)), 20_000)
  abort.abort(reason)
  await ended
  expect(await remains()).toEqual(nothing)
})

it('leaves nothing, a download neither, when aborted while Maven runs', async () => {
  const abort = new AbortController()
  const cache = join(temp, 'cache')
  const starting = findStack({
    env: { ...environment(), XDG_CACHE_HOME: cache },
    log: () => undefined,
    signal: abort.signal,
    postgres: false,
  })
  const ended = expect(starting).rejects.toThrow()
  await until(
    async () => (await remains()).processes.some((line) => line.includes('dependency:copy-dependencies')),
    20_000,
  )
  abort.abort()
  await ended
  expect((await remains()).processes).toEqual([])
  expect(await readdir(join(cache, 'sluice'))).toEqual([])
})

it('says that Java is missing before it starts anything', async () => {
  const starting = findStack({
    env: { ...environment(), PATH: '/nowhere', JAVA_HOME: '' },
    log: () => undefined,
    signal: new AbortController().signal,
  })
  await expect(starting).rejects.toThrow('A local Kafka needs a Docker engine or Java, and neither is here')
  expect(await remains()).toEqual(nothing)
})

it('gives each test a database of its own, copied from a template that is migrated once', async () => {
  let times = 0
  const migrateLetters = async (url: string) => {
    times += 1
    await ask(url, `CREATE TABLE letter AS SELECT 'a' AS name`)
  }
  const [one, other] = await Promise.all([freshDatabase(migrateLetters), freshDatabase(migrateLetters)])
  await ask(one.url, `INSERT INTO letter VALUES ('b')`)
  expect(await ask(one.url, 'SELECT count(*)::int FROM letter')).toBe(2)
  expect(await ask(other.url, 'SELECT count(*)::int FROM letter')).toBe(1)
  expect(times).toBe(1)
  await one.drop()
  await other.drop()
  await expect(ask(one.url, 'SELECT 1')).rejects.toThrow(/does not exist/)
  expect(await kafkaAnswers(stack().brokers)).toBeGreaterThanOrEqual(1)
})
