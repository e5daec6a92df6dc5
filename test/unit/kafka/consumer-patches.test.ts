import kafkajs from 'kafkajs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Rejoining } from '../../../src/kafka/consumer-patches.ts'
import '../../../src/kafka/patches.ts'
import { internal } from '../../../src/kafka/kafkajs-internals.ts'

type Fields = Record<string, unknown>
/** An object of kafkajs's class with these fields, not constructed. */
const made = <T>(path: string, fields: Fields): T => {
  const { prototype } = internal(path) as { prototype: object }
  return Object.assign(Object.create(prototype) as object, fields) as T
}
const setClock = (back: number) => {
  const now = Date.now.bind(Date)
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() - back)
  onTestFinished(() => clock.mockRestore())
}

describe('a fetch', () => {
  type Group = { fetch(node: number): Promise<unknown[]>; joinAndSync(): Promise<void> }
  /** Its metadata are refreshed while `meanwhile` happens; then it fails with `error`. */
  const group = (meanwhile: (self: Fields) => void, error: Error) => {
    const self: Fields = { offsetManager: { memberAssignment: {} } }
    const built = made<Group & Fields>('src/consumer/consumerGroup.js', {
      ...self,
      cluster: { refreshMetadataIfNecessary: async () => meanwhile(built) },
      checkForStaleAssignment: () => {
        throw error
      },
    })
    return built
  }
  const fault = new TypeError("Cannot read properties of undefined (reading 'has')")

  test('during which another fetcher joined gives nothing, whatever it stumbles over (unpatched: the consumer ends)', async () => {
    expect(await group((self) => (self['offsetManager'] = {}), fault).fetch(1)).toEqual([])
  })

  test('that stumbles without a join is a fault all the same', async () => {
    await expect(group(() => {}, fault).fetch(1)).rejects.toBe(fault)
    const other = new Error('other')
    await expect(group((self) => (self['offsetManager'] = {}), other).fetch(1)).rejects.toBe(other)
  })

  test('is refused after a join that failed, until one succeeds', async () => {
    let error: Error | null = new Error('loading')
    const built = made<Group>('src/consumer/consumerGroup.js', {
      memberId: null,
      retrier: async () => {
        if (error) throw error
      },
      cluster: { refreshMetadataIfNecessary: () => Promise.reject(new Error('it fetches')) },
    })
    await expect(built.joinAndSync()).rejects.toBe(error)
    await expect(built.fetch(1)).rejects.toMatchObject({ type: 'REBALANCE_IN_PROGRESS' })
    error = null
    await built.joinAndSync()
    await expect(built.fetch(1)).rejects.toThrow('it fetches')
  })
})

describe('partitions of one broker', () => {
  type Group = { filterPartitionsByNode(node: string, all: object[]): { partitions: number[] }[] }
  test('are asked for in turns, each broker by itself (unpatched: in the same order each time, and the last may starve)', () => {
    const group = made<Group>('src/consumer/consumerGroup.js', {
      findReadReplicaForPartitions: () => ({ 1: [0, 3, 6], 2: [1, 4], 3: [] }),
    })
    const asked = (node: string) => group.filterPartitionsByNode(node, [{ topic: 't', partitions: [] }])[0]?.partitions
    const order = [asked('1'), asked('2'), asked('1'), asked('2'), asked('1'), asked('2'), asked('1'), asked('3')]
    expect(order).toEqual([[0, 3, 6], [1, 4], [3, 6, 0], [4, 1], [6, 0, 3], [1, 4], [0, 3, 6], []])
  })
})

test('an offset of a partition that is not ours any more is not resolved (unpatched: a TypeError ends the consumer)', () => {
  const resolved: unknown[] = []
  const group = made<{ resolveOffset(place: object): void }>('src/consumer/consumerGroup.js', {
    offsetManager: { memberAssignment: { t: [1] }, resolveOffset: (place: unknown) => void resolved.push(place) },
  })
  group.resolveOffset({ topic: 't', partition: 0, offset: '1' })
  group.resolveOffset({ topic: 'u', partition: 1, offset: '1' })
  expect(resolved).toEqual([])
  group.resolveOffset({ topic: 't', partition: 1, offset: '1' })
  expect(resolved).toHaveLength(1)
})

describe('a commit', () => {
  type Runner = { commitOffsets(offsets: object): Promise<void> }
  test('of a consumer that does not run is no success (unpatched: it resolves)', async () => {
    const runner = made<Runner>('src/consumer/runner.js', { running: false })
    await expect(runner.commitOffsets({})).rejects.toThrow('not committed')
  })

  test('is sent once, and tells what the broker said (unpatched: for half a minute, in whatever generation)', async () => {
    const refused = Object.assign(new Error('loading'), { type: 'GROUP_LOAD_IN_PROGRESS', retriable: true })
    const commitOffsets = vi.fn(() => Promise.reject(refused))
    const runner = made<Runner>('src/consumer/runner.js', { running: true, consumerGroup: { commitOffsets } })
    await expect(runner.commitOffsets({})).rejects.toBe(refused)
    expect(commitOffsets).toHaveBeenCalledTimes(1)
  })
})

