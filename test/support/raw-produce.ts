// Bytes to a broker as they are: what no producer would make of its own accord.
import type { Config } from '../../src/config.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { adminWithCluster } from '../../src/kafka/cluster.ts'
import { EncoderOf } from '../../src/kafka/kafkajs-internals.ts'
import { createLog } from '../../src/telemetry/log.ts'

const PRODUCE = { apiKey: 0, apiVersion: 3, apiName: 'Produce' }

const requestBytes = (topic: string, partition: number, batch: Buffer): Buffer => {
  const name = Buffer.from(topic)
  const head = Buffer.alloc(10 + 4 + 2 + name.length + 4 + 4 + 4)
  let at = head.writeInt16BE(-1, 0) // no transaction
  at = head.writeInt16BE(-1, at) // acks of all
  at = head.writeInt32BE(30_000, at)
  at = head.writeInt32BE(1, at)
  at = head.writeInt16BE(name.length, at)
  at += name.copy(head, at)
  at = head.writeInt32BE(1, at)
  at = head.writeInt32BE(partition, at)
  at = head.writeInt32BE(batch.length, at)
  return Buffer.concat([head.subarray(0, at), batch])
}

type Connection = { send(request: object): Promise<number> }

/** Resolves to the error code of the broker; 0: it took the batch. */
export const rawProduce = async (config: Pick<Config, 'kafka' | 'topic'>, partition: number, batch: Buffer) => {
  const { topic } = config
  const { admin, cluster } = adminWithCluster(createKafka(config.kafka, createLog('silent')))
  await admin.connect()
  try {
    await cluster.addTargetTopic(topic)
    const [nodeId = ''] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))
    const { connectionPool } = (await cluster.findBroker({ nodeId })) as unknown as { connectionPool: Connection }
    const bytes = requestBytes(topic, partition, batch)
    return await connectionPool.send({
      request: { ...PRODUCE, encode: async () => new EncoderOf().writeBuffer(bytes) },
      response: {
        // [topic, [partition, error, …]]
        decode: async (raw: Buffer) => ({ code: raw.readInt16BE(4 + 2 + Buffer.byteLength(topic) + 4 + 4) }),
        parse: async ({ code }: { code: number }) => code,
      },
    })
  } finally {
    await admin.disconnect()
  }
}
