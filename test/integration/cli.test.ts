// What a person meets at the command line: refusals in one clear line, help with examples, and commands to repeat.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consumeCommand } from '../../src/cli/consume.ts'
import { demoCommand } from '../../src/cli/demo.ts'
import { dlqCommand } from '../../src/cli/dlq.ts'
import { doctorCommand } from '../../src/cli/doctor.ts'
import { pauseCommand, resumeCommand } from '../../src/cli/gate.ts'
import { invoiceCommand } from '../../src/cli/invoice.ts'
import { lagCommand } from '../../src/cli/lag.ts'
import { mappingCommand } from '../../src/cli/mapping.ts'
import { migrateCommand } from '../../src/cli/migrate.ts'
import { offsetsCommand } from '../../src/cli/offsets.ts'
import { publishCommand } from '../../src/cli/publish.ts'
import { reconcileCommand } from '../../src/cli/reconcile.ts'
import { topicsCommand } from '../../src/cli/topics.ts'
import { variableNames } from '../../src/config-variables.ts'
import { openArena } from '../support/arena.ts'
import { sluicePath } from '../support/built.ts'
import { freshDatabase, uniqueName } from '../support/stack.ts'
import type { World } from '../support/world.ts'

const PATIENCE_MS = 15_000
const EXAMPLE = /^Examples?:\n {2}/m
/** In the order of `sluice --help`. */
const COMMANDS = [
  ...[demoCommand, publishCommand, consumeCommand, lagCommand, doctorCommand, invoiceCommand, dlqCommand],
  ...[mappingCommand, pauseCommand, resumeCommand, reconcileCommand, topicsCommand, migrateCommand, offsetsCommand],
]

let world: World
let folder = ''
beforeAll(async () => {
  world = await openArena(2)
  folder = await mkdtemp(join(tmpdir(), 'sluice-cli-'))
})
afterAll(async () => {
  await world.close()
  await rm(folder, { recursive: true })
})

/** Nothing of sluice is set but what is given. */
const sluice = (args: readonly string[], env: NodeJS.ProcessEnv = {}, input?: string) => {
  const bare = Object.entries(process.env).filter(([name]) => !variableNames.includes(name as never))
  const options = { extendEnv: false, env: { ...Object.fromEntries(bare), NO_COLOR: '1', ...env }, reject: false }
  return execa('node', [sluicePath(), ...args], { ...options, input: input ?? '', timeout: PATIENCE_MS })
}

