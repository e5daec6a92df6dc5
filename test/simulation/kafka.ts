// A Kafka of three brokers as kafkajs's consumer sees it: the real kafkajs consumer (group, fetchers, offset manager) runs on
// this in place of its `Cluster`. One topic. The group coordinator follows Kafka's ClassicGroup: it compares member and
// generation, never who owns a partition.
import { createRequire } from 'node:module'
import { headersOf, type HeaderOut } from '../../src/kafka/headers.ts'
import { createConnection } from './connection.ts'
import { createGroup } from './kafka-group.ts'
import type { Told } from './producer.ts'
import type { Scheduler } from './scheduler.ts'

const load = createRequire(import.meta.url)
const protocolErrors = load('kafkajs/src/protocol/error.js') as { createErrorFromCode: (code: number) => Error }
type ErrorClass = new (message: string) => Error
const { KafkaJSConnectionError, KafkaJSConnectionClosedError } = load('kafkajs/src/errors.js') as {
  KafkaJSConnectionError: ErrorClass
  KafkaJSConnectionClosedError: ErrorClass
}

export const CODES = {
  NOT_LEADER: 6,
  COORDINATOR_LOADING: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  ILLEGAL_GENERATION: 22,
  UNKNOWN_MEMBER_ID: 25,
  REBALANCE_IN_PROGRESS: 27,
} as const
export const protocolError = (name: keyof typeof CODES) => protocolErrors.createErrorFromCode(CODES[name])

/** `value` null: a tombstone. `told` null: a marker, which ends a transaction and has an offset, but is no record that anybody sees. */
export type LogRecord = { readonly offset: bigint; readonly value: Buffer | null; readonly told: Told | null }
export type Partition = { readonly records: LogRecord[]; end: bigint }

const NO_HEADERS = headersOf([] as readonly HeaderOut[])
const BROKERS = [1, 2, 3]
const METADATA_MAX_AGE_MS = 3_000

/** Told when a fault meets somebody. */
export type Struck = () => void
type Window = { readonly until: number; readonly struck: Struck }

export type SimulatedKafka = ReturnType<typeof createSimulatedKafka>
export type KafkaHooks = {
  /** `owned`: whoever commits has the partition in this generation; Kafka itself does not ask. */
  committed: (partition: number, offset: bigint, owned: boolean) => void
  trace: (line: string) => void
}

