import type { KafkaMessage } from 'kafkajs'
import { headerPairs } from '../kafka/patches.ts'
import type { SourceRecord } from '../pipeline/source-record.ts'

/**
 * kafkajs's message as ours. Key and value are views on the whole fetch response, which lives as long as one of them:
 * at most the fetch's maxBytes (of a compressed batch: what it decompresses to) for each response with a record in the buffer.
 */
export function sourceRecord(partition: number, message: KafkaMessage): SourceRecord {
  return {
    partition,
    offset: BigInt(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: headerPairs(message),
  }
}
