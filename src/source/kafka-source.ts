// The way in: kafkajs consumers, one after the other, behind the Source port. Buffer and positions outlive them. What looks
// strange here answers a trap of kafkajs 2.2.4: docs/kafkajs.md has each of them, and the test that shows it. life.ts is one
// consumer, crash.ts what its end means, deliver.ts the way of a batch, commits.ts the way back, start-position.ts where to begin.
import type { Kafka } from 'kafkajs'
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Intake, Source } from '../pipeline/source.ts'
import type { Emit } from '../telemetry/events.ts'
import { createBeforeRejoin } from './before-rejoin.ts'
import { createCommits } from './commits.ts'
import { consumerConfig } from './consumer-config.ts'
import { createDeliver } from './deliver.ts'
import { createEmptyBatches } from './empty-batches.ts'
import { createFetches } from './fetches.ts'
import { type Listeners, startLife, within } from './life.ts'
import { createLives } from './lives.ts'
import { createMembership } from './membership.ts'
import { evictedError, isRejoin, silent } from './rejoin.ts'
import { createSigns, type SourceHealth } from './signs.ts'
import type { StartPosition } from './start-position.ts'

export type KafkaSource = Source & {
  /** How it is, for probes. */
  health(): SourceHealth
  /** All that is ours, also where nobody has said yet where to begin. */
  owned(): readonly number[]
}

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
  /** A new one for each consumer: two of one instance and group would share kafkajs's map of committed offsets. */
  kafka: () => Kafka
  startPositions: (partitions: readonly number[]) => Promise<ReadonlyMap<number, StartPosition>>
  /** Is this fault of startPositions one to stop for? */
  isFatal: (error: unknown) => boolean
  clock: Clock
  emit: Emit
}

const EVICTED_MS = 10_000
const LAST_COMMIT_MS = 3_000
const FAILED_PAUSE_MS = 500
const WATCH_MS = 1_000
const CHECK_MS = 30_000

