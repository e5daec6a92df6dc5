// One life of a kafkajs consumer: it joins, it is fed to its listeners, it is over at its first crash. kafkajs's own restarts
// are switched off: it begins again after some faults and not after others (a coordinator that is loading ends it for good),
// and keeps what was wrong with it. Whoever runs the lives decides (crash.ts), and begins the next with nothing of the last.
import type { Consumer, ConsumerConfig, EachBatchPayload, Kafka } from 'kafkajs'
import type { Fetched, Rejoining } from '../kafka/consumer-patches.ts'
import type { Clock } from '../lib/clock.ts'
import type { CommitHandle } from './commits.ts'
import type { BatchEvent } from './empty-batches.ts'

/** Joining, or leaving, is waited for so long. */
const PATIENCE_MS = 5_000

export type Listeners = {
  /** `name`: under which the group knows this consumer now. */
  joined: (partitions: readonly number[], how: { name: string; joiningMs: number }) => void
  /** About to join again: waited for, before partitions may be lost. Never rejects. */
  rejoining: () => Promise<void>
  heartbeat: () => void
  fetched: () => void
  /** What a fetch said of each partition, as told before `fetched`. */
  answered: (answers: Fetched['answers']) => void
  batch: (batch: BatchEvent) => void
  eachBatch: (payload: EachBatchPayload) => Promise<void>
  /** What a listener threw: out of kafkajs's hands, or it would crash for good. */
  failed: (error: unknown) => void
}

export type LifeOptions = { topic: string; concurrency: number; consumer: ConsumerConfig }

export type Life = ReturnType<typeof startLife>

export function startLife(kafka: Kafka, { topic, ...options }: LifeOptions, listeners: Listeners, clock: Clock) {
  const consumer = kafka.consumer({
    ...options.consumer,
    retry: { ...options.consumer.retry, restartOnFailure: () => Promise.resolve(false) },
  })
  const death = new AbortController()
  const finish = (cause: unknown) => death.abort({ cause })
  const over = new Promise<unknown>((resolve) =>
    death.signal.addEventListener('abort', () => resolve((death.signal.reason as { cause: unknown }).cause)),
  )
  listen(consumer, topic, listeners, { finish, over: death.signal })
  const started = (async () => {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.concurrency,
      eachBatch: listeners.eachBatch,
    })
  })()
  let begun = false
  let gone = false
  started.catch(finish).finally(() => (begun = true))

  /** Not running: it will begin at Kafka's commit, and membership.ts seeks then. */
  const whileRunning = (work: () => void) => {
    try {
      work()
    } catch {
      // It is joining, or over.
    }
  }
  const commit: CommitHandle = ({ topics }) =>
    consumer.commitOffsets(topics.flatMap(({ topic, partitions }) => partitions.map((each) => ({ topic, ...each }))))

  return {
    /** Resolves with what ended it; null: we did. */
    over,
    /** Ends it as if it had crashed. */
    giveUp: finish,
    commit,
    seek: (partition: number, position: bigint) =>
      whileRunning(() => consumer.seek({ topic, partition, offset: position.toString() })),
    pause: (partitions: number[]) => whileRunning(() => consumer.pause([{ topic, partitions }])),
    resume: (partition: number) => whileRunning(() => consumer.resume([{ topic, partitions: [partition] }])),
    /** Of what is assigned later, too; heartbeats go on. A later pause of partitions would undo it. */
    pauseAll: () => whileRunning(() => consumer.pause([{ topic }])),
    /** Joined or failed, or it takes too long. */
    begun: () => within(clock, PATIENCE_MS, started),
    /** Leaves the group, as far as that goes in time. */
    async end(): Promise<void> {
      finish(null)
      const leave = () => consumer.disconnect()
      // Never before run() has resolved: kafkajs would forget its runner, which goes on joining and is then a member that
      // nobody can stop, with partitions that nobody reads.
      const left = begun ? leave() : started.then(leave, leave)
      left.catch(() => {}).finally(() => (gone = true))
      await within(clock, PATIENCE_MS, left)
    },
    /** Nothing of it is left. */
    gone: () => gone,
    /** It was in the group, or near; one that never got so far ends when its tries are used up. */
    hasBegun: () => begun,
  }
}

type Ending = { finish: (cause: unknown) => void; over: AbortSignal }

function listen(consumer: Consumer, topic: string, listeners: Listeners, { finish, over }: Ending) {
  const on = (event: Parameters<Consumer['on']>[0], listener: (payload: Record<string, unknown>) => void) =>
    consumer.on(event, (e: { payload: Record<string, unknown> }) => {
      if (over.aborted) return // given up, but it goes on
      try {
        listener(e.payload)
      } catch (error) {
        listeners.failed(error)
      }
    })
  // kafkajs itself tells it too, and waits for nothing.
  on(consumer.events.REBALANCING, (payload) => (payload as Partial<Rejoining>).waitUntil?.(listeners.rejoining()))
  on(consumer.events.HEARTBEAT, listeners.heartbeat)
  on(consumer.events.FETCH, (payload) => {
    const { answers } = payload as Partial<Fetched>
    if (answers) listeners.answered(answers)
    else listeners.fetched()
  })
  on(consumer.events.GROUP_JOIN, ({ memberAssignment, memberId, duration }) =>
    listeners.joined((memberAssignment as Record<string, number[]>)[topic] ?? [], {
      name: String(memberId),
      joiningMs: Math.max(0, Number(duration)), // by the wall clock
    }),
  )
  on(consumer.events.START_BATCH_PROCESS, (payload) => listeners.batch(payload as BatchEvent))
  on(consumer.events.CRASH, ({ error }) => finish(error))
}

/** Resolves true when `work` ended in time, well or not. */
export async function within(clock: Clock, ms: number, work: Promise<void>): Promise<boolean> {
  const timer = new AbortController()
  const settled = () => true
  const inTime = await Promise.race([work.then(settled, settled), clock.sleep(ms, timer.signal).then(() => false)])
  timer.abort()
  return inTime
}
