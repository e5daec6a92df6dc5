import { expect, test } from 'vitest'
import type { KafkaConfig } from '../../../src/config.ts'
import { createThreadedProducer } from '../../../src/kafka/threaded-producer.ts'

const nowhere: KafkaConfig = {
  brokers: ['127.0.0.1:1'],
  clientId: 'unit',
  securityProtocol: 'PLAINTEXT',
  sasl: null,
  ssl: null,
}

test('a thread that is gone fails what is asked of it; nobody waits for its answer', async () => {
  const producer = createThreadedProducer(nowhere)
  await producer.disconnect() // ends the thread
  await expect(producer.send('topic', [{ key: null, value: Buffer.from('x') }])).rejects.toThrow('thread ended')
  await producer.disconnect()
})
