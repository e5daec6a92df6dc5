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

/** What kafkajs takes for an eviction: it answers by joining as a new member. */
export function evictedError(): Error {
  return Object.assign(new Error('this member was evicted from its group and has not joined again'), {
    type: 'UNKNOWN_MEMBER_ID',
  })
}
