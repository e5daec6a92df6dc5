// One member of the group, as app.ts puts it together, on the simulated world: our own pipeline, source and sink, and the
// real consumer of kafkajs.
import { createRequire } from 'node:module'
import type { Kafka } from 'kafkajs'
import '../../src/kafka/client.ts' // the patches
import type { Clock } from '../../src/lib/clock.ts'
import { ExitCode, OperatorError } from '../../src/lib/operator-error.ts'
import type { Decoded } from '../../src/line-items/decode.ts'
import { createPipeline, type Pipeline } from '../../src/pipeline/pipeline.ts'
import type { SourceRecord } from '../../src/pipeline/source-record.ts'
import type { MappedItem } from '../../src/sink/mapping-store.ts'
import { createSink } from '../../src/sink/transaction.ts'
import { createKafkaSource } from '../../src/source/kafka-source.ts'
import { startPositions } from '../../src/source/start-position.ts'
import type { TelemetryEvent } from '../../src/telemetry/events.ts'
import type { SimulatedPostgres } from './database.ts'
import { createHoldings, type Held } from './holdings.ts'
import type { SimulatedKafka } from './kafka.ts'
import type { Owner, Scheduler } from './scheduler.ts'

const load = createRequire(import.meta.url)
const createConsumer = load('kafkajs/src/consumer/index.js') as (options: object) => unknown

export const TOPIC = 'lines'
export const GROUP = 'group'
/** Each of the two is what stops a member in about half of the cases. */
export const CAPACITY = { records: 24, bytes: 24_000 }
const TIMES = { sessionTimeoutMs: 3_000, rebalanceTimeoutMs: 4_000, heartbeatIntervalMs: 300 }

export type World = {
  scheduler: Scheduler
  kafka: SimulatedKafka
  postgres: SimulatedPostgres
  decode: (record: SourceRecord) => Decoded
  trace: (line: string) => void
  told: (member: string, event: TelemetryEvent) => void
  /** What a member holds after each record that it took. */
  admitted: (member: string, held: Held) => void
}

export type Ended = { left: number } | { error: unknown }
export type SimulatedMember = {
  readonly owner: Owner
  readonly pipeline: Pipeline
  readonly held: () => Held
  /** Null while it runs. */
  ended: Ended | null
  draining: boolean
  /** It knew of a closed gate while it drained: it leaves what is buffered. */
  mayLeave: boolean
}

export const startMember = (name: string, world: World): SimulatedMember => {
  const { scheduler, kafka, postgres } = world
  const owner: Owner = { name, state: 'alive' }
  return scheduler.as(owner, () => {
    const clock = clockOf(scheduler)
    const emit = (event: TelemetryEvent) => {
      world.trace(`${name} ${describe(event)}`)
      world.told(name, event)
      if (event.type === 'gate-closed' && member.draining) member.mayLeave = true
    }
    const holdings = createHoldings((held) => world.admitted(name, held))
    const database = postgres.database()
    const closure = async () => {
      const closedAt = await postgres.call(() => postgres.gate())
      if (closedAt === null) return null
      return { closedAt: new Date(closedAt), code: 'PAUSED', reason: '', partition: null, offset: null }
    }
    const sink = createSink({
      ...{ groupId: GROUP, topic: TOPIC, database, clock },
      gate: { close: () => Promise.resolve(false) },
      breaker: { maxConsecutive: 0, maxRatio: 1 },
      mappings: {
        mapLines: (lines) => postgres.call(() => ({ items: lines.map(itemOf), version: 0n })),
        catchUp: () => Promise.resolve(),
        clear: () => {},
      },
    })
    const source = createKafkaSource(
      { topic: TOPIC, groupId: GROUP, concurrency: 1 + scheduler.random.below(2), checkEveryMs: 5_000, ...TIMES },
      {
        ...{ clock, emit },
        kafka: () => kafkaOf(kafka.createCluster()),
        startPositions: (partitions) =>
          startPositions(partitions, {
            store: postgres.offsets,
            broker: { topicId: () => Promise.resolve(null), bounds: kafka.bounds, committed: kafka.committed },
            confirm: () => clock.sleep(500),
          }),
        isFatal: (error) =>
          error instanceof OperatorError ? error.exitCode === ExitCode.fatal : sink.classify(error).fate === 'fatal',
      },
    )
    const pipeline = createPipeline<Decoded>({
      ...{ source: holdings.source(source), sink: holdings.sink(sink) },
      ...{ clock, emit, random: scheduler.random.next, decode: world.decode },
      gate: { closure },
      capacity: CAPACITY,
      lanes: 1 + scheduler.random.below(2),
      bounds: { maxRecords: 12, maxBytes: 10_000, minAgeMs: 5, maxAgeMs: 200, targetMs: 500 },
    })
    const member: SimulatedMember = {
      ...{ owner, pipeline, held: holdings.held },
      ...{ ended: null, draining: false, mayLeave: false },
    }
    scheduler.after(0, owner, () => {
      pipeline.run().then(
        (left) => (member.ended = { left }),
        (error: unknown) => (member.ended = { error }),
      )
    })
    return member
  })
}

const clockOf = (scheduler: Scheduler): Clock => ({
  now: scheduler.now,
  wall: scheduler.wall,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const wake = () => {
        signal?.removeEventListener('abort', wake)
        scheduler.cancel(event)
        resolve()
      }
      const event = scheduler.after(Math.max(1, Math.trunc(ms)), scheduler.current(), wake)
      signal?.addEventListener('abort', wake)
    }),
})

/** `S-3` → 4. */
const itemOf = ({ sku }: { readonly sku: string | null }): MappedItem => {
  const id = BigInt(sku?.slice(2) ?? 0) + 1n
  return { itemId: id, mappingId: id }
}

/** What kafkajs's own index.js does with the options of a consumer, on our cluster. */
const kafkaOf = (cluster: object): Kafka =>
  ({
    consumer: ({ maxWaitTimeInMs, ...options }: Record<string, unknown>) =>
      createConsumer({ ...options, maxWaitTimeInMs, cluster, logger: makeLogger(), isolationLevel: 1 }),
  }) as unknown as Kafka

function makeLogger(): object {
  const nothing = () => {}
  return { debug: nothing, info: nothing, warn: nothing, error: nothing, namespace: makeLogger }
}

const describe = (event: TelemetryEvent): string => {
  const plain = (_: string, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value instanceof Error ? `${value.name}: ${value.message}` : value
  return JSON.stringify(event, plain)
}
