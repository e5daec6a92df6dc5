import { OperatorError } from '../lib/operator-error.ts'
import type { Cluster, FetchedRecord } from './cluster.ts'

export type Place = {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Nothing is looked for from here on. */
  readonly end: bigint
}

/** Transaction markers in a row, and batches that compaction left little of. */
const MAX_FETCHES = 5
const WAIT_MS = 500

/**
 * The first record from `offset` on, read from the log: one batch is fetched, the least that brokers give; null: below `end` there is
 * none. Rejects when it cannot be read. A record of a transaction that is not committed counts: nobody can read what is behind it.
 */
export async function firstRecord(
  cluster: Cluster,
  { topic, partition, offset, end }: Place,
): Promise<FetchedRecord | null> {
  let from = offset
  for (let fetches = 0; from < end; fetches += 1) {
    if (fetches === MAX_FETCHES) throw none(partition, offset)
    const records = await fetchBatch(cluster, { topic, partition, offset: from })
    const found = records.find((record) => !record.isControlRecord && BigInt(record.offset) >= from)
    if (found) return found
    const last = records.at(-1)
    if (!last) throw none(partition, from)
    from = BigInt(last.offset) + 1n
  }
  return null
}

const none = (partition: number, offset: bigint) =>
  new OperatorError(
    `no record was found soon behind offset ${offset} of partition ${partition}`,
    'there are markers of transactions only, or what compaction left: try a later offset',
  )

async function fetchBatch(
  cluster: Cluster,
  { topic, partition, offset }: Omit<Place, 'end'>,
): Promise<FetchedRecord[]> {
  await cluster.addTargetTopic(topic)
  await cluster.refreshMetadataIfNecessary()
  const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
  if (nodeId === undefined) throw new Error(`partition ${partition} has no leader`)
  const broker = await cluster.findBroker({ nodeId })
  const { responses } = await broker.fetch({
    ...{ replicaId: -1, isolationLevel: 0, maxWaitTime: WAIT_MS, minBytes: 1, maxBytes: 1 },
    topics: [{ topic, partitions: [{ partition, fetchOffset: offset.toString(), maxBytes: 1 }] }],
  })
  return responses[0]?.partitions[0]?.messages ?? []
}
