import { setImmediate } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import { expect, test } from 'vitest'
import { judge } from '../../../src/http/health.ts'
import type { Clock } from '../../../src/lib/clock.ts'
import { ExitCode } from '../../../src/lib/operator-error.ts'
import type { Intake } from '../../../src/pipeline/source.ts'
import { createKafkaSource } from '../../../src/source/kafka-source.ts'
import type { TelemetryEvent } from '../../../src/telemetry/events.ts'
import { until } from '../../support/until.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

/** Takes every call and never joins. */
const silentKafka = (disconnect: () => Promise<void>) => {
  const made = { consumers: 0 }
  const consumer = {
    ...{ events: {}, on: () => {}, pause: () => {}, disconnect },
    connect: async () => {},
    subscribe: async () => {},
    run: async () => {},
  }
  const kafka = () => ({ consumer: () => ((made.consumers += 1), consumer) }) as unknown as Kafka
  return { kafka, made }
}

/** Its time passes as fast as it can. */
const HURRIED: Clock = { now: () => 0, wall: () => 0, sleep: async () => void (await setImmediate()) }

const sourceOf = (kafka: () => Kafka, emit: (event: TelemetryEvent) => void = () => {}, clock = HURRIED) =>
  createKafkaSource(
    {
      ...{ topic: 't', groupId: 'g', concurrency: 1 },
      ...{ sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 60_000, heartbeatIntervalMs: 600 },
    },
    {
      ...{ kafka, emit, clock },
      startPositions: async () => new Map(),
      isFatal: () => true,
    },
  )

test('a client that never hears of its group is begun anew, for as long as it takes', async () => {
  const { kafka, made } = silentKafka(async () => {})
  const events: TelemetryEvent[] = []
  const source = sourceOf(kafka, (event) => void events.push(event))
  const run = source.run({} as Intake)
  await until('ten consumers', () => made.consumers >= 10)
  await source.stop()
  await run
  expect(events[0]).toMatchObject({ type: 'source-crashed', reason: 'silent', restarts: true })
  expect(String((events[0] as { cause?: unknown }).cause)).toContain('no sign of the consumer group for 66 s')
})

test('of those that have not begun any number may be under way: an outage does not end the member', async () => {
  const made = { consumers: 0 }
  const never = () => new Promise<void>(() => {})
  const consumer = { events: {}, on: () => {}, pause: () => {}, connect: never, subscribe: never, run: never }
  const kafka = () => ({ consumer: () => ((made.consumers += 1), { ...consumer, disconnect: never }) })
  const source = sourceOf(kafka as unknown as () => Kafka)
  const run = source.run({} as Intake)
  await until('ten consumers', () => made.consumers >= 10)
  await source.stop()
  await run
})

test('one that cannot be ended either ends the member, with words that help and no stack', async () => {
  const { kafka, made } = silentKafka(() => new Promise(() => {}))
  await expect(sourceOf(kafka).run({} as Intake)).rejects.toMatchObject({
    name: 'OperatorError',
    message: expect.stringContaining('no sign of the consumer group for 66 s') as string,
    exitCode: ExitCode.unavailable,
  })
  expect(made.consumers).toBe(3)
})

// Found by the simulation: kafkajs forgets a runner that has not joined yet; it goes on joining, and is a member nobody can stop.
test('a consumer is not disconnected before its run() has resolved, and then it is', async () => {
  let joined = () => {}
  const calls: string[] = []
  const consumer = {
    ...{ events: {}, on: () => {}, pause: () => {}, connect: async () => {}, subscribe: async () => {} },
    run: () => new Promise<void>((resolve) => (joined = resolve)).then(() => void calls.push('joined')),
    disconnect: async () => void calls.push('disconnect'),
  }
  const source = sourceOf(() => ({ consumer: () => consumer }) as unknown as Kafka)
  const run = source.run({} as Intake)
  await setImmediate()
  await source.stop()
  await run
  expect(calls).toEqual([])
  joined()
  await until('it to be disconnected', () => calls.length === 2)
  expect(calls).toEqual(['joined', 'disconnect'])
})

/** The first joins, and then the brokers say nothing any more: not to it, nor to those that follow. */
const mutedKafka = () => {
  const made = { consumers: 0, crash: () => {} }
  const consumer = () => {
    const listeners = new Map<string, (event: object) => void>()
    const first = (made.consumers += 1) === 1
    const mute = () => new Promise<void>(() => {})
    if (first) made.crash = () => listeners.get('crash')?.({ payload: { error: new Error('crashed') } })
    const join = async () => listeners.get('join')?.({ payload: { memberAssignment: {}, memberId: 'm' } })
    return {
      ...{
        events: { GROUP_JOIN: 'join', CRASH: 'crash' },
        on: (name: string, listener: () => void) => listeners.set(name, listener),
      },
      ...{ pause: () => {}, connect: first ? async () => {} : mute, subscribe: async () => {}, run: join },
      disconnect: async () => {},
    }
  }
  return { kafka: () => ({ consumer }) as unknown as Kafka, made }
}

test.each([6, 30, 45, 60, 90, 300])(
  'brokers that say nothing make no member look dead, with a session of %s s',
  async (session) => {
    const { kafka, made } = mutedKafka()
    const { clock, run } = virtualClock()
    const options = {
      ...{ sessionTimeoutMs: session * 1_000, rebalanceTimeoutMs: 60_000, heartbeatIntervalMs: 600 },
      ...{ topic: 't', groupId: 'g', concurrency: 1 },
    }
    const startPositions = () => Promise.resolve(new Map())
    const source = createKafkaSource(options, { kafka, startPositions, clock, emit: () => {}, isFatal: () => true })
    const intake = { drain: async () => true, next: () => null } as unknown as Intake
    const running = source.run(intake)
    const limits = { ...options, flushMaxAgeMs: 5_000 }
    const facts = () => {
      const { member, overdueMs, unpositioned, since } = source.health()
      const rest = {
        unansweredMs: 0,
        writingMs: null,
        failingMs: null,
        stalledMs: 0,
        stuck: null,
        draining: false,
        gateClosed: false,
      }
      return { joined: true, member, overdueMs, unpositioned, silentMs: since.join, fetchlessMs: 0, ...rest }
    }
    await run(1_000)
    expect(judge(facts(), limits)).toMatchObject({ live: true, ready: true })
    const silent = () => clock.now() > options.sessionTimeoutMs
    await run(5 * (options.sessionTimeoutMs + 60_000), () => {
      const { live, ready } = judge(facts(), limits)
      if (!live || ready === silent()) expect.unreachable(`${clock.now()} ms: ${JSON.stringify(facts())}`)
    })
    expect(made.consumers).toBe(5)
    const stopped = source.stop()
    await run(20_000)
    await stopped
    await running
  },
)

test('one that crashes while its member drains is none any more', async () => {
  const { kafka, made } = mutedKafka()
  const { clock, run } = virtualClock()
  const source = sourceOf(kafka, () => {}, clock)
  const running = source.run({ drain: async () => true, next: () => null } as unknown as Intake)
  await run(1_000)
  expect(source.health().member).toBe(true)
  source.pause()
  made.crash()
  await run(1_000)
  expect(source.health().member).toBe(false)
  const stopped = source.stop()
  await run(20_000)
  await stopped
  await running
})
