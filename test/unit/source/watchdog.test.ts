import { setImmediate } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import { expect, test } from 'vitest'
import { ExitCode } from '../../../src/lib/operator-error.ts'
import type { Intake } from '../../../src/pipeline/source.ts'
import { createKafkaSource } from '../../../src/source/kafka-source.ts'

/** Takes every call and never joins. */
const silentKafka = () => {
  const consumer = {
    events: {},
    on: () => {},
    connect: async () => {},
    subscribe: async () => {},
    run: async () => {},
    disconnect: async () => {},
  }
  return { consumer: () => consumer } as unknown as Kafka
}

test('a client that never hears of its group ends, with words that help and no stack', async () => {
  const source = createKafkaSource(
    {
      ...{ topic: 't', groupId: 'g', concurrency: 1 },
      ...{ sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 60_000, heartbeatIntervalMs: 600 },
    },
    {
      kafka: silentKafka(),
      startPositions: async () => new Map(),
      isFatal: () => true,
      clock: { now: () => 0, wall: () => 0, sleep: async () => void (await setImmediate()) },
      emit: () => {},
    },
  )
  await expect(source.run({} as Intake)).rejects.toMatchObject({
    name: 'OperatorError',
    message: expect.stringContaining('no sign of the consumer group for 66 s') as string,
    exitCode: ExitCode.unavailable,
  })
})
