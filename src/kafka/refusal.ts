import { protocolTypes } from './protocol-types.ts'

/**
 * The brokers refuse a record itself: sending the same again cannot help, and says nothing about others. record: for
 * another reason, such as a topic that is compacted and a record without a key.
 */
export type Refusal = 'too-large' | 'timestamp' | 'record'

const REFUSALS: Readonly<Record<string, Refusal>> = {
  MESSAGE_TOO_LARGE: 'too-large',
  RECORD_LIST_TOO_LARGE: 'too-large',
  INVALID_TIMESTAMP: 'timestamp',
  INVALID_RECORD: 'record',
}

export const REFUSAL_CODES = Object.keys(REFUSALS)

/** Null: the fault may pass, or is not the record's. */
export const refusalOf = (error: unknown): Refusal | null => {
  const type = protocolTypes(error).find((each) => REFUSALS[each])
  if (type !== undefined) return REFUSALS[type] ?? null
  // kafkajs could not encode it.
  return error instanceof TypeError || error instanceof RangeError ? 'record' : null
}

/** The broker (or the topic's max.message.bytes) refuses the size. */
export const isTooLarge = (error: unknown): boolean => refusalOf(error) === 'too-large'

/** The brokers' own word for what is wrong. */
export const codeOf = (error: unknown): string => protocolTypes(error)[0] ?? 'RELAY'
