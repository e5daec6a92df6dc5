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

/** Why a consumer is given up by us: another one can only be better. */
export class GivenUp extends Error {
  readonly reason: 'silent' | 'evicted'
  readonly retriable = true
  constructor(reason: GivenUp['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}
export const evictedError = () =>
  new GivenUp('evicted', 'this member was evicted from its group and has not joined again')
export const silent = (ms: number) =>
  new GivenUp(
    'silent',
    `no sign of the consumer group for ${ms / 1000} s: the brokers do not answer, or the Kafka client is stuck`,
  )
