// How long a member was away: what `joined` tells of each join but the first.
import type { Kafka } from 'kafkajs'
import { expect, test } from 'vitest'
import type { Intake } from '../../../src/pipeline/source.ts'
import { createKafkaSource } from '../../../src/source/kafka-source.ts'
import type { TelemetryEvent } from '../../../src/telemetry/events.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const EVENTS = { GROUP_JOIN: 'join', REBALANCING: 'rebalancing', CRASH: 'crash' }
type Payload = Record<string, unknown>

/** Draining before a rejoin takes two seconds. */
const open = async () => {
  const { clock, run } = virtualClock()
  let listeners = new Map<string, (event: { payload: Payload }) => void>()
  const consumer = () => {
    listeners = new Map()
    return {
      ...{ events: EVENTS, pause: () => {}, connect: async () => {}, subscribe: async () => {}, run: async () => {} },
      on: (name: string, listener: () => void) => listeners.set(name, listener),
      disconnect: async () => {},
    }
  }
  const tell = (name: string, payload: Payload) => listeners.get(name)?.({ payload })
  const away: (number | null)[] = []
  const source = createKafkaSource(
    {
      ...{ topic: 't', groupId: 'g', concurrency: 1 },
      ...{ sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 60_000, heartbeatIntervalMs: 600 },
    },
    {
      ...{ clock, kafka: () => ({ consumer }) as unknown as Kafka, isFatal: () => true },
      startPositions: () => Promise.resolve(new Map()),
      emit: (event: TelemetryEvent) => void (event.type === 'joined' && away.push(event.awayMs)),
    },
  )
  const intake = { drain: () => clock.sleep(2_000).then(() => true), next: () => null } as unknown as Intake
  const running = source.run(intake)
  await run(100)
  return {
    ...{ run, away },
    join: (duration: number) => tell(EVENTS.GROUP_JOIN, { memberAssignment: {}, memberId: 'm', duration }),
    rebalance: () => tell(EVENTS.REBALANCING, { waitUntil: () => {} }),
    crash: () => tell(EVENTS.CRASH, { error: new Error('crashed') }),
    close: async () => {
      const stopped = source.stop()
      await run(20_000)
      await stopped
      await running
    },
  }
}

test('from hearing of the rebalance until joined, by whatever fetcher hears of it; the first join is none', async () => {
  const { join, rebalance, run, away, close } = await open()
  join(3_000)
  rebalance()
  await run(2_500)
  rebalance()
  await run(2_000)
  join(500)
  rebalance()
  await run(1_000)
  join(1_000)
  expect(away).toEqual([null, 4_500, 1_000])
  await close()
})

test('from the crash of the consumer until the next one has joined', async () => {
  const { join, crash, run, away, close } = await open()
  crash()
  await run(5_000)
  join(10)
  crash()
  await run(5_000)
  join(10)
  expect(away).toEqual([null, 5_000])
  await close()
})

test('a join that nobody announced took as long as kafkajs says, and never less than nothing', async () => {
  const { join, away, close } = await open()
  join(10)
  join(800)
  join(-3_600_000)
  expect(away).toEqual([null, 800, 0])
  await close()
})
