import type { KafkaMessage } from 'kafkajs'
import type { KafkaConfig } from '../config.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import type { Log } from '../telemetry/log.ts'
import { createBoundedKafka } from './client.ts'
import { adminWithCluster, commitAsOutsider, fetchTopicId } from './cluster.ts'
import { type BrokerFacts, brokerFacts, type Replication, replicationOf } from './broker-facts.ts'
import { explained, retried } from './explain.ts'
import type { Subject } from './explain-security.ts'
import { describeGroup, type Group } from './group.ts'
import { firstRecord, type Place } from './first-record.ts'
import { protocolTypes } from './protocol-types.ts'
import { checkRights, type Needs } from './rights.ts'
import {
  createTopics,
  refuseCompaction,
  topicSettings,
  type TopicReport,
  type TopicsToCreate,
  type TopicSettings,
} from './topics.ts'

export type TopicDescription = { readonly partitions: number; readonly topicId: string | null }
/** First offset still there, and the next one to be written. */
export type EndOffsets = { readonly low: bigint; readonly high: bigint }

export type KafkaAdmin = {
  /** Fails within ten seconds when no broker answers. */
  connect(): Promise<void>
  disconnect(): Promise<void>
  createTopics(topics: TopicsToCreate): Promise<TopicReport[]>
  deleteTopics(topics: string[]): Promise<void>
  /** What we lack of these rights, in one OperatorError. */
  checkRights(needs: Needs): Promise<void>
  /** All missing topics, or a compacted source topic, in one OperatorError. */
  checkTopics(topics: { topic: string; dlqTopic: string }): Promise<TopicDescription[]>
  /** Null when there is no such topic. */
  describeTopic(topic: string): Promise<TopicDescription | null>
  settings(topic: string): Promise<TopicSettings>
  endOffsets(topic: string): Promise<Map<number, EndOffsets>>
  /** Of the first record with this timestamp or a later one, per partition; where there is none, the end. */
  offsetsAt(topic: string, time: Date): Promise<Map<number, bigint>>
  /** Per partition of the topic; null = the group never committed there. */
  committedOffsets(groupId: string, topic: string): Promise<Map<number, bigint | null>>
  /** Only while the group has no members. */
  commitOffsets(groupId: string, topic: string, positions: ReadonlyMap<number, bigint>): Promise<void>
  topicId(topic: string): Promise<string | null>
  /** The first record from `offset` on; null: below `end` there is none. */
  recordAt(place: Place): Promise<KafkaMessage | null>
  /** Its timestamp. */
  timestampAt(place: Place): Promise<number | null>
  /** Members of the group now; one that was killed counts until its session time-out. */
  groupMembers(groupId: string): Promise<number>
  group(groupId: string, topic: string): Promise<Group>
  brokerFacts(): Promise<BrokerFacts>
  replication(topic: string): Promise<Replication>
}

const isUnknownTopic = (error: unknown): boolean => protocolTypes(error).includes('UNKNOWN_TOPIC_OR_PARTITION')

const isStale = (error: unknown): boolean =>
  protocolTypes(error).some((type) =>
    /^(NOT_LEADER_FOR_PARTITION|LEADER_NOT_AVAILABLE|REPLICA_NOT_AVAILABLE)$/.test(type),
  )

const missing = (topics: readonly string[]): OperatorError => {
  const names = topics.map((topic) => `"${topic}"`).join(' and ')
  const verb = topics.length === 1 ? 'topic ' + names + ' does' : 'topics ' + names + ' do'
  return new OperatorError(`${verb} not exist`, 'create what is missing: sluice topics create', ExitCode.unavailable)
}

export const createAdmin = (config: KafkaConfig, log: Log, connectDeadlineMs?: number): KafkaAdmin => {
  const { kafka, connect } = createBoundedKafka(config, log, connectDeadlineMs)
  const { admin, cluster } = adminWithCluster(kafka)
  const call = <T>(work: () => Promise<T>, subject: Subject = {}): Promise<T> => explained(config, work, subject)

  /** kafkajs asks whoever led the partitions when it last looked, and gives up when that one does not (any more, or not yet). */
  const askLeaders = <T>(ask: () => Promise<T>, topic: string): Promise<T> => {
    const askOrLook = () =>
      ask().catch(async (error: unknown) => {
        if (isStale(error)) await cluster.refreshMetadata()
        throw error
      })
    return call(() => retried(askOrLook), { topic })
  }

  const recordAt = (place: Place) => askLeaders(() => firstRecord(cluster, place), place.topic)

  const describeTopic = (topic: string) =>
    call(
      async () => {
        try {
          const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
          const partitions = topics[0]?.partitions.length ?? 0
          return partitions === 0 ? null : { partitions, topicId: await fetchTopicId(cluster, topic) }
        } catch (error) {
          if (isUnknownTopic(error)) return null
          throw error
        }
      },
      { topic },
    )

  return {
    connect: () => call(() => connect(admin)),
    disconnect: () => admin.disconnect(),
    createTopics: (topics) => call(() => createTopics(admin, describeTopic, topics)),
    deleteTopics: (topics) => call(() => admin.deleteTopics({ topics })),
    describeTopic,
    checkRights: (needs) => call(() => checkRights(config, cluster, needs)),
    settings: (topic) => call(() => topicSettings(admin, topic), { topic }),
    recordAt,
    timestampAt: async (place) => {
      const found = await recordAt(place)
      return found && Number(found.timestamp)
    },
    topicId: (topic) => call(() => fetchTopicId(cluster, topic), { topic }),
    groupMembers: (groupId) =>
      call(async () => (await admin.describeGroups([groupId])).groups[0]?.members.length ?? 0, { group: groupId }),
    group: (groupId, topic) => call(() => retried(() => describeGroup(admin, groupId, topic)), { group: groupId }),
    brokerFacts: () => call(() => brokerFacts(admin, cluster)),
    replication: (topic) => call(() => replicationOf(admin, topic), { topic }),
    async checkTopics({ topic, dlqTopic }) {
      const found = await Promise.all([topic, dlqTopic].map(describeTopic))
      const absent = [topic, dlqTopic].filter((_, i) => found[i] === null)
      if (absent.length > 0) throw missing(absent)
      refuseCompaction(topic, await call(() => topicSettings(admin, topic), { topic }))
      return found.filter((each) => each !== null)
    },
    async endOffsets(topic) {
      const offsets = await askLeaders(() => admin.fetchTopicOffsets(topic), topic).catch((error: unknown) => {
        throw isUnknownTopic(error) ? missing([topic]) : error
      })
      return new Map(offsets.map(({ partition, low, high }) => [partition, { low: BigInt(low), high: BigInt(high) }]))
    },
    async offsetsAt(topic, time) {
      const offsets = await askLeaders(() => admin.fetchTopicOffsetsByTimestamp(topic, time.getTime()), topic)
      return new Map(offsets.map(({ partition, offset }) => [partition, BigInt(offset)]))
    },
    commitOffsets: (groupId, topic, positions) =>
      call(() => retried(() => commitAsOutsider(cluster, { groupId, topic, positions })), { topic, group: groupId }),
    async committedOffsets(groupId, topic) {
      const [answer] = await call(() => retried(() => admin.fetchOffsets({ groupId, topics: [topic] })), {
        topic,
        group: groupId,
      })
      return new Map((answer?.partitions ?? []).map(({ partition, offset }) => [partition, committed(offset)]))
    },
  }
}

/** Kafka says -1 for "never committed". */
const committed = (offset: string): bigint | null => (BigInt(offset) < 0n ? null : BigInt(offset))
