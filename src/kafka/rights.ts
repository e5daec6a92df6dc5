// May we do what we are about to do? Asked at the start: later, a missing right would show as records that do not come, or as
// dead letters that are not published.
import type { KafkaConfig } from '../config.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { askForCoordinator, type Cluster, fetchTopic } from './cluster.ts'
import { GRANT, whoWeAre } from './explain-security.ts'
import { protocolTypes } from './protocol-types.ts'

/** Of Kafka's ACL operations, with their codes in the protocol. READ and WRITE imply DESCRIBE. */
const OPERATIONS = { READ: 3, WRITE: 4, DESCRIBE: 8, DESCRIBE_CONFIGS: 10 } as const
export type Right = keyof typeof OPERATIONS
export type Needs = { readonly topics: Readonly<Record<string, readonly Right[]>>; readonly groupId?: string }

/** What a member does. */
export const memberNeeds = ({ topic, dlqTopic, groupId }: Record<'topic' | 'dlqTopic' | 'groupId', string>): Needs => ({
  topics: { [topic]: ['READ', 'DESCRIBE_CONFIGS'], [dlqTopic]: ['WRITE'] },
  groupId,
})

const TOPIC_AUTHORIZATION_FAILED = 29

const missingOn = async (cluster: Cluster, topic: string, needed: readonly Right[]): Promise<readonly Right[]> => {
  const answer = await fetchTopic(cluster, topic)
  if (answer?.errorCode === TOPIC_AUTHORIZATION_FAILED) return ['DESCRIBE', ...needed]
  // A topic that is not there, or a broker that does not say: whoever needs the topic will tell.
  if (!answer || answer.errorCode !== 0 || answer.operations === null) return []
  const { operations } = answer
  return needed.filter((right) => ((operations >> OPERATIONS[right]) & 1) === 0)
}

const missingOnGroup = async (cluster: Cluster, groupId: string): Promise<boolean> => {
  try {
    await askForCoordinator(cluster, groupId)
    return false
  } catch (error) {
    // Any other fault is that of a broker that starts or is gone: the consumer waits for it.
    return protocolTypes(error).includes('GROUP_AUTHORIZATION_FAILED')
  }
}

export const checkRights = async (config: KafkaConfig, cluster: Cluster, { topics, groupId }: Needs): Promise<void> => {
  const missing: string[] = []
  for (const [topic, needed] of Object.entries(topics)) {
    const rights = await missingOn(cluster, topic, needed)
    if (rights.length > 0) missing.push(`${rights.join(' and ')} on topic "${topic}"`)
  }
  if (groupId !== undefined && (await missingOnGroup(cluster, groupId)))
    missing.push(`DESCRIBE and READ on group "${groupId}"`)
  if (missing.length === 0) return
  throw new OperatorError(
    `Kafka does not authorise ${whoWeAre(config)}: ${missing.join('; ')}`,
    GRANT,
    ExitCode.unavailable,
  )
}
