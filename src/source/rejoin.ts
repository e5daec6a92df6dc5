import { protocolTypes } from '../kafka/protocol-types.ts'

/** Broker answers that mean "join again": the only errors an eachBatch may throw (kafkajs counts all others as retries, for ever). */
const REJOIN_TYPES = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'NOT_COORDINATOR_FOR_GROUP',
  'UNKNOWN_MEMBER_ID',
])

/** The protocol error's type, of the error itself or of a cause; null when it has none. */
export const protocolType = (error: unknown): string | null => protocolTypes(error)[0] ?? null

export function isRejoin(error: unknown): boolean {
  return REJOIN_TYPES.has(protocolType(error) ?? '')
}

/** Why a consumer is given up: another one can only be better. */
export const evictedError = (): Error => passing('this member was evicted from its group and has not joined again')
export const silent = (ms: number): Error =>
  passing(`no sign of the consumer group for ${ms / 1000} s: the brokers do not answer, or the Kafka client is stuck`)

const passing = (message: string): Error => Object.assign(new Error(message), { retriable: true })
