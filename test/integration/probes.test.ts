// What an orchestrator asks a member while things happen to it and around it. Its own clock runs faster (support/fast-clock.js)
// where minutes would have to pass; Kafka and PostgreSQL, and what is said to them, keep their pace.
import { afterAll, describe, expect, test } from 'vitest'
import { openArena } from '../support/arena.ts'
import { event, recordOf } from '../support/events.ts'
import { withFastClock } from '../support/failpoints/env.ts'
import { freePort } from '../support/free-port.ts'
import { openKafkaProxy } from '../support/kafka-proxy.ts'
import { QUICK_SESSION } from '../support/member.ts'
import { openProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'

const closing: (() => Promise<unknown>)[] = []
afterAll(() => Promise.all(closing.map((close) => close())))

const open = async (partitions = 1): Promise<World> => {
  const world = await openArena(partitions)
  closing.push(() => world.close())
  return world
}

/** A member that is asked for its health all the time. */
const probed = async (world: World, env: NodeJS.ProcessEnv) => {
  const port = await freePort()
  const ask = async (path: '/health' | '/ready') => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null)
    return response && { status: response.status, ...((await response.json()) as { reasons: string[] }) }
  }
  const member = world.start('probed', { ...env, HTTP_PORT: String(port) })
  const health = new Set<number>()
  const asking = setInterval(() => void ask('/health').then((found) => found && health.add(found.status)), 100)
  void member.ended.then(() => clearInterval(asking))
  const ready = async () => (await ask('/ready'))?.status
  const look = { describe: member.tail }
  return {
    ...{ member, port, ask, ready },
    /** All that were given. */
    health: () => [...health],
    isReady: () => until('it is ready', async () => (await ready()) === 200, look),
    /** Resolves to the reasons. */
    isNotReady: (why: RegExp) =>
      until(`not ready: ${why}`, async () => (await ask('/ready'))?.reasons.some((each) => why.test(each)), look),
  }
}

test('live from the start, ready in the group; neither pause nor drain makes it look dead; who finds the port taken works, and has it later', async () => {
  const world = await open(2)
  const { member, port, ask, health, isReady, isNotReady } = await probed(world, QUICK_SESSION)
  await isReady()
  await world.send([recordOf(event(), 0)])
  await world.drained()

  expect((await world.sluice(['pause', '--reason', 'stock-taking'])).exitCode).toBe(0)
  await isNotReady(/^the gate is closed: see `sluice resume`$/)
  expect((await world.sluice(['resume'])).exitCode).toBe(0)
  await isReady()

  const second = world.start('same port', { ...QUICK_SESSION, HTTP_PORT: String(port) })
  await second.logged('the HTTP port is taken; the pipeline works without it')
  await second.logged('partitions assigned')
  expect(second.lines('HTTP: probes, metrics, API, dashboard')).toEqual([])
  const answering = async () =>
    ((await (await fetch(`http://127.0.0.1:${port}/api/state`)).json()) as { memberId: string }).memberId
  const first = await answering()
  await world.send([0, 1].map((partition) => recordOf(event(), partition)))
  await world.drained()

  member.kill('SIGTERM')
  expect(await member.ended).toMatchObject({ code: 0 })
  await second.logged('HTTP: probes, metrics, API, dashboard')
  expect(await answering()).not.toBe(first)
  await isReady()
  // It had one partition of the two, and has counted all along.
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  expect(metrics).toMatch(/^sluice_records_total\{.*outcome="inserted".*\} 1$/m)
  second.kill('SIGTERM')
  expect(await second.ended, second.tail()).toMatchObject({ code: 0 })
  expect(await ask('/health')).toBeNull()
  expect(health()).toEqual([200])
})

/** Writes that take so long, by no lock that would time out. */
const slowWrites = async (world: World, seconds: number) => {
  await world.query(`CREATE FUNCTION doze() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(${seconds}); RETURN NULL; END $$`) // prettier-ignore
  await world.query('CREATE TRIGGER doze AFTER INSERT ON inventory FOR EACH STATEMENT EXECUTE FUNCTION doze()')
  await world.send([recordOf(event(), 0)])
  const dozing = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`
  await until('a write is under way', async () => (await world.query(dozing)).length > 0)
}

const sessionOf = (seconds: number) => ({ KAFKA_SESSION_TIMEOUT_MS: String(seconds * 1_000) })

// Each in a world of its own; most of each is waiting.
describe.concurrent('while minutes pass', () => {
  test('PostgreSQL away: not ready although there is nothing to write, and live', async () => {
    const world = await open()
    const url = new URL(world.config.databaseUrl)
    const proxy = await openProxy(url.hostname, Number(url.port || 5432))
    closing.push(() => proxy.close())
    url.host = `127.0.0.1:${proxy.port}`
    const env = { ...withFastClock(10), ...sessionOf(60), DATABASE_URL: url.href }
    const { health, isReady, isNotReady } = await probed(world, env)
    for (const how of ['down', 'silent'] as const) {
      await isReady()
      proxy[how]()
      await isNotReady(/^PostgreSQL has not answered for \d+ s$/)
      proxy.up()
    }
    await isReady()
    expect(health()).toEqual([200])
  })

  test('Kafka silent: not ready, neither as a member that hears nothing nor as none; live, and back with it', async () => {
    const world = await open()
    const proxy = await openKafkaProxy(world.config.kafka.brokers)
    closing.push(() => proxy.close())
    const env = { ...withFastClock(5), ...sessionOf(20), KAFKA_BROKERS: proxy.brokers.join(',') }
    const { member, health, ready, isReady, isNotReady } = await probed(world, env)
    await isReady()
    proxy.set('silent')
    await isNotReady(/^Kafka has answered no heartbeat for \d+ s$/)
    const since = new Set<number | undefined>()
    const given = async () => since.add(await ready()) && member.lines('the Kafka client restarts').length > 0
    await until('the consumer is given up', given, { describe: member.tail })
    await isNotReady(/^not in the group any more; joining again$/)
    expect([...since]).toEqual([503])
    proxy.set('open')
    await isReady()
    expect(health()).toEqual([200])
  })

  test('a write that never ends: wedged, and ends by itself with exit code 3', async () => {
    const world = await open()
    const { member, health, isReady } = await probed(world, { ...withFastClock(25), ...sessionOf(300) })
    await isReady()
    await slowWrites(world, 28)
    expect(await member.ended, member.tail()).toEqual({ code: 3, signal: null })
    expect(member.output()).toMatch(/^sluice: wedged: a write that has not ended for 3\d\d s$/m)
    expect(health()).toEqual([200, 503])
  })

  test('the same while it drains: live, not ready, and drained when the write ends', async () => {
    const world = await open()
    const { member, health, ready, isReady, isNotReady } = await probed(world, {
      ...withFastClock(25),
      ...sessionOf(300),
    })
    await isReady()
    await slowWrites(world, 15)
    const began = performance.now()
    member.kill('SIGTERM')
    await isNotReady(/^draining$/)
    expect(await member.ended, member.tail()).toEqual({ code: 0, signal: null })
    expect((performance.now() - began) * 25).toBeGreaterThan(330_000) // the other one had ended by then
    expect(await ready()).toBeUndefined()
    expect(health()).toEqual([200])
    expect(await world.settled()).toBe(1)
  })
})
