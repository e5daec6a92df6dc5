import { Partitioners, type PartitionerArgs } from 'kafkajs'

/**
 * The default partitioner (murmur2 of the key, as in Java), which also answers in advance: kafkajs knows how many partitions
 * a topic has, but tells only its partitioner.
 */
export const createPartitioning = () => {
  const decide = Partitioners.DefaultPartitioner()
  const known = new Map<string, PartitionerArgs['partitionMetadata']>()
  return {
    choose(args: PartitionerArgs): number {
      known.set(args.topic, args.partitionMetadata)
      return decide(args)
    },
    /** Null until something was sent to the topic. */
    partitionOf(topic: string, { key, partition }: Pick<PartitionerArgs['message'], 'key' | 'partition'>) {
      const partitionMetadata = known.get(topic)
      const message = { key: key ?? null, value: null, ...(partition === undefined ? {} : { partition }) }
      return partitionMetadata ? decide({ topic, partitionMetadata, message }) : null
    },
  }
}
