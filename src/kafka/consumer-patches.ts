import { internal, wallClock } from './kafkajs-internals.ts'

// What the consumer of kafkajs 2.2.4 gets wrong around a join, mended where it happens (docs/kafkajs.md has the traps). Each
// mend wraps a method and calls the original; patches.ts holds the files against their checksums first.

type Offsets = { memberAssignment: Record<string, number[] | undefined> }
type Place = { topic: string; partition: number; offset: unknown }
type ConsumerGroup = {
  memberId: string | null
  lastRequest: number
  offsetManager: Offsets | null
  joinAndSync: (this: ConsumerGroup) => Promise<void>
  fetch: (this: ConsumerGroup, nodeId: number) => Promise<unknown[]>
  heartbeat: (this: ConsumerGroup, options: { interval: number }) => Promise<void>
  resolveOffset: (this: ConsumerGroup, place: Place) => void
  commitOffsets: (this: ConsumerGroup, offsets: unknown) => Promise<void>
}
type FetchManager = { start: () => Promise<void> }
type Runner = {
  running: boolean
  consumerGroup: ConsumerGroup
  fetchManager: FetchManager
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

const patchJoin = (group: ConsumerGroup): void => {
  const { joinAndSync, fetch } = group
  group.joinAndSync = async function () {
    try {
      await joinAndSync.call(this)
      unjoined.delete(this)
    } catch (error) {
      unjoined.add(this)
      throw error
    }
  }
  group.fetch = async function (nodeId) {
    if (unjoined.has(this)) throw joinAgain()
    const { offsetManager } = this
    // Another fetcher may have joined meanwhile: what was asked for before belongs to another assignment and other positions.
    const stale = () => this.offsetManager !== offsetManager
    try {
      const batches = await fetch.call(this, nodeId)
      return stale() ? [] : batches
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

/** Due by the wall clock: set back an hour, it would be silent for an hour, and evicted. */
const patchHeartbeat = (group: ConsumerGroup): void => {
  const { heartbeat } = group
  group.heartbeat = function (options) {
    if (wallClock() < this.lastRequest) this.lastRequest = wallClock() - options.interval
    return heartbeat.call(this, options)
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
    let answered = runner.consumerGroup.lastRequest
    manager.start = async () => {
      try {
        await start()
      } catch (error) {
        const { lastRequest } = runner.consumerGroup
        const healthy = lastRequest !== answered
        answered = lastRequest
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

type BrokerPool = {
  metadataExpireAt: number | null
  metadataMaxAge: number
  disconnect: (this: BrokerPool) => Promise<void>
  refreshMetadataIfNecessary: (this: BrokerPool, topics: string[]) => Promise<unknown>
}

const patchBrokerPool = (pool: BrokerPool): void => {
  const { disconnect, refreshMetadataIfNecessary } = pool
  // A crash whose disconnect throws is never told: no CRASH event, only an unhandled rejection.
  pool.disconnect = async function () {
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
  patchCommit(runner)
  patchRetries(runner)
  patchBrokerPool(prototypeOf<BrokerPool>('src/cluster/brokerPool.js'))
}
