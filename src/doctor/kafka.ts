import type { Config } from '../config.ts'
import type { KafkaAdmin } from '../kafka/admin.ts'
import { memberNeeds } from '../kafka/rights.ts'
import { deadLetterWarnings } from '../kafka/topics.ts'
import { type Checks, fail, type Finding, ok, once, warn } from './check.ts'

// Kafka as members need it: reachable, new enough, with both topics, their settings, and our rights.

const DAY_MS = 86_400_000
const count = (value: number, noun: string) => `${value} ${noun}${value === 1 ? '' : 's'}`

/** Each stage rests on the last check of the one before it. */
export function kafkaStages(config: Config, admin: KafkaAdmin, wall: () => number): Checks[] {
  const { topic, dlqTopic, sessionTimeoutMs } = config
  const facts = once(() => admin.brokerFacts())
  const ofCluster: Checks = {
    version: async () => {
      const { brokers, atLeast } = await facts()
      if (atLeast === null)
        return fail('the brokers are older than Kafka 2.8 and know no topic ids', 'update them: a topic that is deleted and made again could not be noticed') // prettier-ignore
      return ok(`Kafka ${atLeast} or newer, ${count(brokers, 'broker')}`)
    },
    rights: async () => {
      await admin.checkRights(memberNeeds(config))
      return ok('READ and DESCRIBE_CONFIGS on the topic, WRITE on the DLQ topic, READ on the group')
    },
    'session time-out': async () => {
      const { sessionTimeout } = await facts()
      if (sessionTimeout === null)
        return warn('the brokers do not say which session time-outs they allow', 'grant DESCRIBE_CONFIGS on the cluster, to whoever runs doctor') // prettier-ignore
      const { min, max } = sessionTimeout
      if (sessionTimeoutMs < min || sessionTimeoutMs > max)
        return fail(`the brokers allow ${min} to ${max} ms, KAFKA_SESSION_TIMEOUT_MS is ${sessionTimeoutMs}`, `set KAFKA_SESSION_TIMEOUT_MS within them`) // prettier-ignore
      return ok(`${sessionTimeoutMs} ms; the brokers allow ${min} to ${max}`)
    },
    topics: async () => {
      const [source, dlq] = await admin.checkTopics({ topic, dlqTopic })
      return ok(`${topic} (${count(source?.partitions ?? 0, 'partition')}), ${dlqTopic} (${count(dlq?.partitions ?? 0, 'partition')}); ${topic} is not compacted`) // prettier-ignore
    },
  }
  const ofTopics: Checks = {
    retention: async () => retentionFinding(topic, (await admin.settings(topic)).retentionMs),
    'DLQ settings': async () => {
      const [source, dlq] = await Promise.all([admin.settings(topic), admin.settings(dlqTopic)])
      const warnings = deadLetterWarnings(source, dlq)
      const alter = `kafka-configs --alter --entity-type topics --entity-name ${dlqTopic} --add-config cleanup.policy=delete,retention.ms=-1,max.message.bytes=…`
      return warnings.length > 0
        ? warn(`${dlqTopic}: ${warnings.join('; ')}`, alter)
        : ok('dead letters fit, and are kept for ever')
    },
    replication: async () => replicationFinding(topic, await admin.replication(topic)),
    'clock of the records': () => newestRecord(topic, admin, wall),
  }
  return [ofCluster, ofTopics]
}

function retentionFinding(topic: string, retentionMs: number | null): Finding {
  if (retentionMs === null) return ok('records are kept for ever')
  const days = Math.round((retentionMs / DAY_MS) * 10) / 10
  if (retentionMs >= 3 * DAY_MS) return ok(`records are kept for ${count(days, 'day')}: as long may members be away`)
  return warn(
    `records are kept for ${count(days, 'day')} only: what is not read by then is lost, and members stop`,
    `kafka-configs --alter --entity-type topics --entity-name ${topic} --add-config retention.ms=604800000`,
  )
}

function replicationFinding(
  topic: string,
  { factor, underReplicated, leaderless, minInSync }: Awaited<ReturnType<KafkaAdmin['replication']>>,
): Finding {
  // prettier-ignore
  const described = `${count(factor, 'replica')}, min.insync.replicas ${minInSync}`
  if (leaderless.length > 0) return fail(`partitions without a leader: ${leaderless.join(', ')}`, 'start the brokers that hold them') // prettier-ignore
  if (underReplicated.length > 0)
    return warn(`${described}; partitions with replicas that are not in sync: ${underReplicated.join(', ')}`, `look at the brokers: kafka-topics --describe --under-replicated-partitions --topic ${topic}`) // prettier-ignore
  if (factor < 2) return warn(`${described}: a broker that loses its disk loses records`, 'kafka-reassign-partitions, to 3 replicas with min.insync.replicas=2') // prettier-ignore
  return ok(described)
}

/** A broker's clock cannot be asked; what a record says may be the producer's, or the broker's (LogAppendTime). */
const SKEW_MS = 5_000

async function newestRecord(topic: string, admin: KafkaAdmin, wall: () => number): Promise<Finding> {
  const times: number[] = []
  for (const [partition, { low, high }] of await admin.endOffsets(topic)) {
    if (high === low) continue
    const time = await admin.timestampAt({ topic, partition, offset: high - 1n, end: high }).catch(() => null)
    if (time !== null) times.push(time)
  }
  if (times.length === 0) return ok('there is no record yet that could say')
  const ahead = Math.max(...times) - wall()
  if (ahead > SKEW_MS)
    return warn(`the newest record is ${Math.round(ahead / 1_000)} s in the future: lag in seconds is too small by that`, 'set the clocks of producers and brokers, and of this machine (chrony, ntpd)') // prettier-ignore
  return ok('no record is in the future')
}
