import type { Admin, Kafka, KafkaMessage } from 'kafkajs'
import { internal } from './kafkajs-internals.ts'
import { METADATA_KEY, METADATA_WITH_IDS, type TopicAnswer, topicRequest } from './topic-id.ts'

// An admin client over a cluster object that we hold too, so that a request kafkajs does not know (Metadata v12) goes over
// the same authenticated connection.

type Broker = {
  versions: Record<number, { minVersion: number; maxVersion: number } | undefined>
  connectionPool: { send(request: ReturnType<typeof topicRequest>): Promise<TopicAnswer> }
  findGroupCoordinator(group: { groupId: string }): Promise<unknown>
  fetch(request: FetchRequest): Promise<FetchAnswer>
}
type FetchRequest = {
  readonly replicaId: -1
  /** 0: also what a transaction has not committed yet. */
  readonly isolationLevel: 0
  readonly maxWaitTime: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly topics: readonly {
    topic: string
    partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[]
  }[]
}
export type FetchedRecord = KafkaMessage & { readonly isControlRecord?: boolean }
type FetchAnswer = { responses: { partitions: { messages: FetchedRecord[] }[] }[] }
type Commit = { groupId: string; memberId: string; groupGenerationId: number; topics: object[] }
type Coordinator = { offsetCommit(commit: Commit): Promise<unknown> }
export type Cluster = {
  brokerPool: { findConnectedBroker(): Promise<Broker> }
  findGroupCoordinator(group: { groupId: string }): Promise<Coordinator>
  refreshMetadata(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  refreshMetadataIfNecessary(): Promise<void>
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>
  findBroker(node: { nodeId: string }): Promise<Broker>
}
type Internals = Record<symbol, unknown>

const hidden = (kafka: Kafka, description: string): unknown => {
  const symbol = Object.getOwnPropertySymbols(kafka).find((each) => each.description === description)
  if (!symbol) throw new Error(`kafkajs has no ${description}`)
  return (kafka as unknown as Internals)[symbol]
}

export const adminWithCluster = (kafka: Kafka): { admin: Admin; cluster: Cluster } => {
  const createCluster = hidden(kafka, 'private:Kafka:createCluster') as (options: object) => Cluster
  const createAdmin = internal('src/admin/index.js') as (options: object) => Admin
  const cluster = createCluster({ allowAutoTopicCreation: false })
  const retry = hidden(kafka, 'private:Kafka:clusterRetry')
  return { cluster, admin: createAdmin({ logger: kafka.logger(), cluster, retry }) }
}

/** Null from a broker that is too old for topic ids (before 2.8). */
export const fetchTopic = async (cluster: Cluster, topic: string): Promise<TopicAnswer | null> => {
  const broker = await cluster.brokerPool.findConnectedBroker()
  if ((broker.versions[METADATA_KEY]?.maxVersion ?? 0) < METADATA_WITH_IDS) return null
  return broker.connectionPool.send(topicRequest(topic))
}

/** Null when the topic is not there, or the broker is too old. */
export const fetchTopicId = async (cluster: Cluster, topic: string): Promise<string | null> =>
  (await fetchTopic(cluster, topic))?.topicId ?? null

/** kafkajs's own way to the coordinator hides why there is none. */
export const askForCoordinator = async (cluster: Cluster, groupId: string): Promise<void> => {
  const broker = await cluster.brokerPool.findConnectedBroker()
  await broker.findGroupCoordinator({ groupId })
}

/** As an administrator, who is no member: brokers take it only while the group has none. */
export const commitAsOutsider = async (
  cluster: Cluster,
  { groupId, topic, positions }: { groupId: string; topic: string; positions: ReadonlyMap<number, bigint> },
): Promise<void> => {
  const partitions = [...positions].map(([partition, position]) => ({ partition, offset: position.toString() }))
  const coordinator = await cluster.findGroupCoordinator({ groupId })
  await coordinator.offsetCommit({ groupId, memberId: '', groupGenerationId: -1, topics: [{ topic, partitions }] })
}
