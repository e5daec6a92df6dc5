// The way in: a kafkajs consumer behind the Source port. Recipe and traps: the numbered facts below come from reading and
// fault-testing kafkajs 2.2.4; deliver.ts has the batch's way, commits.ts the way back, start-position.ts where to begin.
import type { Consumer, Kafka } from 'kafkajs'
import type { Clock } from '../lib/clock.ts'
import { createSignal } from '../lib/signal.ts'
import type { Intake, Source } from '../pipeline/source.ts'
import type { Emit } from '../telemetry/events.ts'
import { createCommits } from './commits.ts'
import { createDeliver } from './deliver.ts'
import { createMembership } from './membership.ts'
import { evictedError, protocolType } from './rejoin.ts'
import type { StartPosition } from './start-position.ts'

export type KafkaSourceOptions = {
  topic: string
  groupId: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  heartbeatIntervalMs: number
  /** Fetches delivered at the same time; more than one mixes partitions in the buffer. */
  concurrency: number
}

export const defaultTimeouts = { sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 60_000, heartbeatIntervalMs: 3_000 }

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
  const stopped = createSignal()
  let closing = false
  let running: Promise<void> | null = null
  /** Monotonic time of the last sign that the group knows us. */
  let lastSign = clock.now()
  let evictedAt: number | null = null

  const membership = createMembership({ ...deps, closing: () => closing, fail: failed.fail })
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
          failed.fail(error)
        }
      })
    on(consumer.events.HEARTBEAT, () => (lastSign = clock.now()))
    on(consumer.events.GROUP_JOIN, ({ memberAssignment }) => {
      lastSign = clock.now()
      evictedAt = null
      membership.joined((memberAssignment as Record<string, number[]>)[topic] ?? [], intake)
      commits.rejoined()
    })
    // Batches without a visible record (transaction markers, compaction) never reach eachBatch; kafkajs passes them by
    // itself. Without this their offsets would look like a gap.
    on(consumer.events.START_BATCH_PROCESS, (payload) => passEmpty(payload as EmptyBatch, intake))
    on(consumer.events.CRASH, ({ error, restart }) => {
      lastSign = clock.now()
      commits.use(null)
      emit({ type: 'source-crashed', restarts: restart === true, cause: error })
      if (restart !== true) failed.fail(error)
    })
  }

  function passEmpty({ batchSize, partition, firstOffset, lastOffset }: EmptyBatch, intake: Intake) {
    const next = intake.next(partition)
    if (batchSize !== 0 || next === null) return
    const last = BigInt(lastOffset)
    if (next <= last && (firstOffset === null ? last === next : BigInt(firstOffset) <= next))
      intake.advance(partition, last + 1n)
  }

  function createEachBatch(intake: Intake) {
    const deliver = createDeliver({
      ...{ intake, emit },
      accepting: (partition) => !closing && membership.owns(partition),
      seek,
      doubt: (partition) => membership.doubt(partition),
      beforeRejoin: async (error) => {
        await intake.drain(Math.min(REJOIN_DRAIN_MS, options.rebalanceTimeoutMs / 3))
        const drained = await commits.settle(LAST_COMMIT_MS)
        emit({ type: 'rebalancing', code: protocolType(error) ?? '', drained })
      },
      sleep: (ms) => clock.sleep(ms),
      turn: () => new Promise((resolve) => setImmediate(resolve)),
    })
    return async (payload: Parameters<typeof deliver>[0]) => {
      // kafkajs can lose its membership for good while fetching on (UNKNOWN_MEMBER_ID, then a failed join): force a join.
      if (evictedAt !== null && clock.now() - evictedAt > EVICTED_MS) throw evictedError()
      commits.use((offsets) => payload.commitOffsetsIfNecessary(offsets))
      await deliver(payload)
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
  async function watch() {
    const limit = options.sessionTimeoutMs + options.rebalanceTimeoutMs
    while (!closing) {
      await stopped.wait(1_000)
      if (clock.now() - lastSign > limit) failed.fail(new Error(`no sign of the consumer group for ${limit} ms`))
    }
  }

  return {
    owns: membership.owns,
    commit: (positions) => commits.add(positions),
    seek,
    async run(intake) {
      listen(intake)
      lastSign = clock.now()
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
      void watch()
      await Promise.race([failed.promise, running.then(() => stopped.wait(2 ** 31 - 1))])
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
      // Disconnecting before run() has resolved would leave a consumer that nobody can stop.
      await Promise.race([running?.catch(() => {}), clock.sleep(LEAVE_MS)])
      await commits.settle(LAST_COMMIT_MS)
      await Promise.race([consumer.disconnect().catch(() => {}), clock.sleep(LEAVE_MS)])
      stopped.fire()
    },
  }
}

type EmptyBatch = { batchSize: number; partition: number; firstOffset: string | null; lastOffset: string }

function createFailure() {
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<never>((_, rejectPromise) => (reject = rejectPromise))
  promise.catch(() => {}) // whoever runs the source hears of it
  return { promise, fail: (error: unknown) => reject(error instanceof Error ? error : new Error(String(error))) }
}