describe('a join', () => {
  type Joining = { memberId: string | null; joinAndSync(): Promise<void> }
  const group = (memberId: string | null, joined: () => void, listen: (payload: Rejoining) => void) =>
    made<Joining>('src/consumer/consumerGroup.js', {
      ...{ memberId, groupId: 'g', retrier: async () => joined() },
      instrumentationEmitter: { emit: (_: string, payload: Rejoining) => listen(payload) },
    })

  test('waits for what is promised before it (unpatched: nobody is asked)', async () => {
    const order: string[] = []
    const settle = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      order.push('settled')
    }
    await group(
      'me',
      () => order.push('joined'),
      (payload) => payload.waitUntil(settle()),
    ).joinAndSync()
    expect(order).toEqual(['settled', 'joined'])
  })

  test('without a name asks nobody: what it had belongs to others', async () => {
    const listener = vi.fn()
    await group(null, () => {}, listener).joinAndSync()
    expect(listener).not.toHaveBeenCalled()
  })

  test('is one, whoever of the fetchers asks for it (unpatched: each ends the join of the others, without end)', async () => {
    let joins = 0
    const joining = group(
      'me',
      () => (joins += 1),
      () => {},
    )
    await Promise.all([joining.joinAndSync(), joining.joinAndSync(), joining.joinAndSync()])
    expect(joins).toBe(1)
    await joining.joinAndSync()
    expect(joins).toBe(2)
  })
})

describe('the loop of a consumer', () => {
  const Runner = internal('src/consumer/runner.js') as new (options: object) => {
    running: boolean
    scheduleFetchManager(): void
    stop(): Promise<void>
  }
  const logger: object = { namespace: () => logger, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

  // The fetchers are made anew because the brokers changed, and while the old ones stop, the consumer does.
  test('ends with it, also while its fetchers are made anew (unpatched: it spins, and no timer comes through)', async () => {
    let asked = 0
    let nodes = ['1', '2']
    let slow = () => {}
    const consumerGroup = {
      getNodeIds: () => {
        if ((asked += 1) > 10_000) throw new Error('it spins')
        return nodes
      },
      // One fetcher waits for its answer, the other sees that the brokers have changed.
      fetch: (node: string) =>
        node === '1' ? new Promise<unknown[]>((resolve) => (slow = () => resolve([]))) : Promise.resolve([]),
      heartbeat: async () => void (nodes = ['1', '2', '3']),
      leave: async () => {},
    }
    const instrumentationEmitter = { emit: () => {} }
    const onCrash = vi.fn()
    const runner = new Runner({ logger, consumerGroup, instrumentationEmitter, concurrency: 1, onCrash, retry: {} })
    runner.running = true
    runner.scheduleFetchManager()
    await vi.waitFor(() => expect(nodes).toHaveLength(3))
    const stopped = runner.stop()
    slow()
    await stopped
    expect(onCrash).not.toHaveBeenCalled()
    expect(asked).toBeLessThan(100)
  })
})

describe('the pool of brokers', () => {
  test('always ends (unpatched: a crash whose disconnect throws is told to nobody)', async () => {
    const failing = { disconnect: () => Promise.reject(new Error('socket')) }
    const pool = made<{ disconnect(): Promise<void> }>('src/cluster/brokerPool.js', {
      seedBroker: failing,
      brokers: {},
    })
    await pool.disconnect()
  })

  test('leaves no broker connected behind one that throws', async () => {
    const disconnect = vi.fn(() => Promise.resolve())
    const failing = { disconnect: () => Promise.reject(new Error('socket')) }
    const brokers = { 1: failing, 2: { disconnect } }
    await made<{ disconnect(): Promise<void> }>('src/cluster/brokerPool.js', {
      seedBroker: failing,
      brokers,
    }).disconnect()
    expect(disconnect).toHaveBeenCalled()
  })

  test('does not keep its metadata for as long as the clock was set back', async () => {
    const refreshMetadata = vi.fn(() => Promise.resolve())
    const pool = made<{ refreshMetadataIfNecessary(topics: string[]): Promise<void> }>('src/cluster/brokerPool.js', {
      ...{ metadata: { topicMetadata: [] }, metadataMaxAge: 60_000, metadataExpireAt: Date.now() + 60_000 },
      refreshMetadata,
    })
    await pool.refreshMetadataIfNecessary([])
    expect(refreshMetadata).not.toHaveBeenCalled()
    setClock(3_600_000)
    await pool.refreshMetadataIfNecessary([])
    expect(refreshMetadata).toHaveBeenCalledTimes(1)
  })
})

describe('requests, when the clock is set back an hour', () => {
  type Queue = {
    inflight: Map<number, object>
    throttledUntil: number
    scheduleRequestTimeoutCheck(): void
    canSendSocketRequestImmediately(): boolean
    destroy(): void
  }
  const RequestQueue = internal('src/network/requestQueue/index.js') as new (options: object) => Queue
  const queue = () => new RequestQueue({ requestTimeout: 300, enforceRequestTimeout: true, logger: kafkajs.Kafka })

  test('time out all the same (unpatched: an hour later)', async () => {
    const busy = queue()
    onTestFinished(() => busy.destroy())
    const timedOut = new Promise<void>((resolve) =>
      busy.inflight.set(1, { sentAt: Date.now(), requestTimeout: 300, timeoutRequest: resolve }),
    )
    busy.scheduleRequestTimeoutCheck()
    setClock(3_600_000)
    await timedOut
  })

  test('are not throttled until it has caught up', () => {
    const throttled = queue()
    throttled.throttledUntil = Date.now() + 10_000
    expect(throttled.canSendSocketRequestImmediately()).toBe(false)
    setClock(3_600_000)
    expect(throttled.canSendSocketRequestImmediately()).toBe(true)
  })
})
