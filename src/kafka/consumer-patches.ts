import { internal, wallClock } from './kafkajs-internals.ts'
import { shared } from './shared.ts'

// What the consumer of kafkajs 2.2.4 gets wrong around a join, mended where it happens (docs/kafkajs.md has the traps). Each
// mend wraps a method and calls the original; patches.ts holds the files against their checksums first.

type Batch = { partition: number; fetchedOffset: unknown; rawMessages: unknown[] }
type Offsets = { memberAssignment: Record<string, number[] | undefined> }
type Place = { topic: string; partition: number; offset: unknown }
type ConsumerGroup = {
  memberId: string | null
  groupId: string
  lastRequest: number
  offsetManager: Offsets | null
  instrumentationEmitter: { emit(event: string, payload: object): void }
  joinAndSync: (this: ConsumerGroup) => Promise<void>
  fetch: (this: ConsumerGroup, nodeId: number) => Promise<Batch[]>
  heartbeat: (this: ConsumerGroup, options: { interval: number }) => Promise<void>
  resolveOffset: (this: ConsumerGroup, place: Place) => void
  commitOffsets: (this: ConsumerGroup, offsets: unknown) => Promise<void>
}
type FetchManager = { start: () => Promise<void> }
type Runner = {
  running: boolean
  consumerGroup: ConsumerGroup
  fetchManager: FetchManager
  fetch: (this: Runner, nodeId: number) => Promise<unknown[]>
  commitOffsets: (this: Runner, offsets: unknown) => Promise<void>
  scheduleFetchManager: (this: Runner) => void
}

const prototypeOf = <T>(path: string): T => (internal(path) as { prototype: T }).prototype

/** Rejected joins: kafkajs goes on as if nothing had happened, without a name, or with an old assignment under a new one. */
const unjoined = new WeakSet<ConsumerGroup>()

/** What kafkajs answers by joining again. */
const joinAgain = (): Error =>
  Object.assign(new Error('the last join failed, and kafkajs would go on without it'), {
    type: 'REBALANCE_IN_PROGRESS',
    retriable: true,
  })

/** Payload of the `consumer.rebalancing` before each join but the first; as in a service worker, it waits for what is promised. */
export type Rejoining = { waitUntil(work: Promise<void>): void }

/** kafkajs has no hook before partitions are lost, and there are five ways to a join: each goes through joinAndSync. */
const beforeJoin = async ({ instrumentationEmitter, groupId, memberId }: ConsumerGroup): Promise<void> => {
  if (memberId === null) return // a new name: what it had belongs to others by now
  const works: Promise<void>[] = []
  const rejoining: Rejoining = { waitUntil: (work) => void works.push(work) }
  instrumentationEmitter.emit('consumer.rebalancing', { groupId, memberId, ...rejoining })
  await Promise.all(works)
}

/** Payload of a `consumer.fetch` of ours, before kafkajs's own, which does not say of which partitions the answer is. */
export type Fetched = { answers: { partition: number; from: bigint; records: number }[] }

const answerOf = ({ partition, fetchedOffset, rawMessages }: Batch): Fetched['answers'][number] => ({
  partition,
  from: BigInt(String(fetchedOffset)),
  records: rawMessages.length,
})

const patchJoin = (group: ConsumerGroup): void => {
  const { joinAndSync, fetch } = group
  // Each fetcher that hears of a rebalance joins, and the JoinGroup of one undoes the join of the other before its SyncGroup: with
  // several members they kept each other from ever ending one. All take part in one.
  group.joinAndSync = shared(async (self) => {
    try {
      await beforeJoin(self)
      await joinAndSync.call(self)
      unjoined.delete(self)
    } catch (error) {
      unjoined.add(self)
      throw error
    }
  })
  group.fetch = async function (nodeId) {
    if (unjoined.has(this)) throw joinAgain()
    const { offsetManager } = this
    // Another fetcher may have joined meanwhile: what was asked for before belongs to another assignment and other positions.
    const stale = () => this.offsetManager !== offsetManager
    try {
      const batches = await fetch.call(this, nodeId)
      if (stale()) return []
      this.instrumentationEmitter.emit('consumer.fetch', { answers: batches.map(answerOf) } satisfies Fetched)
      return batches
    } catch (error) {
      if (stale() && error instanceof TypeError) return []
      throw error
    }
  }
}

/** It throws for a topic of which nothing is ours any more, and a TypeError ends the consumer. */
const patchResolve = (group: ConsumerGroup): void => {
  const { resolveOffset } = group
  group.resolveOffset = function (place) {
    if (this.offsetManager?.memberAssignment[place.topic]?.includes(place.partition)) resolveOffset.call(this, place)
  }
}

/** How many heartbeats the group has answered. */
const answered = new WeakMap<ConsumerGroup, number>()

