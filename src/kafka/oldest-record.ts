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
 * The timestamp of the first record from `offset` on, read from the log: one batch is fetched, the least that brokers give.
 * Rejects when it cannot be read. A record of a transaction that is not committed counts: nobody can read what is behind it.
 */
export async function timestampAt(cluster: Cluster, { topic, partition, offset, end }: Place): Promise<number | null> {
  let from = offset
  for (let fetches = 0; from < end; fetches += 1) {
    if (fetches === MAX_FETCHES) throw new Error(`no record found behind offset ${offset} of partition ${partition}`)
    const records = await fetchBatch(cluster, { topic, partition, offset: from })
    const found = records.find((record) => !record.isControlRecord && BigInt(record.offset) >= from)
    if (found) return Number(found.timestamp)
    const last = records.at(-1)
    if (!last) throw new Error(`nothing was fetched at offset ${from} of partition ${partition}`)
    from = BigInt(last.offset) + 1n
  }
  return null
}

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
