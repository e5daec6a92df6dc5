// The timestamp of the record at a position, without a group: one small fetch for each partition.
import { OperatorError } from '../lib/operator-error.ts'
import type { Cluster, FetchedRecord, FetchingBroker } from './cluster.ts'
import { protocolTypes } from './protocol-types.ts'

/** Brokers give at least one record batch, however large it is. */
const LEAST_BYTES = 1
/** A batch of transaction markers or of compacted records holds none: look behind it, not for ever. */
const FETCHES = 5
const WAIT_MS = 500

/** Milliseconds since the epoch, of the first record at each position or above; no entry where none could be read. */
export async function timesAt(
  cluster: Cluster,
  topic: string,
  positions: ReadonlyMap<number, bigint>,
): Promise<Map<number, number>> {
  if (positions.size === 0) return new Map()
  await cluster.addTargetTopic(topic)
  await cluster.refreshMetadataIfNecessary()
  const leaders = cluster.findLeaderForPartitions(topic, [...positions.keys()])
  const times = new Map<number, number>()
  const ofLeader = async ([nodeId, partitions]: [string, number[]]) => {
    const broker = await cluster.findBroker({ nodeId })
    // One by one: LEAST_BYTES holds for the first partition of a request only.
    for (const partition of partitions) {
      const time = await timeAt(broker, topic, partition, positions.get(partition) ?? 0n)
      if (time !== null) times.set(partition, time)
    }
  }
  await Promise.all(Object.entries(leaders).map(ofLeader))
  return times
}

async function timeAt(broker: FetchingBroker, topic: string, partition: number, position: bigint) {
  let from = position
  for (let fetches = 0; fetches < FETCHES; fetches++) {
    const messages = await fetchAt(broker, topic, partition, from)
    const first = messages.find(({ offset, isControlRecord }) => BigInt(offset) >= from && !isControlRecord)
    if (first) return Number(first.timestamp)
    const last = messages.at(-1)
    if (!last || BigInt(last.offset) < from) return null
    from = BigInt(last.offset) + 1n
  }
  return null
}

async function fetchAt(
  broker: FetchingBroker,
  topic: string,
  partition: number,
  from: bigint,
): Promise<FetchedRecord[]> {
  const asked = { partition, fetchOffset: from.toString(), maxBytes: LEAST_BYTES }
  try {
    const { responses } = await broker.fetch({
      ...{ maxWaitTime: WAIT_MS, minBytes: 1, maxBytes: LEAST_BYTES },
      topics: [{ topic, partitions: [asked] }],
    })
    return responses[0]?.partitions[0]?.messages ?? []
  } catch (error) {
    // Deleted by retention or truncated, or a batch that cannot be decoded: no time is known, and others say why.
    const undecodable = error instanceof Error && error.cause instanceof OperatorError
    if (undecodable || protocolTypes(error).includes('OFFSET_OUT_OF_RANGE')) return []
    throw error
  }
}