const here = (over: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => {
  const names = ['KAFKA_BROKERS', 'KAFKA_TOPIC', 'KAFKA_DLQ_TOPIC', 'KAFKA_GROUP_ID', 'DATABASE_URL'] as const
  return { ...Object.fromEntries(names.map((name) => [name, world.env[name]])), ...over }
}

const database = (change: (url: URL) => void): NodeJS.ProcessEnv => {
  const url = new URL(world.env['DATABASE_URL']!)
  change(url)
  return { DATABASE_URL: url.href }
}

/** One line that says what is wrong, one that says what to do, and nothing else. */
const expectRefusal = async (
  run: ReturnType<typeof sluice>,
  { code, says, mend }: { code: number; says: RegExp; mend: RegExp },
) => {
  const { exitCode, stderr, timedOut } = await run
  expect(timedOut, `no answer within ${PATIENCE_MS} ms`).toBe(false)
  expect(stderr).toMatch(/^sluice: .+\n {2}→ .+$/)
  expect(stderr).toMatch(says)
  expect(stderr.split('→')[1]).toMatch(mend)
  expect(exitCode).toBe(code)
}

const CLOSED = { KAFKA_BROKERS: '127.0.0.1:1' }
const NO_TOPIC = { KAFKA_TOPIC: 'no-such-topic', KAFKA_DLQ_TOPIC: 'no-such-topic.dlq' }
const KAFKA_COMMANDS = ['consume', 'topics check', 'offsets show', 'publish --generate 5']
const DATABASE_COMMANDS = ['consume', 'offsets show', 'migrate']

describe('Kafka', () => {
  test.each(KAFKA_COMMANDS)('that nobody answers for: %s', async (command) => {
    const says = /cannot reach Kafka at 127\.0\.0\.1:1/
    await expectRefusal(sluice(command.split(' '), here(CLOSED)), { code: 3, says, mend: /KAFKA_BROKERS/ })
  })

  test.concurrent.each(['consume', 'publish --generate 5'])(
    'that takes the connection and says nothing: %s',
    async (command) => {
      const silent = createServer(() => {})
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
      const broker = `127.0.0.1:${(silent.address() as AddressInfo).port}`
      try {
        const says = new RegExp(`cannot reach Kafka at ${broker}`)
        await expectRefusal(sluice(command.split(' '), here({ KAFKA_BROKERS: broker })), {
          code: 3,
          says,
          mend: /KAFKA_BROKERS/,
        })
      } finally {
        silent.close()
      }
    },
  )

  test.each(KAFKA_COMMANDS.slice(0, 3))('without the topic: %s', async (command) => {
    await expectRefusal(sluice(command.split(' '), here(NO_TOPIC)), {
      code: 3,
      says: /no-such-topic/,
      mend: /sluice topics create/,
    })
  })
})

describe('PostgreSQL', () => {
  test.each(DATABASE_COMMANDS)('that nobody answers for: %s', async (command) => {
    const env = here(database((url) => void (url.port = '1')))
    await expectRefusal(sluice(command.split(' '), env), { code: 3, says: /PostgreSQL/, mend: /DATABASE_URL/ })
  })

  test.each(DATABASE_COMMANDS)('with the wrong password: %s', async (command) => {
    const user = uniqueName('user').replaceAll('-', '_')
    const env = here(database((url) => void ((url.username = user), (url.password = 'pass-not-shown'))))
    await world.query(`CREATE ROLE ${user} LOGIN PASSWORD 'other'`)
    const run = sluice(command.split(' '), env)
    try {
      await expectRefusal(run, { code: 3, says: /refuses the password of user "user_/, mend: /DATABASE_URL/ })
      expect((await run).stderr).not.toContain('pass-not-shown')
    } finally {
      await world.query(`DROP ROLE ${user}`)
    }
  })

  test.each(DATABASE_COMMANDS)('with a database that does not exist: %s', async (command) => {
    const env = here(database((url) => void (url.pathname = '/no_such_database')))
    await expectRefusal(sluice(command.split(' '), env), {
      code: 3,
      says: /"no_such_database" does not exist/,
      mend: /createdb/,
    })
  })

  test.each(['consume', 'offsets show'])('without tables: %s', async (command) => {
    const empty = await freshDatabase()
    const env = here({ DATABASE_URL: empty.url })
    await expectRefusal(sluice(command.split(' '), env), { code: 3, says: /no sluice tables/, mend: /sluice migrate/ })
    await empty.drop()
  })

  test('with a user that may not read the tables', async () => {
    const user = uniqueName('user').replaceAll('-', '_')
    await world.query(`CREATE ROLE ${user} LOGIN PASSWORD 'secret'`)
    const env = here(database((url) => void ((url.username = user), (url.password = 'secret'))))
    await expectRefusal(sluice(['consume'], env), { code: 3, says: /lacks a permission/, mend: /roles/ })
    await world.query(`DROP ROLE ${user}`)
  })
})

describe('the configuration', () => {
  test.each([
    ['unset', {}, ['KAFKA_BROKERS is not set', 'DATABASE_URL is not set']],
    [
      'malformed',
      { KAFKA_BROKERS: 'http://x', DATABASE_URL: 'mysql://u:hidden@h/d', FLUSH_LANES: '2x' },
      ['KAFKA_BROKERS must', 'DATABASE_URL must', 'FLUSH_LANES must'],
    ],
    [
      'contradictory',
      { KAFKA_BROKERS: 'a:1', DATABASE_URL: 'postgres://a/b', FLUSH_MIN_AGE_MS: '9', FLUSH_MAX_AGE_MS: '8' },
      ['FLUSH_MIN_AGE_MS (9) must not be above FLUSH_MAX_AGE_MS (8)'],
    ],
    [
      'misspelt',
      { KAFKA_BROKERS: 'a:1', DATABASE_URL: 'postgres://a/b', KAFKA_TOPICS: 'x' },
      ['KAFKA_TOPICS is not a variable of sluice: did you mean KAFKA_TOPIC?'],
    ],
  ])('that is %s is refused with every fault at once', async (_, env, faults) => {
    const { exitCode, stderr } = await sluice(['consume'], env)
    expect(exitCode).toBe(2)
    for (const fault of faults) expect(stderr).toContain(`  - ${fault}`)
    expect(stderr.split('\n').filter((line) => line.startsWith('  - '))).toHaveLength(faults.length)
    expect(stderr).toContain('→ every variable is described in docs/configuration.md')
    expect(stderr).not.toMatch(/^\s+at |hidden/m)
  })

  test.each(['publish', 'publish x.csv --rate fast', 'topics', 'consumer', 'offsets reset'])(
    'of a command line that is no command: %s',
    async (command) => {
      const { exitCode, stderr } = await sluice(command.split(' '), here())
      expect([exitCode, stderr]).toEqual([2, expect.not.stringMatching(/^\s+at /m)])
      expect(stderr).not.toBe('')
    },
  )
})

describe('help', () => {
  test('of the program lists its commands, and each command shows an example', async () => {
    const { stdout, exitCode } = await sluice(['--help'])
    expect(exitCode).toBe(0)
    const listed = /^Commands:\n([^]*?)\n\n/m.exec(stdout)?.[1] ?? ''
    const names = [...listed.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name)
    const io = { stdout: process.stdout, stderr: process.stderr, env: {}, drain: new AbortController().signal }
    const commands = COMMANDS.map((define) => define(io, () => {}))
    expect(names).toEqual([...commands.map((command) => command.name()), 'help'])
    expect((await sluice(['dlq', 'list', '--help'])).stdout).toMatch(EXAMPLE)
    expect((await sluice(['dlq', 'discard', '--help'])).stdout).toMatch(/--reason <text>[^-]*\(required\)/)

    // The others in this process: there are forty.
    const without: string[] = []
    const visit = (command: Command, path: string): void => {
      let text = ''
      command.configureOutput({ writeOut: (part) => void (text += part) }).outputHelp()
      if (command.commands.length === 0 && !EXAMPLE.test(text)) without.push(path)
      for (const each of command.commands) visit(each, `${path} ${each.name()}`)
    }
    for (const command of commands) visit(command, command.name())
    expect(without).toEqual([])
  })
})

describe('commands to repeat', () => {
  test('migrate creates the tables once', async () => {
    const empty = await freshDatabase()
    const env = { DATABASE_URL: empty.url }
    const [first, second] = [await sluice(['migrate'], env), await sluice(['migrate'], env)]
    expect([first.exitCode, first.stdout]).toEqual([0, expect.stringMatching(/^applied \d/)])
    expect([second.exitCode, second.stdout]).toEqual([0, 'nothing to do: the tables are up to date'])
    await empty.drop()
  })

  test('topics create creates the topics once', async () => {
    const topic = uniqueName('twice')
    const env = here({ KAFKA_TOPIC: topic, KAFKA_DLQ_TOPIC: `${topic}.dlq` })
    const [first, second] = [await sluice(['topics', 'create'], env), await sluice(['topics', 'create'], env)]
    await world.admin.deleteTopics([topic, `${topic}.dlq`])
    expect([first.exitCode, first.stdout.match(/^created /gm)]).toEqual([0, ['created ', 'created ']])
    expect([second.exitCode, second.stdout.match(/^existed /gm)]).toEqual([0, ['existed ', 'existed ']])
  })
})

const CSV = ['invoiceId,sku,quantity,unitPrice,occurredAt', 'A1,10,6,2.55,2026-01-02 03:04:05'].join('\n')
const FIXED = ['--format', 'csv', '--user', 'u-1', '--currency', 'GBP']
const end = async () =>
  [...(await world.admin.endOffsets(world.config.topic)).values()].reduce((sum, at) => sum + at.high, 0n)

describe('publish', () => {
  test('of a file with faults publishes the rest, lists the faults and ends with exit code 1', async () => {
    const before = await end()
    const file = join(folder, 'faults.ndjson')
    const bad = 'B1,10,0,2.55,2026-01-02 03:04:05\nB2,10,6,2.55,2026-02-30 03:04:05'
    const { exitCode, stdout, stderr } = await sluice(
      ['publish', '-', ...FIXED, '--faults', file],
      here(),
      `${CSV}\n${bad}\nB3,10,6,1,2026-01-02`,
    )
    expect([exitCode, stdout]).toEqual([1, expect.stringMatching(/published {2}2 events[^]*faults {5}2 rows/)])
    expect(stderr).toMatch(/^line 3 \/quantity: QUANTITY_ZERO.*\nline 4 \/occurredAt: TIMESTAMP_INVALID/)
    const listed = (await readFile(file, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { line: number })
    expect(listed.map(({ line }) => line)).toEqual([3, 4])
    expect(await end()).toBe(before + 2n)
  })

  test('with --dry-run shows the events and sends none, without Kafka', async () => {
    const before = await end()
    const { exitCode, stdout } = await sluice(['publish', '-', '--dry-run', ...FIXED], {}, CSV)
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('would publish  1 event ')])
    expect(JSON.parse(stdout.split('\n')[0]!)).toMatchObject({ invoiceId: 'A1', quantity: '6', currency: 'GBP' })
    expect(await end()).toBe(before)
  })
})

test.each([
  ['publish --generate 20000 --dry-run', /^\{"eventId"/],
  ['--help', /^Usage: sluice/],
  ['offsets show', /^group lines-/],
])('a reader that closes the pipe is no fault: sluice %s | head -1', async (args, first) => {
  const script = join(folder, 'head.sh')
  await writeFile(script, `node ${sluicePath()} ${args} | head -1; echo "\${PIPESTATUS[0]}"`)
  const { stdout, stderr } = await execa('bash', [script], { env: here(), reject: false })
  expect(stdout).toMatch(first)
  expect([stdout.split('\n').at(-1), stderr]).toEqual(['0', ''])
})
