// Why a kafkajs consumer ended decides what follows. An outage is waited for, however long: a member that exits because a
// coordinator is loading ends for somebody else's fault. What a person must mend ends the member, at once and with its name.
// What nobody understands is tried a few times more, and then ends it too: a loop of crashes looks alive.
import { OperatorError } from '../lib/operator-error.ts'
import { protocolTypes } from '../kafka/protocol-types.ts'

/** person: somebody must mend it · outage: it passes · unknown: perhaps. */
export type Verdict = 'person' | 'outage' | 'unknown'

const PERSON_NAMES = new Set([
  'KafkaJSNotImplemented',
  'KafkaJSServerDoesNotSupportApiKey',
  'KafkaJSUnsupportedMagicByteInMessageSet',
])
const PERSON_TYPES = new Set([
  'CLUSTER_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'GROUP_MAX_SIZE_REACHED',
  'INCONSISTENT_GROUP_PROTOCOL',
  'INVALID_GROUP_ID',
  'INVALID_SESSION_TIMEOUT',
  'INVALID_TOPIC_EXCEPTION',
  'SASL_AUTHENTICATION_FAILED',
  'SECURITY_DISABLED',
  'TOPIC_AUTHORIZATION_FAILED',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'UNSUPPORTED_SASL_MECHANISM',
  'UNSUPPORTED_VERSION',
])
/** kafkajs calls them not retriable, and would not restart; yet each is what a broker that restarts makes of us. */
const OUTAGE_NAMES = new Set(['KafkaJSGroupCoordinatorNotFound', 'KafkaJSLockTimeout', 'KafkaJSTimeout'])

const chain = (error: unknown): Error[] => {
  const found: Error[] = []
  for (let at = error; at instanceof Error && found.length < 10; at = at.cause) found.push(at)
  return found
}

export const operatorErrorIn = (error: unknown): OperatorError | null =>
  chain(error).find((fault) => fault instanceof OperatorError) ?? null

export function verdictOf(error: unknown): Verdict {
  const faults = chain(error)
  const said = operatorErrorIn(error)
  // Of those some pass by themselves (the server of tokens is away), and say so.
  if (said) return 'retriable' in said && said.retriable === true ? 'outage' : 'person'
  if (faults.some(({ name }) => PERSON_NAMES.has(name))) return 'person'
  const types = protocolTypes(error)
  if (types.some((type) => PERSON_TYPES.has(type))) return 'person'
  // kafkajs gives some errors its own name and keeps that of the cause in the text only: the type tells.
  const passes = ({ name, retriable }: Error & { retriable?: unknown }) => OUTAGE_NAMES.has(name) || retriable === true
  return faults.some(passes) || types.length > 0 ? 'outage' : 'unknown'
}
