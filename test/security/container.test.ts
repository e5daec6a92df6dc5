// What the image would hold, run as docker-compose.yml would run it: a built folder, read-only everywhere, a user without a
// name. No container engine here; the kernel's own means instead.
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Lock, shipped } from '../../scripts/dependencies.ts'
import { cannotLockDown, type LockedDown, lockedDown } from '../support/locked-down.ts'
import { freshDatabase, type FreshDatabase, stack } from '../support/stack.ts'
import { openWorld, type World } from '../support/world.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const why = cannotLockDown()

/** The packages that the image would have, and no other: what is missing among them is missed here. */
const copyShipped = async (app: string) => {
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Lock
  // Those for other platforms are not installed.
  for (const [path] of shipped(lock).filter(([at]) => existsSync(join(ROOT, at)))) {
    const from = join(ROOT, path)
    const filter = (file: string) => !file.slice(from.length).startsWith('/node_modules')
    await cp(from, join(app, path), { recursive: true, filter })
  }
}

describe.skipIf(why !== null)(`the built folder${why === null ? '' : ` (${why})`}`, () => {
  let app: string
  let database: FreshDatabase
  let world: World
  const running: LockedDown[] = []
  beforeAll(async () => {
    app = await mkdtemp(join(process.env['TMPDIR'] || tmpdir(), 'sluice-image-'))
    await execa('chmod', ['755', app])
    await execa('npx', ['tsc', '-p', 'tsconfig.build.json', '--outDir', join(app, 'dist')], { cwd: ROOT })
    for (const each of ['bin', 'prisma', 'package.json'])
      await cp(join(ROOT, each), join(app, each), { recursive: true })
    await copyShipped(app)
    database = await freshDatabase()
    world = await openWorld({ brokers: stack().brokers, databaseUrl: database.url, partitions: 1 })
  })
  afterAll(async () => {
    for (const each of running) each.kill('SIGKILL')
    await Promise.all(running.map(({ ended }) => ended))
    await world?.close()
    await database?.drop()
    await rm(app, { recursive: true, force: true })
  })

  const start = (...args: string[]): LockedDown => {
    const { PATH, KAFKA_BROKERS, KAFKA_TOPIC, KAFKA_DLQ_TOPIC, KAFKA_GROUP_ID, DATABASE_URL } = world.env
    const env = { PATH, KAFKA_BROKERS, KAFKA_TOPIC, KAFKA_DLQ_TOPIC, KAFKA_GROUP_ID, DATABASE_URL }
    const options = ['--max-semi-space-size=64', 'bin/sluice.js']
    const started = lockedDown([process.execPath, ...options, ...args], {
      cwd: app,
      env: { ...env, NODE_ENV: 'production', NODE_OPTIONS: '--max-old-space-size=512' },
    })
    running.push(started)
    return started
  }

  test('it is locked down: nothing can be written, not even to /tmp', async () => {
    const { ended } = lockedDown(['sh', '-c', `touch /tmp/x ${app}/x /var/tmp/x ./x; id -u; grep -E 'CapBnd|NoNewPrivs' /proc/self/status`], { cwd: app, env: process.env }) // prettier-ignore
    const { output } = await ended
    expect(output.match(/Read-only file system/g)).toHaveLength(4)
    expect(output).toMatch(/65534\nCapBnd:\s+0+\nNoNewPrivs:\s+1/)
  })

  test('migrate, publish, consume, SIGTERM, and the commands for people', async () => {
    for (const args of [
      ['--version'],
      ['migrate'],
      ['topics', 'check'],
      ['publish', '--generate', '500', '--bad', '3'],
    ]) {
      const { code, output } = await start(...args).ended
      expect(code, `${args.join(' ')}: ${output}`).toBe(0)
    }
    const member = start('consume')
    await world.drained()
    expect(await readFile(`/proc/${member.pid}/status`, 'utf8')).toMatch(/Uid:\s+65534\s+65534/)
    member.kill('SIGTERM')
    const { code, output } = await member.ended
    expect(code, output).toBe(0)
    expect(output).toContain('"clean":true')
    for (const args of [['offsets', 'show'], ['dlq', 'list'], ['reconcile']]) {
      const ended = await start(...args).ended
      expect(ended.code, `${args.join(' ')}: ${ended.output}`).toBe(0)
    }
  })
})
