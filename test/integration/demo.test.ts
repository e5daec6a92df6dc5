// `npm run demo` as a newcomer types it: with services of its own (or those of the environment), from any ending.
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { sluicePath } from '../support/built.ts'
import { type Process, stillAlive, treeOf } from '../support/processes.ts'
import { stack } from '../support/stack.ts'
import { until } from '../support/until.ts'

let folder = ''
let demo: ChildProcess | null = null
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-demo-test-'))
  await chmod(folder, 0o1777) // as /tmp: PostgreSQL runs as another user when we are root
})
afterEach(async () => {
  if (demo?.pid !== undefined && demo.exitCode === null && demo.signalCode === null) process.kill(-demo.pid, 'SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

/** In a process group of its own, as a shell starts it. */
const run = (args: string[], services: NodeJS.ProcessEnv = {}) => {
  const child = spawn('npm', ['run', 'demo', '--', ...args], {
    env: { ...process.env, TMPDIR: folder, NO_COLOR: '1', ...services },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  demo = child
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const says = (text: RegExp) =>
    until(
      `the demo says ${text}`,
      () => {
        if (child.exitCode !== null) throw new Error(`the demo ended before it said ${text}:\n${output}`)
        return text.test(output)
      },
      { describe: () => output },
    )
  return { pid: child.pid!, ended, output: () => output, says }
}

/** Gone within the time that the keepers take to notice our end. */
const expectNothingLeft = async (before: readonly Process[], kept = /^$/) => {
  let left: string[] = []
  const gone = async () => {
    const processes = (await stillAlive(before)).map(({ pid, command }) => `${pid} ${command}`)
    left = [...processes, ...(await readdir(folder)).filter((name) => name.startsWith('sluice-') && !kept.test(name))]
    return left.length === 0
  }
  await until('no process and no folder is left', gone, {
    timeoutMs: 15_000,
    describe: () => left.join('\n'),
  })
}

/** What the demo says to export, to use the commands on it. */
const exported = (output: string): Record<string, string> =>
  Object.fromEntries(
    [...output.matchAll(/^ *export (\w+)='(.*)'$/gm)].map(([, name = '', value = '']) => [name, value]),
  )

/** The lag of the group as `sluice lag` sees it, every two seconds. */
const watchLag = (env: NodeJS.ProcessEnv) => {
  const watching = execa(process.execPath, [sluicePath(), 'lag', '--watch', '--json'], { env, reject: false })
  onTestFinished(() => void watching.kill())
  let lag = 0
  let before = 0
  createInterface({ input: watching.stdout }).on('line', (line) => (lag = (JSON.parse(line) as { lag: number }).lag))
  const describe = () => `lag ${lag}, before it rose ${before}`
  return {
    /** By what comes in a few seconds, and is not worked off. */
    async rises() {
      before = lag
      await until('lag rises', () => lag > before + 1_000, { describe })
    },
    /** To what it was, or what is left would hide that it rises again. */
    falls: () => until('lag falls', () => lag < before + 500, { describe }),
  }
}

test('proves every line, ends with exit code 0 and leaves nothing behind', async () => {
  const { ended, output, pid, says } = run(['--events', '5000'])
  await says(/member-1 starts/)
  const tree = await treeOf(pid)
  expect(tree.length).toBeGreaterThan(2)
  expect(await ended, output()).toBe(0)
  expect(output()).toMatch(/all \d+ lines ok/)
  expect(output()).not.toContain('NOT OK')
  await expectNothingLeft(tree)
})

test('--keep goes on with a dashboard and a stream of records; trouble is provoked from elsewhere; Ctrl-C leaves nothing behind', async () => {
  const { brokers, postgresUrl } = stack()
  const services = { KAFKA_BROKERS: brokers.join(','), DATABASE_URL: postgresUrl }
  const { ended, output, pid, says } = run(['--events', '500', '--keep'], services)
  await says(/sluice demo fault poison/)
  const tree = await treeOf(pid)
  const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(output())?.[0] ?? ''
  const state = async () =>
    (await fetch(`${url}api/state`)
      .then((answer) => answer.json())
      .catch(() => null)) as State
  type State = { deadLetters: { unresolved: number }; members: { alive: boolean }[] } | null
  const lively = async () => (await state())?.members.filter(({ alive }) => alive).length === 2
  await until('both members tell the page how they are', lively, { describe: output })
  expect(await (await fetch(url)).text()).toContain('<title>sluice</title>')
  const before = Number(/dead letters = records that must fail │ +(\d+)/.exec(output())?.[1])
  const env = { ...process.env, TMPDIR: folder, NO_COLOR: '1' }
  const sluice = (...args: string[]) => execa('npx', ['sluice', ...args], { env: { ...env, ...exported(output()) } })
  const lag = watchLag({ ...env, ...exported(output()) })

  const database = sluice('demo', 'fault', 'database')
  await lag.rises()
  expect((await database).stdout).toMatch(/^PostgreSQL cannot be reached[^]*\nPostgreSQL is back: lag falls\.$/)
  await lag.falls()

  const member = sluice('demo', 'fault', 'member')
  await lag.rises()
  expect((await member).stdout).toMatch(/^live-2 \(pid \d+\) is gone[^]*\nlive-3 starts in its place: http:\S+$/)
  await lag.falls()
  await until('there are two again', lively, { describe: output })

  const { stdout } = await execa('npx', ['sluice', 'demo', 'fault', 'poison'], { env })
  expect(stdout).toMatch(/^25 records that cannot be read were published/)
  const grown = async () => (await state())?.deadLetters.unresolved === before + 25
  await until('they are dead letters on the page', grown, { describe: output })
  expect((await sluice('demo', 'fault', 'refusal')).stdout).toMatch(/^The ledger refuses[^]*\nIt takes them again/)
  const replayed = await sluice('dlq', 'replay', '--code', 'ROW_REJECTED', '--yes')
  expect(replayed.stdout).toMatch(/replayed [1-9]/)
  await until('the replay has mended them', grown, { describe: output })
  process.kill(-pid, 'SIGINT')
  await ended
  await expectNothingLeft(tree)
  const none = await execa('npx', ['sluice', 'demo', 'fault', 'poison'], { env, reject: false })
  expect([none.exitCode, none.stderr]).toEqual([3, expect.stringContaining('no demo of yours is running')])
}, 240_000)

test.each([
  ['Ctrl-C leaves no process and no folder', 'SIGINT', /^$/],
  // Keepers and members end by themselves; the members' logs may help to find out what happened.
  ['kill -9 leaves no process and no folder but that of the logs', 'SIGKILL', /^sluice-demo-/],
] as const)('%s', async (_, signal, kept) => {
  const { ended, output, pid, says } = run(['--events', '2000000'])
  await says(/written [1-9]/)
  const tree = await treeOf(pid)
  expect(
    tree.filter(({ command }) => command.includes('sluice.js consume')),
    output(),
  ).not.toEqual([])
  process.kill(-pid, signal)
  expect(await ended, output()).not.toBe(0)
  await expectNothingLeft(tree, kept)
})

test('Ctrl-C while the result is being proved ends it too, and leaves nothing', async () => {
  // Services of its own: the tests above.
  const { brokers, postgresUrl } = stack()
  const { ended, output, pid, says } = run(['--events', '5000'], {
    KAFKA_BROKERS: brokers.join(','),
    DATABASE_URL: postgresUrl,
  })
  await says(/stopping the members/)
  const tree = await treeOf(pid)
  process.kill(-pid, 'SIGINT')
  expect(await ended, output()).not.toBe(0)
  expect(output()).not.toContain('lines ok')
  await expectNothingLeft(tree)
})
