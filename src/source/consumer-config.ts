import type { ConsumerConfig } from 'kafkajs'

/** Also kafkajs's heartbeat cadence when idle, and the delay of stop(). */
const MAX_WAIT_MS = 500

type Options = {
  groupId: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  heartbeatIntervalMs: number
}

export const consumerConfig = (options: Options): ConsumerConfig => ({
  groupId: options.groupId,
  sessionTimeout: options.sessionTimeoutMs,
  rebalanceTimeout: options.rebalanceTimeoutMs,
  heartbeatInterval: options.heartbeatIntervalMs,
  maxWaitTimeInMs: MAX_WAIT_MS,
  minBytes: 1,
  maxBytesPerPartition: 1024 * 1024,
  maxBytes: 10 * 1024 * 1024,
  metadataMaxAge: 60_000,
  allowAutoTopicCreation: false,
  retry: { initialRetryTime: 300, maxRetryTime: 5_000, retries: 10 },
})
