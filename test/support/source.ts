// A member of a group made of the real source, the real buffer and intake, and offset rows in a real database. Only the
// settling is the test's: a batch goes into an array, or is held back.
import { type Kafka, Partitioners } from 'kafkajs'
import { expect, onTestFinished } from 'vitest'
import type { KafkaConfig } from '../../src/config.ts'
import { type KafkaAdmin, createAdmin } from '../../src/kafka/admin.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { adminWithCluster } from '../../src/kafka/cluster.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { OperatorError } from '../../src/lib/operator-error.ts'
import { createSignal } from '../../src/lib/signal.ts'
import { createWake } from '../../src/lib/wake.ts'
import { createBuffer } from '../../src/pipeline/buffer.ts'
import { createIntake } from '../../src/pipeline/intake.ts'
import type { Part } from '../../src/pipeline/sink.ts'
import type { SourceRecord } from '../../src/pipeline/source-record.ts'
import type { Intake } from '../../src/pipeline/source.ts'
import { createKafkaSource } from '../../src/source/kafka-source.ts'
import { startPositions } from '../../src/source/start-position.ts'
import type { TelemetryEvent } from '../../src/telemetry/events.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { openSink, type OpenSink, openTestDatabase } from './sink.ts'
import { stack, uniqueName } from './stack.ts'
import { until } from './until.ts'

export const SESSION_MS = 6_000

const silent = createLog('silent')
export const kafkaConfig = (brokers = stack().brokers): KafkaConfig => ({
  brokers,
  clientId: 'contract',
  securityProtocol: 'PLAINTEXT',
  sasl: null,
  ssl: null,
})
export const newKafka = (brokers?: string[]): Kafka => createKafka(kafkaConfig(brokers), silent)

/** The parts of kafkajs's cluster that write what no client would. */
type RawBroker = {
  produce(request: object): Promise<unknown>
  offsetCommit(request: object): Promise<unknown>
  leaveGroup(request: object): Promise<unknown>
}
type RawCluster = {
  connect(): Promise<void>
  disconnect(): Promise<void>
  brokerPool: { findConnectedBroker(): Promise<RawBroker> }
  findGroupCoordinator(group: { groupId: string }): Promise<RawBroker>
}

export type World = Awaited<ReturnType<typeof openWorld>>

/** Clients that all tests of a file share. */
export const openWorld = async (brokers?: string[]) => {
  const database = await openTestDatabase()
  const { admin: kafkajsAdmin, cluster } = adminWithCluster(newKafka(brokers))
  const raw = cluster as unknown as RawCluster
  const admin = createAdmin(kafkaConfig(brokers), silent)
  const producer = newKafka(brokers).producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await Promise.all([kafkajsAdmin.connect(), raw.connect(), admin.connect(), producer.connect()])
  return {
    ...{ database, admin, kafkajsAdmin },
    produce: (topic: string, partition: number, count: number) =>
      producer.send({
        topic,
        messages: Array.from({ length: count }, (_, index) => ({ partition, value: `value ${index}` })),
      }),
    async createTopic(topic: string, partitions = 1, configEntries: { name: string; value: string }[] = []) {
      const topics = [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }]
      await kafkajsAdmin.createTopics({ waitForLeaders: true, topics })
    },
    /** Partition `n` on the n-th of these brokers, and nowhere else. */
    async spreadTopic(topic: string, nodes: readonly number[]) {
      const replicaAssignment = nodes.map((node, partition) => ({ partition, replicas: [node] }))
      await kafkajsAdmin.createTopics({ waitForLeaders: true, topics: [{ topic, replicaAssignment }] })
    },
    /** One record batch, however many records: producers would cut it, or take quadratic time. */
    async produceOneBatch(topic: string, partition: number, messages: readonly object[], compression: number) {
      const broker = await raw.brokerPool.findConnectedBroker()
      await broker.produce({ topicData: [{ topic, partitions: [{ partition, messages }] }], compression })
    },
    /** As a client of another kind, or an operator, would have left it. */
    async commitToKafka(groupId: string, topic: string, offsets: Record<number, bigint>) {
      const coordinator = await until('a group coordinator', () =>
        raw.findGroupCoordinator({ groupId }).catch(() => null),
      )
      const partitions = Object.entries(offsets).map(([partition, offset]) => ({
        partition: Number(partition),
        offset: offset.toString(),
      }))
      await coordinator.offsetCommit({
        groupId,
        memberId: '',
        groupGenerationId: -1,
        topics: [{ topic, partitions }],
      })
    },
    /** The coordinator forgets a member, as after a pause that was too long: the member hears of it by its next heartbeat. */
    async evict(groupId: string, memberId: string) {
      const coordinator = await raw.findGroupCoordinator({ groupId })
      await coordinator.leaveGroup({ groupId, memberId })
    },
    async close() {
      await Promise.all([kafkajsAdmin.disconnect(), raw.disconnect(), admin.disconnect(), producer.disconnect()])
      await database.close()
    },
  }
}

