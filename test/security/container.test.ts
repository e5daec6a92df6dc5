// The image without an engine: made by what the Dockerfile says, and run as docker-compose.yml would run it, as process 1, read-only
// everywhere, by a user without a name. The kernel's own means instead.
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Lock, shipped } from '../../scripts/dependencies.ts'
import { buildByHand, commandOf } from '../support/dockerfile.ts'
import { freePort } from '../support/free-port.ts'
import { cannotLockDown, type LockedDown, lockedDown } from '../support/locked-down.ts'
import { freshDatabase, type FreshDatabase, stack } from '../support/stack.ts'
import { openWorld, type World } from '../support/world.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const why = cannotLockDown()

describe.skipIf(why !== null)(`the image${why === null ? '' : ` (${why})`}`, () => {
  let folder: string
  let app: string
  let database: FreshDatabase
  let world: World
  const running: LockedDown[] = []
  beforeAll(async () => {
    folder = await mkdtemp(join(process.env['TMPDIR'] || tmpdir(), 'sluice-image-'))
    await chmod(folder, 0o755)
    const notRun = await buildByHand(folder)
    if (notRun.length > 0) console.warn(`NOT RUN: ${notRun.join(', ')}: npm's cache lacks packages; those of this checkout were copied instead`) // prettier-ignore
    app = join(folder, 'stage-1')
    database = await freshDatabase()
    world = await openWorld({ brokers: stack().brokers, databaseUrl: database.url, partitions: 1 })
    // Most of it is npm, which is at it alone for a minute.
  }, 1_200_000)
  afterAll(async () => {
    for (const each of running) each.kill('SIGKILL')
    await Promise.all(running.map(({ ended }) => ended))
    await world?.close()
    await database?.drop()
    await rm(folder, { recursive: true, force: true })
  })

  const run = (command: string[], extra: NodeJS.ProcessEnv = {}): LockedDown => {
    const { PATH, KAFKA_BROKERS, KAFKA_TOPIC, KAFKA_DLQ_TOPIC, KAFKA_GROUP_ID, DATABASE_URL } = world.env
    const env = { PATH, KAFKA_BROKERS, KAFKA_TOPIC, KAFKA_DLQ_TOPIC, KAFKA_GROUP_ID, DATABASE_URL, ...extra }
    const started = lockedDown(command, {
      cwd: app,
      env: { ...env, NODE_ENV: 'production', NODE_OPTIONS: '--max-old-space-size=512' },
    })
    running.push(started)
    return started
  }
  const sluice = (...args: string[]) => run([...commandOf('ENTRYPOINT'), ...args])
  const healthCheck = async (env: NodeJS.ProcessEnv) => (await run(commandOf('HEALTHCHECK'), env).ended).code

  test('it holds the packages that are shipped, all of them and no other, and no sources', async () => {
    const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Lock
    // Those for other platforms are not installed.
    const expected = shipped(lock).map(([path]) => path).filter((path) => existsSync(join(ROOT, path))) // prettier-ignore
    const { packages } = JSON.parse(await readFile(join(app, 'node_modules/.package-lock.json'), 'utf8')) as Lock
    // The list is npm's, which does not know what `rm` took away.
    const there = Object.keys(packages).filter((path) => existsSync(join(app, path)))
    expect(there.sort()).toEqual(expected.sort())
    expect((await readdir(app)).sort()).toEqual(['bin', 'dist', 'node_modules', 'package.json', 'prisma'])
  })

  test('it is locked down: nothing can be written, not even to /tmp; the command is process 1', async () => {
    const { ended } = lockedDown(['sh', '-c', `touch /tmp/sluice-x ${app}/sluice-x /var/tmp/sluice-x ./sluice-x; id -u; grep -E 'CapBnd|NoNewPrivs' /proc/self/status; echo $$`], { cwd: app, env: process.env }) // prettier-ignore
    const { output } = await ended
    expect(output.match(/Read-only file system/g)).toHaveLength(4)
    expect(output).toMatch(/65534\nCapBnd:\s+0+\nNoNewPrivs:\s+1\n1\n/)
  })

  test('migrate, publish, consume, health, SIGTERM to process 1, and the commands for people', async () => {
    for (const args of [
      ['--version'],
      ['migrate'],
      ['topics', 'check'],
      ['publish', '--generate', '500', '--bad', '3'],
    ]) {
      const { code, output } = await sluice(...args).ended
      expect(code, `${args.join(' ')}: ${output}`).toBe(0)
    }
    const http = { HTTP_PORT: String(await freePort()), HTTP_HOST: '0.0.0.0' }
    const member = run([...commandOf('ENTRYPOINT'), ...commandOf('CMD')], http)
    await world.drained()
    const status = await readFile(`/proc/${member.pid()}/status`, 'utf8')
    expect(status).toMatch(/^Uid:\s+65534\s+65534/m)
    expect(status).toMatch(/^NSpid:\s+\d+\s+1$/m)
    expect(await healthCheck(http)).toBe(0)
    member.kill('SIGTERM')
    const { code, output } = await member.ended
    expect(code, output).toBe(0)
    expect(output).toContain('"clean":true')
    expect(await healthCheck(http)).toBe(1)
    expect(await healthCheck({})).toBe(0) // not asked
    for (const args of [['offsets', 'show'], ['dlq', 'list'], ['reconcile']]) {
      const ended = await sluice(...args).ended
      expect(ended.code, `${args.join(' ')}: ${ended.output}`).toBe(0)
    }
  })
})