export const createSimulatedKafka = (scheduler: Scheduler, topic: string, partitions: number, hooks: KafkaHooks) => {
  const { random } = scheduler
  const log: Partition[] = Array.from({ length: partitions }, () => ({ records: [], end: 0n }))
  const leaders = log.map((_, partition) => BROKERS[partition % BROKERS.length] ?? 1)
  const group = createGroup(scheduler, hooks)
  /** Of the whole cluster, until this time: nobody gets through. */
  let down: Window | null = null
  /** Requests to the coordinator fail with this. */
  let coordinatorFault: (Window & { error: keyof typeof CODES }) | null = null
  let slow: { most: number; struck: Struck } | null = null
  /** Partitions that moved, until somebody asks the old leader. */
  const moved = new Map<number, Struck>()
  const during = <W extends Window>(window: W | null): W | null => {
    if (!window || scheduler.now() >= window.until) return null
    window.struck()
    return window
  }

  const call = <T>(work: () => T | Promise<T>): Promise<T> => {
    slow?.struck()
    return scheduler.request(() => {
      if (during(down)) throw new KafkaJSConnectionError('connection refused')
      return work()
    }, [1, slow?.most ?? 10])
  }

  type FetchRequest = { maxWaitTime: number; topics: { partitions: { partition: number; fetchOffset: string }[] }[] }

  const answer = (wanted: { partition: number; fetchOffset: string }[]) =>
    wanted.map(({ partition, fetchOffset }) => {
      const { records, end } = log[partition] ?? { records: [], end: 0n }
      const from = BigInt(fetchOffset)
      const first = records.findIndex(({ offset }) => offset >= from)
      // What a broker sends begins at a batch boundary, below the offset that was asked for.
      const start = first === -1 ? records.length : Math.max(0, first - random.below(3))
      const count = first === -1 ? 0 : 1 + random.below(12)
      return {
        partition,
        highWatermark: end.toString(),
        abortedTransactions: [],
        messages: records.slice(start, Math.max(first, 0) + count).map(({ offset, value, told }) => ({
          offset: offset.toString(),
          timestamp: '1764028800000',
          key: null,
          value,
          headers: NO_HEADERS,
          isControlRecord: told === null,
        })),
      }
    })

  const fetch = (nodeId: number, request: FetchRequest) =>
    call(async () => {
      const wanted = request.topics.flatMap((each) => each.partitions)
      const check = () => {
        const elsewhere = wanted.filter(({ partition }) => leaders[partition] !== nodeId)
        for (const { partition } of elsewhere) moved.get(partition)?.()
        if (elsewhere.length > 0) throw protocolError('NOT_LEADER')
      }
      hooks.trace(
        `${scheduler.current()?.name ?? ''} Fetch ${nodeId} ${wanted.map((w) => `${w.partition}@${w.fetchOffset}`).join(' ')}`,
      )
      check()
      const empty = () =>
        wanted.every(({ partition, fetchOffset }) => (log[partition]?.end ?? 0n) <= BigInt(fetchOffset))
      if (empty()) {
        await new Promise<void>((resolve) => scheduler.after(random.between(50, request.maxWaitTime), null, resolve))
        check()
      }
      return { responses: [{ topicName: topic, partitions: answer(wanted) }] }
    })

  /** The coordinator at the end of one connection. */
  const coordinatorOn = (connection: ReturnType<typeof createConnection>) => {
    const coordinated = async <T>(what: string, work: () => T | Promise<T>): Promise<T> => {
      const name = scheduler.current()?.name ?? ''
      try {
        return await connection.send(() =>
          call(() => {
            const fault = during(coordinatorFault)
            if (fault) throw protocolError(fault.error)
            return work()
          }),
        )
      } catch (error) {
        hooks.trace(`${name} ${what}: ${(error as { type?: string }).type ?? String(error)}`)
        throw error
      }
    }

    return {
      isConnected: () => true,
      joinGroup: (request: Parameters<typeof group.join>[0]) => coordinated('JoinGroup', () => group.join(request)),
      syncGroup: (request: Parameters<typeof group.sync>[0]) => coordinated('SyncGroup', () => group.sync(request)),
      heartbeat: (request: Parameters<typeof group.heartbeat>[0]) =>
        coordinated('Heartbeat', () => group.heartbeat(request)),
      leaveGroup: ({ memberId }: { memberId: string }) => coordinated('LeaveGroup', () => group.leave(memberId)),
      offsetCommit: (request: Parameters<typeof group.commit>[0]) =>
        coordinated('OffsetCommit', () => group.commit(request)),
      offsetFetch: ({ topics }: { topics: { topic: string; partitions: { partition: number }[] }[] }) =>
        coordinated('OffsetFetch', () => ({
          responses: topics.map((each) => ({
            topic: each.topic,
            partitions: each.partitions.map(({ partition }) => ({
              partition,
              offset: (group.committed.get(partition) ?? -1n).toString(),
            })),
          })),
        })),
    }
  }

  /** One for each consumer: it has seen who leads what at some time. */
  const createCluster = () => {
    let seen = [...leaders]
    const connect = () => createConnection(scheduler, () => new KafkaJSConnectionClosedError('Closed connection'))
    const connections = { coordinator: connect(), metadata: connect(), brokers: BROKERS.map(connect) }
    const coordinator = coordinatorOn(connections.coordinator)
    const committedOffsets: Record<string, unknown> = {}
    let refreshedAt = 0
    const ask = <T>(work: () => T) => connections.metadata.send(() => call(work))
    const refresh = () =>
      ask(() => {
        seen = [...leaders]
        refreshedAt = scheduler.now()
      })
    /** kafkajs's cluster tries these again by itself, for long. */
    const patiently = async (work: () => Promise<void>): Promise<void> => {
      for (;;) {
        try {
          return await work()
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 300))
        }
      }
    }
    return {
      connect: () => patiently(() => ask(() => undefined)),
      disconnect() {
        for (const each of [connections.coordinator, connections.metadata, ...connections.brokers]) each.close()
        return Promise.resolve()
      },
      isConnected: () => true,
      refreshMetadata: refresh,
      refreshMetadataIfNecessary: () =>
        scheduler.now() - refreshedAt > METADATA_MAX_AGE_MS ? refresh() : Promise.resolve(),
      addMultipleTargetTopics: () => patiently(refresh),
      getNodeIds: () => BROKERS,
      findBroker: ({ nodeId }: { nodeId: number }) =>
        Promise.resolve({
          fetch: (request: FetchRequest) =>
            connections.brokers[nodeId - 1]?.send(() => fetch(nodeId, request)) ??
            Promise.reject(new Error('no broker')),
        }),
      findGroupCoordinator: () => ask(() => coordinator),
      findTopicPartitionMetadata: () => seen.map((leader, partitionId) => ({ partitionId, leader, isr: BROKERS })),
      committedOffsets: () => committedOffsets,
      defaultOffset: () => '-2',
      removeBroker: () => {},
      fetchTopicsOffset: (topics: { topic: string; partitions: { partition: number }[] }[]) =>
        ask(() =>
          topics.map((each) => ({
            topic: each.topic,
            partitions: each.partitions.map(({ partition }) => ({ partition, offset: '0' })),
          })),
        ),
    }
  }

  return {
    log,
    group,
    createCluster,
    bounds: () => call(() => new Map(log.map(({ end }, partition) => [partition, { low: 0n, high: end }]))),
    committed: () =>
      call(() => new Map(log.map((_, partition) => [partition, group.committed.get(partition) ?? null]))),
    append(partition: number, what: 'marker' | 'gap' | { value: Buffer | null; told: Told }) {
      const target = log[partition]
      if (!target) return
      const record = what === 'marker' ? { value: null, told: null } : what
      if (record !== 'gap') target.records.push({ offset: target.end, ...record })
      target.end += 1n
    },
    moveLeader(partition: number, struck: Struck) {
      moved.set(partition, struck)
      leaders[partition] = random.pick(BROKERS.filter((broker) => broker !== leaders[partition]))
    },
    addPartition() {
      log.push({ records: [], end: 0n })
      leaders.push(random.pick(BROKERS))
    },
    goDown: (ms: number, struck: Struck) => void (down = { until: scheduler.now() + ms, struck }),
    failCoordinator: (error: keyof typeof CODES, ms: number, struck: Struck) =>
      void (coordinatorFault = { error, until: scheduler.now() + ms, struck }),
    slow: (most: number, struck: Struck) => void (slow = { most, struck }),
    heal() {
      down = null
      coordinatorFault = null
      slow = null
    },
  }
}