/** Due by the wall clock: set back an hour, it would be silent for an hour, and evicted. */
const patchHeartbeat = (group: ConsumerGroup): void => {
  const { heartbeat } = group
  group.heartbeat = async function (options) {
    if (wallClock() < this.lastRequest) this.lastRequest = wallClock() - options.interval
    const { lastRequest } = this
    await heartbeat.call(this, options)
    if (this.lastRequest !== lastRequest) answered.set(this, (answered.get(this) ?? 0) + 1)
  }
}

/**
 * Fetchers that are made anew while the consumer stops are stopped by nobody: each of their fetches gives nothing at once, for
 * ever, and in microtasks, so that no timer and no signal of the process comes through.
 */
const patchFetch = (runner: Runner): void => {
  const { fetch } = runner
  runner.fetch = function (nodeId) {
    if (!this.running) return Promise.reject(Object.assign(new Error('the consumer is stopping'), { retriable: true }))
    return fetch.call(this, nodeId)
  }
}

/**
 * kafkajs resolves a commit that it did not send (stopping, crashed), and repeats one for up to half a minute, in whatever
 * generation it then is and whoever owns the partitions by then.
 */
const patchCommit = (runner: Runner): void => {
  runner.commitOffsets = async function (offsets) {
    if (!this.running) throw new Error('not committed: the consumer is not running')
    await this.consumerGroup.commitOffsets(offsets)
  }
}

const PAUSE_MS = 300

const isPassing = (error: unknown): boolean => {
  const { name, type, retriable } = error as { name?: string; type?: string; retriable?: boolean }
  if (name === 'KafkaJSNoBrokerAvailableError') return false // it asks for another way, at once
  return retriable === true && !['REBALANCE_IN_PROGRESS', 'UNKNOWN_MEMBER_ID'].includes(type ?? '') && !isMoved(type)
}
const isMoved = (type: string | undefined) => type === 'ILLEGAL_GENERATION' || type === 'NOT_COORDINATOR_FOR_GROUP'

/**
 * kafkajs counts the errors of a whole life: the eleventh, be it days after the tenth, crashes the consumer, and each waits longer
 * than the one before. Here an error begins a new count when the group has answered a heartbeat since the last one.
 */
const patchRetries = (runner: Runner): void => {
  const { scheduleFetchManager } = runner
  const wrapped = new WeakSet<FetchManager>()
  const wrap = (runner: Runner, manager: FetchManager) => {
    const { start } = manager
    let before = answered.get(runner.consumerGroup)
    manager.start = async () => {
      try {
        await start()
      } catch (error) {
        const now = answered.get(runner.consumerGroup)
        const healthy = now !== before
        before = now
        if (!healthy || !isPassing(error)) throw error
        // Returning ends kafkajs's loop of retries; it begins another.
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
      }
    }
  }
  runner.scheduleFetchManager = function () {
    const { fetchManager } = this
    if (!wrapped.has(fetchManager)) {
      wrapped.add(fetchManager)
      wrap(this, fetchManager)
    }
    scheduleFetchManager.call(this)
  }
}

type Broker = { disconnect(): Promise<void> }
type BrokerPool = {
  seedBroker: Broker | undefined
  brokers: Record<string, Broker>
  metadataExpireAt: number | null
  metadataMaxAge: number
  disconnect: (this: BrokerPool) => Promise<void>
  refreshMetadataIfNecessary: (this: BrokerPool, topics: string[]) => Promise<unknown>
}

const patchBrokerPool = (pool: BrokerPool): void => {
  const { disconnect, refreshMetadataIfNecessary } = pool
  // A crash whose disconnect throws is never told (no CRASH event, only an unhandled rejection), and the brokers behind the one
  // that threw stay connected.
  pool.disconnect = async function () {
    const brokers = [...(this.seedBroker ? [this.seedBroker] : []), ...Object.values(this.brokers)]
    await Promise.allSettled(brokers.map((broker) => broker.disconnect()))
    await disconnect.call(this).catch(() => undefined)
  }
  pool.refreshMetadataIfNecessary = function (topics) {
    // Longer than it may live: the clock was set back.
    if ((this.metadataExpireAt ?? 0) - wallClock() > this.metadataMaxAge) this.metadataExpireAt = null
    return refreshMetadataIfNecessary.call(this, topics)
  }
}

export const patchConsumer = (): void => {
  const group = prototypeOf<ConsumerGroup>('src/consumer/consumerGroup.js')
  const runner = prototypeOf<Runner>('src/consumer/runner.js')
  patchJoin(group)
  patchResolve(group)
  patchHeartbeat(group)
  patchFetch(runner)
  patchCommit(runner)
  patchRetries(runner)
  patchBrokerPool(prototypeOf<BrokerPool>('src/cluster/brokerPool.js'))
}
