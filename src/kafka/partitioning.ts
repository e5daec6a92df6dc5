import type { PartitionerArgs } from 'kafkajs'
import { createPartitioner } from './partitioner.ts'

type Placed = Pick<PartitionerArgs['message'], 'key' | 'partition'>

/**
 * The default partitioner (murmur2 of the key, as in Java), which also answers in advance: kafkajs knows how many partitions
 * a topic has, but tells only its partitioner.
 */
export const createPartitioning = () => {
  const decide = createPartitioner()
  const known = new Map<string, PartitionerArgs['partitionMetadata']>()
  /** Null until something was sent to the topic. */
  const partitionOf = (topic: string, { key, partition }: Placed): number | null => {
    const partitionMetadata = known.get(topic)
    const message = { key: key ?? null, value: null, ...(partition === undefined ? {} : { partition }) }
    return partitionMetadata ? decide({ topic, partitionMetadata, message }) : null
  }
  return {
    choose: (args: PartitionerArgs): number => {
      known.set(args.topic, args.partitionMetadata)
      return decide(args)
    },
    partitionOf,
    /** With their partitions, where they are known, so that the answer can be held against them. */
    place: <R extends Placed>(topic: string, records: readonly R[]): R[] =>
      records.map((record) => {
        const partition = partitionOf(topic, record)
        return partition === null ? record : { ...record, partition }
      }),
  }
}
