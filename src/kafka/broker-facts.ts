// What `sluice doctor` wants to know of the brokers.
import type { Admin } from 'kafkajs'
import type { Cluster } from './cluster.ts'
import { settingsOf } from './settings.ts'
import { METADATA_KEY, METADATA_WITH_IDS } from './topic-id.ts'

export type BrokerFacts = {
  readonly brokers: number
  readonly clusterId: string
  /** As far as what it speaks tells: brokers do not say their version. */
  readonly atLeast: '4.0' | '2.8' | null
  /** Milliseconds; null: we may not ask (DESCRIBE_CONFIGS on the cluster). */
  readonly sessionTimeout: { readonly min: number; readonly max: number } | null
}
export type Replication = {
  /** Replicas of the partition that has the fewest. */
  readonly factor: number
  readonly underReplicated: readonly number[]
  readonly leaderless: readonly number[]
  /** Of the topic's settings. */
  readonly minInSync: number
}

const FETCH_KEY = 1
/** Kafka 4.0 dropped what is older (KIP-896). */
const FETCH_SINCE_4 = 4

export async function brokerFacts(admin: Admin, cluster: Cluster): Promise<BrokerFacts> {
  const { brokers, clusterId } = await admin.describeCluster()
  const { versions } = await cluster.brokerPool.findConnectedBroker()
  const ids = (versions[METADATA_KEY]?.maxVersion ?? 0) >= METADATA_WITH_IDS
  const four = (versions[FETCH_KEY]?.minVersion ?? 0) >= FETCH_SINCE_4
  const [first] = brokers
  const value = await settingsOf(admin, 'BROKER', String(first?.nodeId ?? 0), Object.values(LIMITS)).catch(() => null)
  const limits = { min: Number(value?.(LIMITS.min) ?? NaN), max: Number(value?.(LIMITS.max) ?? NaN) }
  return {
    ...{ brokers: brokers.length, clusterId },
    atLeast: four ? '4.0' : ids ? '2.8' : null,
    sessionTimeout: Number.isNaN(limits.min) || Number.isNaN(limits.max) ? null : limits,
  }
}

const MIN_IN_SYNC = 'min.insync.replicas'
const LIMITS = { min: 'group.min.session.timeout.ms', max: 'group.max.session.timeout.ms' } as const

export async function replicationOf(admin: Admin, topic: string): Promise<Replication> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  const partitions = topics[0]?.partitions ?? []
  const minInSync = (await settingsOf(admin, 'TOPIC', topic, [MIN_IN_SYNC]))(MIN_IN_SYNC)
  const which = (fits: (of: (typeof partitions)[number]) => boolean) =>
    partitions.filter(fits).map(({ partitionId }) => partitionId)
  return {
    factor: Math.min(...partitions.map(({ replicas }) => replicas.length)),
    underReplicated: which(({ replicas, isr }) => isr.length < replicas.length),
    leaderless: which(({ leader }) => leader < 0),
    minInSync: Number(minInSync ?? 1),
  }
}
