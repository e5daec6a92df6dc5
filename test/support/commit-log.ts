// Every commit that Kafka has taken of a group, as it stands in the log of its offsets topic. What an OffsetFetch answers is
// not that: a coordinator that was just loaded answers from below its high watermark, which lags behind the log for a moment
// when all brokers were killed, and so shows older commits than it has confirmed (seen with 4.3.1, brokers-down).
import type { KafkaConfig } from '../../src/config.ts'
import { readTopic } from '../../src/kafka/read-topic.ts'
import { createLog } from '../../src/telemetry/log.ts'

export type Commit = {
  readonly partition: number
  /** Null: Kafka has removed it (group or topic deleted, expired). */
  readonly position: bigint | null
  /** Milliseconds since the epoch, of the broker. */
  readonly at: number
}

/** In the order in which Kafka took them; those of one partition of the topic are in one partition of the offsets topic. */
export const commitsOf = async (kafka: KafkaConfig, groupId: string, topic: string): Promise<Commit[]> => {
  const records = await readTopic(kafka, '__consumer_offsets', createLog('silent'))
  return records.flatMap(({ key, value, timestamp }) => {
    const about = key && keyOf(key)
    if (about?.groupId !== groupId || about.topic !== topic) return []
    return [{ partition: about.partition, position: value && value.readBigInt64BE(2), at: timestamp }]
  })
}

/** OffsetCommitKey, versions 0 and 1: group, topic, partition. Version 2 is about members of the group. */
const keyOf = (key: Buffer) => {
  const version = key.readInt16BE(0)
  if (version > 1) return null
  const groupLength = key.readInt16BE(2)
  const topicAt = 4 + groupLength
  const topicLength = key.readInt16BE(topicAt)
  return {
    groupId: key.toString('utf8', 4, topicAt),
    topic: key.toString('utf8', topicAt + 2, topicAt + 2 + topicLength),
    partition: key.readInt32BE(topicAt + 2 + topicLength),
  }
}

/**
 * Commits below the one before, of the same partition. After each of `rewinds` (a fail-over, or an operator, moved the
 * positions back at that time) a partition may go back once.
 */
export const commitsThatWentBack = (commits: readonly Commit[], rewinds: readonly number[]): Commit[] => {
  const last = new Map<number, bigint>()
  const used = new Map<number, number>()
  return commits.filter(({ partition, position, at }) => {
    const before = last.get(partition)
    if (position === null) last.delete(partition)
    else last.set(partition, position)
    if (position === null || before === undefined || position >= before) return false
    const taken = used.get(partition) ?? 0
    const excused = rewinds.filter((rewind) => rewind <= at).length > taken
    if (excused) used.set(partition, taken + 1)
    return !excused
  })
}
