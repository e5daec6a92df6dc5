import type { Admin } from 'kafkajs'
import pRetry from 'p-retry'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { settingsOf } from './settings.ts'

export type TopicsToCreate = { topic: string; dlqTopic: string; partitions: number; replicationFactor: number }
export type TopicSettings = {
  readonly maxMessageBytes: number
  readonly compacted: boolean
  /** Null: for ever. */
  readonly retentionMs: number | null
}
export type TopicReport = {
  readonly topic: string
  readonly outcome: 'created' | 'existed'
  readonly partitions: number
  readonly maxMessageBytes: number
  /** What an operator should mend, in words. */
  readonly warnings: readonly string[]
}
type Describe = (topic: string) => Promise<{ partitions: number } | null>

/** A dead letter is its source record plus our headers: it must fit wherever the record did. */
export const DEAD_LETTER_ROOM = 65_536

export const topicSettings = async (admin: Admin, topic: string): Promise<TopicSettings> => {
  const value = await settingsOf(admin, 'TOPIC', topic, ['cleanup.policy', 'max.message.bytes', 'retention.ms'])
  const retentionMs = Number(value('retention.ms') ?? -1)
  return {
    maxMessageBytes: Number(value('max.message.bytes') ?? 1_048_588),
    compacted: value('cleanup.policy')?.includes('compact') ?? false,
    retentionMs: retentionMs < 0 ? null : retentionMs,
  }
}

const DAY_MS = 86_400_000

/** What loses dead letters, or parts of them, in silence. */
export const deadLetterWarnings = (source: TopicSettings, dlq: TopicSettings): string[] => {
  const room = source.maxMessageBytes + DEAD_LETTER_ROOM
  const { maxMessageBytes, retentionMs, compacted } = dlq
  return [
    ...(maxMessageBytes < room
      ? [`its max.message.bytes is ${maxMessageBytes}, below ${room}: large dead letters are cut to an envelope`]
      : []),
    ...(compacted ? ['it is compacted: it keeps one dead letter per invoice, and refuses those without a key'] : []),
    ...(retentionMs === null
      ? []
      : [
          `its retention.ms is ${retentionMs} (${Math.round((10 * retentionMs) / DAY_MS) / 10} days), counted from the time of the original record: older dead letters are deleted at once; set it to -1`,
        ]),
  ]
}

const compacted = (topic: string): OperatorError =>
  new OperatorError(
    `topic "${topic}" is compacted: all line items of an invoice share a key, so compaction deletes line items`,
    `set cleanup.policy=delete: kafka-configs --alter --entity-type topics --entity-name ${topic} --add-config cleanup.policy=delete`,
    ExitCode.unavailable,
  )

/** Only for the topic of line items: a compacted one loses them in silence. */
export const refuseCompaction = (topic: string, settings: TopicSettings): void => {
  if (settings.compacted) throw compacted(topic)
}

const UNSETTLED = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'])

const isUnsettled = (error: unknown): boolean => {
  for (let at = error; at instanceof Error; at = at.cause)
    if (UNSETTLED.has((at as { type?: string }).type ?? '')) return true
  return false
}

/**
 * A broker hears of a new topic a moment after the controller made it, a busy one much later; and each question may go to
 * another broker. kafkajs's waitForLeaders waits for a leader, but takes a topic that is not known yet for one that does not exist.
 */
const soon = <T>(work: () => Promise<T>): Promise<T> =>
  pRetry(work, {
    ...{ retries: 30, minTimeout: 50, factor: 1.3, maxTimeout: 500 },
    shouldRetry: ({ error }) => error instanceof OperatorError || isUnsettled(error),
  })

const appeared = (topic: string, describe: Describe): Promise<unknown> =>
  soon(async () => {
    if ((await describe(topic)) === null)
      throw new OperatorError(`topic "${topic}" is created, but the brokers do not know it yet`, 'run it again')
  })

const settingsSoon = (admin: Admin, topic: string): Promise<TopicSettings> => soon(() => topicSettings(admin, topic))

const ensure = async (admin: Admin, describe: Describe, wanted: Wanted): Promise<TopicReport> => {
  const { topic, partitions, replicationFactor, configEntries } = wanted
  const there = await describe(topic)
  // False when another process was faster; then it existed.
  const created =
    there === null &&
    (await admin.createTopics({
      waitForLeaders: false,
      timeout: 10_000,
      topics: [{ topic, numPartitions: partitions, replicationFactor, configEntries }],
    }))
  if (created) await appeared(topic, describe)
  const { maxMessageBytes } = await settingsSoon(admin, topic)
  const found = created ? partitions : ((await describe(topic))?.partitions ?? partitions)
  const differs = found === partitions ? [] : [`it has ${found} partitions, not ${partitions}`]
  return { topic, outcome: created ? 'created' : 'existed', partitions: found, maxMessageBytes, warnings: differs }
}

type Wanted = {
  topic: string
  partitions: number
  replicationFactor: number
  configEntries: { name: string; value: string }[]
}

/** Idempotent: what exists is left as it is, and reported. Refuses a source topic with compaction. */
export const createTopics = async (
  admin: Admin,
  describe: Describe,
  topics: TopicsToCreate,
): Promise<TopicReport[]> => {
  const { topic, dlqTopic, partitions, replicationFactor } = topics
  const keep = { name: 'cleanup.policy', value: 'delete' }
  const source = await ensure(admin, describe, { topic, partitions, replicationFactor, configEntries: [keep] })
  const settings = await settingsSoon(admin, topic)
  refuseCompaction(topic, settings)
  const size = { name: 'max.message.bytes', value: String(settings.maxMessageBytes + DEAD_LETTER_ROOM) }
  // A dead letter has the time of its record: a week after that, by default, retention would delete it unread.
  const forEver = { name: 'retention.ms', value: '-1' }
  const dlq = await ensure(admin, describe, {
    topic: dlqTopic,
    partitions,
    replicationFactor,
    configEntries: [keep, size, forEver],
  })
  const warnings = deadLetterWarnings(settings, await settingsSoon(admin, dlqTopic))
  return [source, { ...dlq, warnings: [...dlq.warnings, ...warnings] }]
}
