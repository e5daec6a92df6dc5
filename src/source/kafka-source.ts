// The way in: a kafkajs consumer behind the Source port. What looks strange here answers a trap of kafkajs 2.2.4, each met in
// tests on a real broker. deliver.ts has the way of a batch, commits.ts the way back, start-position.ts where to begin.
import type { Consumer, Kafka } from 'kafkajs'
import type { Clock } from '../lib/clock.ts'
import { OperatorError } from '../lib/operator-error.ts'
import type { Intake, Source } from '../pipeline/source.ts'
import type { Emit } from '../telemetry/events.ts'
import { createCommits } from './commits.ts'
import { createDeliver } from './deliver.ts'
import { type BatchEvent, createEmptyBatches } from './empty-batches.ts'
import { createMembership } from './membership.ts'
import { evictedError, isRejoin, protocolType } from './rejoin.ts'
import type { StartPosition } from './start-position.ts'

export type KafkaSourceOptions = {
  topic: string
  groupId: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  heartbeatIntervalMs: number
  /** Fetches delivered at the same time; more than one mixes partitions in the buffer. */
  concurrency: number
  /** How often Kafka is held against the database, beside each join: does the topic still hold what we read? */
  checkEveryMs?: number
}

export type KafkaSourceDeps = {
  /** Its own: two consumers of one instance and group would share kafkajs's map of committed offsets. */
  kafka: Kafka
  startPositions: (partitions: readonly number[]) => Promise<ReadonlyMap<number, StartPosition>>
  /** Is this fault of startPositions one to stop for? */
  isFatal: (error: unknown) => boolean
  clock: Clock
  emit: Emit
}

const REJOIN_DRAIN_MS = 10_000
const EVICTED_MS = 10_000
const LAST_COMMIT_MS = 3_000
const LEAVE_MS = 5_000
const FAILED_PAUSE_MS = 500
const WATCH_MS = 1_000
const CHECK_MS = 30_000
/** Also kafkajs's heartbeat cadence when idle, and the delay of stop(). */
const MAX_WAIT_MS = 500