export function createKafkaSource(options: KafkaSourceOptions, deps: KafkaSourceDeps): KafkaSource {
  const { topic } = options
  const { clock, emit } = deps
  const failed = createFailure()
  const ended = new AbortController()
  const silenceMs = options.sessionTimeoutMs + options.rebalanceTimeoutMs
  const signs = createSigns(clock, silenceMs)
  const fetches = createFetches(clock)
  let closing = false
  let running: Intake | null = null
  /** Since when the coordinator does not know us although kafkajs thinks otherwise. */
  let evictedAt: number | null = null

  const fail = (error: unknown) => {
    closing = true // take nothing more, also until somebody stops us
    failed.reject(error)
  }
  const seek = (partition: number, position: bigint) => lives.current()?.seek(partition, position)
  const membership = createMembership({
    ...deps,
    ...{ closing: () => closing, fail, seek },
    hold(partitions) {
      // While closing all are held; holding some would end that.
      if (!closing && partitions.length > 0) lives.current()?.pause([...partitions])
    },
    release(partition, position) {
      seek(partition, position)
      if (!closing) lives.current()?.resume(partition)
    },
    commit: (positions) => commits.add(positions),
  })
  const commits = createCommits({
    ...{ topic, clock, emit },
    owns: membership.owns,
    evicted: () => void (evictedAt ??= clock.now()),
    accepted: () => void (evictedAt = null),
  })

  function listeners(intake: Intake, current: () => boolean): Listeners {
    const empty = createEmptyBatches({ intake, emit, seek })
    const rejoin = createBeforeRejoin({
      emit,
      drain: (ms) => intake.drain(ms),
      settleCommits: (ms) => commits.settle(ms),
      limitMs: Math.min(options.rebalanceTimeoutMs, options.sessionTimeoutMs),
    })
    return {
      failed: fail,
      rejoining() {
        signs.rejoining()
        return rejoin.settled().catch(fail)
      },
      heartbeat() {
        signs.saw('heartbeat')
        // Answered, although the coordinator refuses our commits: no sign that it knows us.
        if (evictedAt === null) signs.known()
      },
      fetched: () => signs.saw('fetch'),
      answered: (answers) => fetches.answered(answers, (partition) => intake.next(partition)),
      joined(partitions, { name, joiningMs }) {
        const awayMs = signs.joined(joiningMs)
        evictedAt = null
        empty.joined()
        rejoin.over()
        membership.joined(partitions, intake)
        emit({ type: 'joined', partitions: partitions.length, awayMs })
        if (closing) lives.current()?.pauseAll()
        commits.rejoined(name)
        commits.use(lives.current()?.commit ?? null)
        failpoint('joined')
      },
      batch(batch) {
        signs.saw('batch')
        empty.pass(batch)
      },
      eachBatch: createEachBatch(intake, () => !closing && current()),
    }
  }

  function createEachBatch(intake: Intake, accepting: () => boolean) {
    const deliver = createDeliver({
      ...{ intake, emit, seek },
      accepting: (partition) => accepting() && membership.owns(partition),
      doubt: (partition) => membership.doubt(partition, intake),
      refused: () => fetches.refused(),
      sleep: (ms) => clock.sleep(ms),
      turn: () => new Promise((resolve) => setImmediate(resolve)),
    })
    return async (payload: Parameters<typeof deliver>[0]) => {
      try {
        await deliver(payload)
        fetches.delivered(payload.batch.partition)
      } catch (error) {
        if (isRejoin(error)) throw error
        // A fault of ours. kafkajs would repeat the batch, or restart, for ever.
        fail(error)
        await clock.sleep(FAILED_PAUSE_MS)
      }
    }
  }

  const lives = createLives({
    ...{ topic, signs, clock, emit, fail, healthyMs: options.sessionTimeoutMs, ended: ended.signal },
    closing: () => closing,
    crashed() {
      commits.use(null)
      evictedAt = null
    },
  })

  async function watch(intake: Intake) {
    for (let looks = 1; !closing; looks += 1) {
      await clock.sleep(WATCH_MS, ended.signal)
      // Stuck, whatever it is in: a new one is not.
      if (signs.look(WATCH_MS)) lives.current()?.giveUp(silent(silenceMs))
      if (evictedAt !== null && clock.now() - evictedAt > EVICTED_MS) lives.current()?.giveUp(evictedError())
      if ((looks * WATCH_MS) % (options.checkEveryMs ?? CHECK_MS) < WATCH_MS) membership.check(intake).catch(fail)
    }
  }

  return {
    owns: membership.owns,
    owned: membership.owned,
    commit: (positions) => commits.add(positions),
    seek,
    health: () => ({
      ...signs.view(),
      unpositioned: running ? membership.unpositioned(running) : 0,
      waited: fetches.waited(),
    }),
    async run(intake) {
      if (ended.signal.aborted) return
      running = intake
      const stopped = new Promise<void>((resolve) => ended.signal.addEventListener('abort', () => resolve()))
      const consumer = { topic, concurrency: options.concurrency, consumer: consumerConfig(options) }
      const begin = (current: () => boolean) => startLife(deps.kafka(), consumer, listeners(intake, current), clock)
      lives.run(begin).catch(fail)
      void watch(intake)
      await Promise.race([failed.promise, stopped])
    },
    pause() {
      closing = true
      lives.current()?.pauseAll() // the fetch loop goes on to send heartbeats
    },
    async stop() {
      closing = true
      await lives.current()?.begun()
      const deadline = clock.now() + LAST_COMMIT_MS
      if (running) await within(clock, LAST_COMMIT_MS, membership.tellLast(running))
      await commits.settle(Math.max(0, deadline - clock.now()))
      commits.close()
      await lives.current()?.end()
      ended.abort()
    },
  }
}

function createFailure() {
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<never>((_, rejectPromise) => (reject = rejectPromise))
  promise.catch(() => {}) // whoever runs the source hears of it
  return { promise, reject: (error: unknown) => reject(error instanceof Error ? error : new Error(String(error))) }
}