export type Place = { topic: string; groupId: string; sink: OpenSink }

/** A topic, a group, and its offset rows. */
export const openPlace = async (
  world: World,
  partitions = 1,
  configEntries?: { name: string; value: string }[],
): Promise<Place> => {
  const topic = uniqueName('source')
  await world.createTopic(topic, partitions, configEntries)
  return placeOf(world, topic)
}

/** A group on a topic, and its offset rows. */
export const placeOf = (world: World, topic: string): Place => {
  const groupId = uniqueName('group')
  const sink = openSink(world.database.url, { topic, groupId, poolSize: 2 })
  onTestFinished(() => sink.close())
  return { topic, groupId, sink }
}

export type MemberOptions = {
  capacity?: number
  /** Begin with batches held back. */
  holding?: boolean
  concurrency?: number
  around?: (intake: Intake) => Intake
  checkEveryMs?: number
  /** Others than those of the run: a proxy. */
  brokers?: string[]
}

/** What kafkajs does, counted from outside. */
type Seen = { fetches: number; heartbeats: number; commits: number; joins: string[] }
const observe = (kafka: Kafka, seen: Seen) => {
  const consumer = kafka.consumer.bind(kafka)
  kafka.consumer = (options) => {
    const made = consumer(options)
    // One that names partitions is ours, and told beside kafkajs's own.
    made.on(made.events.FETCH, ({ payload }) => void (seen.fetches += 'answers' in payload ? 0 : 1))
    made.on(made.events.HEARTBEAT, () => void (seen.heartbeats += 1))
    made.on(made.events.COMMIT_OFFSETS, () => void (seen.commits += 1))
    made.on(made.events.GROUP_JOIN, ({ payload }) => void seen.joins.push(payload.memberId))
    return made
  }
  return kafka
}

export const brokerView = (admin: KafkaAdmin, { topic, groupId }: Place) => ({
  topicId: () => admin.topicId(topic),
  bounds: () => admin.endOffsets(topic),
  committed: () => admin.committedOffsets(groupId, topic),
})

export type Member = ReturnType<typeof startMember>

/** Stops with the test. */
export const startMember = (world: World, place: Place, options: MemberOptions = {}) => {
  const member = createMember(world, place, options)
  onTestFinished(async () => void (await member.stop()))
  return member
}

