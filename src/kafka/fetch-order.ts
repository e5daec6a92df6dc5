import { internal } from './kafkajs-internals.ts'

// kafkajs asks each broker for its partitions in the same order every time. A broker fills its answer in that order, up to
// maxBytes, and we decode it up to a limit of memory (decode-batches.ts): partitions at the end would never get a word in while
// those before them have something to read. As in Java's consumer, each is the first in its turn.

type TopicPartitions = { topic: string; partitions: number[] }
type ConsumerGroup = {
  filterPartitionsByNode: (this: ConsumerGroup, nodeId: string, all: TopicPartitions[]) => TopicPartitions[]
}

/** Fetches by now, by broker. */
const turns = new WeakMap<ConsumerGroup, Map<string, number>>()

const rotated = (partitions: number[], turn: number): number[] => {
  const first = partitions.length === 0 ? 0 : turn % partitions.length
  return [...partitions.slice(first), ...partitions.slice(0, first)]
}

/** Only its fetch calls the method. */
export const patchFetchOrder = (): void => {
  const { prototype } = internal('src/consumer/consumerGroup.js') as { prototype: ConsumerGroup }
  const { filterPartitionsByNode } = prototype
  prototype.filterPartitionsByNode = function (nodeId, all) {
    const mine = turns.get(this) ?? new Map<string, number>()
    turns.set(this, mine)
    const turn = mine.get(nodeId) ?? 0
    mine.set(nodeId, turn + 1)
    return filterPartitionsByNode
      .call(this, nodeId, all)
      .map(({ topic, partitions }) => ({ topic, partitions: rotated(partitions, turn) }))
  }
}