export function createKafkaSource(options: KafkaSourceOptions, deps: KafkaSourceDeps): Source {
  const { topic } = options
  const { clock, emit } = deps
  const consumer = deps.kafka.consumer({
    groupId: options.groupId,
    sessionTimeout: options.sessionTimeoutMs,
    rebalanceTimeout: options.rebalanceTimeoutMs,
    heartbeatInterval: options.heartbeatIntervalMs,
    maxWaitTimeInMs: MAX_WAIT_MS,
    minBytes: 1,
    maxBytesPerPartition: 1024 * 1024,
    maxBytes: 10 * 1024 * 1024,
    metadataMaxAge: 60_000,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 300, maxRetryTime: 5_000, retries: 10 },
  })
  const failed = createFailure()
  const ended = new AbortController()
  let closing = false
  let running: Promise<void> | null = null
  /** Looks since the last sign that the group knows us. Looks, not time: a process that was suspended has seen none. */
  let silentLooks = 0
  let evictedAt: number | null = null

  const fail = (error: unknown) => {
    closing = true // take nothing more, also until somebody stops us
    failed.reject(error)
  }
  const membership = createMembership({
    ...deps,
    ...{ closing: () => closing, fail, seek },
    commit: (positions) => commits.add(positions),
  })
  const commits = createCommits({
    ...{ topic, clock, emit },
    owns: membership.owns,
    evicted: () => {
      evictedAt ??= clock.now()
    },
  })

  function listen(intake: Intake) {
    // A throw out of a listener would crash kafkajs for good, without a restart.
    const on = (event: Parameters<Consumer['on']>[0], listener: (payload: Record<string, unknown>) => void) =>
      consumer.on(event, (e: { payload: Record<string, unknown> }) => {
        try {
          listener(e.payload)
        } catch (error) {
          fail(error)
        }
      })
    const empty = createEmptyBatches({ intake, emit, seek })
    on(consumer.events.HEARTBEAT, () => {
      // A join whose SyncGroup was lost: kafkajs goes on with the old assignment under the new name. Its heartbeats are
      // answered, its commits are not, and without a record no eachBatch can force a join.
      if (evictedAt === null) silentLooks = 0
    })
    on(consumer.events.GROUP_JOIN, ({ memberAssignment }) => {
      silentLooks = 0
      evictedAt = null
      empty.joined()
      membership.joined((memberAssignment as Record<string, number[]>)[topic] ?? [], intake)
      commits.rejoined()
    })
    on(consumer.events.START_BATCH_PROCESS, (payload) => empty.pass(payload as BatchEvent))
    on(consumer.events.CRASH, ({ error, restart }) => {
      silentLooks = 0
      commits.use(null)
      emit({ type: 'source-crashed', restarts: restart === true, cause: error })
      if (restart !== true) fail(error)
    })
  }

  function createEachBatch(intake: Intake) {
    const deliver = createDeliver({
      ...{ intake, emit },
      accepting: (partition) => !closing && membership.owns(partition),
      seek,
      doubt: (partition) => membership.doubt(partition, intake),
      beforeRejoin: async (error) => {
        // Without a heartbeat: it has to stay well below both time-outs.
        const limit = Math.min(options.rebalanceTimeoutMs, options.sessionTimeoutMs) / 3
        await intake.drain(Math.min(REJOIN_DRAIN_MS, limit))
        const drained = await commits.settle(Math.min(LAST_COMMIT_MS, limit))
        emit({ type: 'rebalancing', code: protocolType(error) ?? '', drained })
      },
      sleep: (ms) => clock.sleep(ms),
      turn: () => new Promise((resolve) => setImmediate(resolve)),
    })
    return async (payload: Parameters<typeof deliver>[0]) => {
      // kafkajs can lose its membership for good while fetching on (UNKNOWN_MEMBER_ID, then a failed join): force a join.
      if (evictedAt !== null && clock.now() - evictedAt > EVICTED_MS) throw evictedError()
      commits.use((offsets) => payload.commitOffsetsIfNecessary(offsets))
      try {
        await deliver(payload)
      } catch (error) {
        if (isRejoin(error)) throw error
        // A fault of ours. kafkajs would repeat the batch, or restart, for ever.
        fail(error)
        await clock.sleep(FAILED_PAUSE_MS)
      }
    }
  }

  function seek(partition: number, position: bigint) {
    try {
      consumer.seek({ topic, partition, offset: position.toString() })
    } catch {
      // Not running (a restart is under way): the next fetch shows the same gap and seeks again.
    }
  }

  /** No sign of the group for so long means that kafkajs is stuck: end, so that somebody else takes over. */
  async function watch(intake: Intake) {
    const limit = options.sessionTimeoutMs + options.rebalanceTimeoutMs
    for (let looks = 1; !closing; looks += 1) {
      await clock.sleep(WATCH_MS, ended.signal)
      silentLooks += 1
      if (silentLooks * WATCH_MS > limit) fail(stuck(limit))
      if ((looks * WATCH_MS) % (options.checkEveryMs ?? CHECK_MS) < WATCH_MS) membership.check(intake).catch(fail)
    }
  }

  return {
    owns: membership.owns,
    commit: (positions) => commits.add(positions),
    seek,
    async run(intake) {
      if (ended.signal.aborted) return
      listen(intake)
      const stopped = new Promise<void>((resolve) => ended.signal.addEventListener('abort', () => resolve()))
      running = (async () => {
        await consumer.connect()
        await consumer.subscribe({ topics: [topic], fromBeginning: true })
        await consumer.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          partitionsConsumedConcurrently: options.concurrency,
          eachBatch: createEachBatch(intake),
        })
      })()
      void watch(intake)
      await Promise.race([failed.promise, stopped, running.then(() => stopped)])
    },
    pause() {
      closing = true
      try {
        consumer.pause([{ topic }]) // the fetch loop goes on to send heartbeats
      } catch {
        // Not running yet, or not any more: nothing is fetched anyway.
      }
    },
    async stop() {
      closing = true
      // Disconnecting before run() has resolved leaves a consumer that nobody can stop: then again when it has.
      const started = await within(LEAVE_MS, running ?? Promise.resolve())
      await commits.settle(LAST_COMMIT_MS)
      commits.close()
      if (!started) running?.then(() => consumer.disconnect()).catch(() => {})
      await within(LEAVE_MS, consumer.disconnect())
      ended.abort()
    },
  }

  /** True when `work` ended in time, well or not. */
  async function within(ms: number, work: Promise<void>): Promise<boolean> {
    const timer = new AbortController()
    const settled = () => true
    const inTime = await Promise.race([work.then(settled, settled), clock.sleep(ms, timer.signal).then(() => false)])
    timer.abort()
    return inTime
  }
}

const stuck = (ms: number) =>
  new OperatorError(
    `no sign of the consumer group for ${ms / 1000} s: the brokers do not answer, or the Kafka client is stuck`,
    'check the brokers, then start it again; nothing is lost',
  )

function createFailure() {
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<never>((_, rejectPromise) => (reject = rejectPromise))
  promise.catch(() => {}) // whoever runs the source hears of it
  return { promise, reject: (error: unknown) => reject(error instanceof Error ? error : new Error(String(error))) }
}