const createMember = (world: World, place: Place, options: MemberOptions) => {
  const { topic, groupId, sink } = place
  const events: TelemetryEvent[] = []
  const records: SourceRecord[] = []
  const buffer = createBuffer<null>({ records: options.capacity ?? 100_000, bytes: 1e9 })
  const freed = createSignal()
  const wake = createWake()
  const state = { holding: options.holding ?? false, maxHeld: 0, ended: false }
  const emit = (event: TelemetryEvent) => void events.push(event)
  const seen = { fetches: 0, heartbeats: 0, commits: 0, joins: [] as string[] }
  const kafka = () => observe(newKafka(options.brokers), seen)
  const source = createKafkaSource(
    {
      ...{ topic, groupId, sessionTimeoutMs: SESSION_MS, heartbeatIntervalMs: 500 },
      rebalanceTimeoutMs: 10_000,
      checkEveryMs: options.checkEveryMs ?? 30_000,
      concurrency: options.concurrency ?? 1,
    },
    {
      ...{ kafka, emit, clock: systemClock },
      startPositions: (partitions) =>
        startPositions(partitions, {
          store: sink.offsets,
          broker: brokerView(world.admin, place),
          confirm: () => systemClock.sleep(100),
        }),
      isFatal: (error) => error instanceof OperatorError && error.exitCode === 4,
    },
  )
  const plain = createIntake<null>({
    ...{ buffer, freed, clock: systemClock, decode: () => null },
    wake: () => {
      state.maxHeld = Math.max(state.maxHeld, buffer.held.records)
      wake.notify()
    },
    admitting: () => !state.ended,
    writing: () => false,
    // As with a sink that fails: nobody waits for the buffer to empty.
    sinkFailing: () => state.holding,
    hurry: () => wake.notify(),
  })
  const intake = options.around?.(plain) ?? plain

  /** "Lock and compare" for one part; gives what the row said before. */
  const claim = async ({ partition, from, to }: Part): Promise<bigint> => {
    const [row] = await world.database.query<{ was: string }>(
      `WITH old AS (
         SELECT next_offset, CASE WHEN next_offset BETWEEN $4::bigint AND $5::bigint THEN $5::bigint ELSE next_offset END AS next
         FROM consumer_offset WHERE group_id = $1 AND topic = $2 AND partition = $3 FOR UPDATE)
       UPDATE consumer_offset o SET next_offset = old.next, inserted = inserted + old.next - old.next_offset
       FROM old WHERE group_id = $1 AND topic = $2 AND partition = $3 RETURNING old.next_offset AS was`,
      [groupId, topic, partition, from.toString(), to.toString()],
    )
    if (!row) throw new Error(`no offset row of partition ${partition}`)
    return BigInt(row.was)
  }
  const settleOne = async () => {
    const batch = buffer.take(0, { records: 500, bytes: 1e9 }, 'age')
    if (batch.parts.length === 0) return false
    const positions = new Map<number, bigint>()
    for (const part of batch.parts) {
      const was = await claim(part)
      if (was < part.from) throw new Error(`partition ${part.partition} was rewound to ${was}`)
      const mine = batch.entries.filter(({ record }) => record.partition === part.partition && record.offset >= was)
      records.push(...mine.map(({ record }) => record))
      const position = was > part.to ? was : part.to
      buffer.purge(part.partition, position)
      positions.set(part.partition, position)
    }
    buffer.release({ records: batch.entries.length, bytes: batch.bytes })
    freed.fire()
    source.commit(positions)
    return true
  }
  let fault: Error | null = null
  const settling = (async () => {
    while (!state.ended) if (state.holding || !(await settleOne())) await wake.wait(200)
  })().catch((error: unknown) => (fault = error as Error))

  const run = source.run(intake)
  const outcome: Promise<unknown> = run.then(
    () => null,
    (error: unknown) => error,
  )
  return {
    ...{ source, events, records, buffer, seen, intake },
    /** What run() rejected with; null when it ended well. */
    outcome,
    of: <T extends TelemetryEvent['type']>(type: T) =>
      events.filter((event): event is Extract<TelemetryEvent, { type: T }> => event.type === type),
    maxHeld: () => state.maxHeld,
    hold() {
      state.holding = true
    },
    letGo() {
      state.holding = false
      wake.notify()
    },
    owned: (partitions: number) =>
      Array.from({ length: partitions }, (_, partition) => partition).filter((partition) => source.owns(partition)),
    describe: () =>
      `${records.length} settled, ${buffer.held.records} held; ${events.map(({ type }) => type).join(' ')}; ${JSON.stringify(seen)} ${fault?.message ?? ''}`,
    async stop() {
      state.ended = true
      wake.notify()
      await settling
      await source.stop()
      expect(fault, 'the fault of the settling').toBeNull()
      return outcome
    },
  }
}

/** Offsets in order of arrival, by partition. */
export const offsetsOf = (records: readonly SourceRecord[]): Record<number, number[]> => {
  const found: Record<number, number[]> = {}
  for (const { partition, offset } of records) (found[partition] ??= []).push(Number(offset))
  return found
}

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index)

const describeAll = (members: readonly Member[]) => () => members.map((member) => member.describe()).join('\n')

export const settled = (count: number, ...members: Member[]) =>
  until(`${count} records settled`, () => members.reduce((sum, { records }) => sum + records.length, 0) >= count, {
    timeoutMs: 20_000,
    describe: describeAll(members),
  })

/** Waits until the partitions are shared out among the members, each of them knowing where to begin. */
export const shared = (partitions: number, ...members: Member[]) =>
  until(
    'every member to own its share',
    () =>
      members.every((member) => {
        const owned = member.owned(partitions)
        return owned.length === partitions / members.length && owned.every((each) => member.intake.next(each) !== null)
      }),
    { timeoutMs: 20_000, describe: describeAll(members) },
  )

export const eachInOrder = (partitions: number, count: number) =>
  Object.fromEntries(range(0, partitions).map((partition) => [partition, range(0, count)]))
