// Who leads what in a cluster of one's own, and how to have it otherwise.
import type { OwnKafka } from './own-kafka.ts'
import { until } from './until.ts'

const OFFSETS_TOPIC = '__consumer_offsets'

/** Leader and replicas by partition. */
export const partitionsOf = async (kafka: OwnKafka, topic: string) => {
  const { topics } = await kafka.asAdmin((admin) => admin.fetchTopicMetadata({ topics: [topic] }))
  const found = topics[0]?.partitions ?? []
  return new Map(found.map(({ partitionId, leader, replicas, isr }) => [partitionId, { leader, replicas, isr }]))
}

/** As Java's String.hashCode, by which Kafka chooses the partition of a group. */
const hashOf = (text: string): number => {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash & 0x7fffffff
}

/** The coordinator of a group is the leader of its partition of the offsets topic. */
export const coordinatorOf = async (kafka: OwnKafka, groupId: string) => {
  const partitions = await partitionsOf(kafka, OFFSETS_TOPIC)
  const partition = hashOf(groupId) % partitions.size
  return { partition, leader: partitions.get(partition)!.leader }
}

/** Replicas per partition; the first is the preferred leader. */
export const reassign = (kafka: OwnKafka, topic: string, replicas: ReadonlyMap<number, readonly number[]>) =>
  kafka.asAdmin((admin) =>
    admin.alterPartitionReassignments({
      timeout: 30_000,
      topics: [
        {
          topic,
          partitionAssignment: [...replicas].map(([partition, ids]) => ({ partition, replicas: [...ids] })),
        },
      ],
    }),
  )

/** Makes `to(partition)` the leader: first in the order of its replicas, then by a preferred election. */
export const moveLeaders = async (kafka: OwnKafka, topic: string, to: ReadonlyMap<number, number>): Promise<void> => {
  const now = await partitionsOf(kafka, topic)
  const wanted = new Map(
    [...to].map(([partition, leader]) => {
      const { replicas } = now.get(partition)!
      return [partition, [leader, ...replicas.filter((id) => id !== leader)]]
    }),
  )
  await reassign(kafka, topic, wanted)
  await kafka.tool(
    'org.apache.kafka.tools.LeaderElectionCommand',
    ...['--election-type', 'preferred', '--all-topic-partitions'],
  )
  const moved = async () => {
    const at = await partitionsOf(kafka, topic)
    return [...to].every(([partition, leader]) => at.get(partition)?.leader === leader)
  }
  await until(`the leaders of ${topic} have moved`, moved, { timeoutMs: 30_000 })
}

/** Every partition to the next broker. */
export const moveAllLeaders = async (kafka: OwnKafka, topic: string): Promise<void> => {
  const now = await partitionsOf(kafka, topic)
  const next = [...now].map(([partition, { leader }]) => [partition, (leader % kafka.brokers.length) + 1] as const)
  await moveLeaders(kafka, topic, new Map(next))
}

export const moveCoordinator = async (kafka: OwnKafka, groupId: string): Promise<number> => {
  const { partition, leader } = await coordinatorOf(kafka, groupId)
  const next = (leader % kafka.brokers.length) + 1
  await moveLeaders(kafka, OFFSETS_TOPIC, new Map([[partition, next]]))
  return next
}
