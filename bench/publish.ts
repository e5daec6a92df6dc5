// What one `sluice publish` does: generating, checking a CSV file, and sending it to a real Kafka. Usage:
//   npm run bench -- publish [FILE.csv.gz with the columns of the retail file]
import { setTimeout as sleep } from 'node:timers/promises'
import { createAdmin } from '../src/kafka/admin.ts'
import { createProducer } from '../src/kafka/producer.ts'
import type { KafkaConfig } from '../src/config.ts'
import { systemClock } from '../src/lib/clock.ts'
import { findStack } from '../src/local-stack/local-stack.ts'
import { createCheck } from '../src/publish/check.ts'
import { parseColumnOption, type Field } from '../src/publish/csv-columns.ts'
import { generateEvents } from '../src/publish/generate.ts'
import type { Send } from '../src/publish/lanes.ts'
import { publish } from '../src/publish/publish.ts'
import { perSecond } from '../src/publish/report.ts'
import { generatedSource, openSource, type PublishSource } from '../src/publish/source.ts'
import { createLog } from '../src/telemetry/log.ts'

const COUNT = 200_000
const signal = new AbortController().signal
const columns = ['invoiceId=InvoiceNo', 'sku=StockCode', 'description=Description', 'quantity=Quantity']
  .concat('unitPrice=UnitPrice', 'occurredAt=InvoiceDate')
  .reduce((earlier, option) => parseColumnOption(option, earlier), new Map<Field, string>())

const source = async (file: string | undefined): Promise<PublishSource> =>
  file === undefined
    ? generatedSource({ count: COUNT, seed: 1 })
    : openSource(
        {
          file,
          raw: false,
          defaults: { userId: 'u-1', currency: 'GBP' },
          columns,
          timeZone: 'UTC',
          encoding: 'utf8',
          decimalComma: false,
        },
        { check: createCheck(() => Date.now()), stdin: process.stdin, signal },
      )

const measure = async (name: string, file: string | undefined, send: Send): Promise<void> => {
  const before = process.cpuUsage()
  const { rows } = await source(file)
  const outcome = await publish({
    rows,
    send,
    clock: systemClock,
    signal,
    rate: null,
    onFault: () => {},
    onProgress: () => {},
  })
  const { user, system } = process.cpuUsage(before)
  const cpu = ((user + system) / Math.max(outcome.published, 1)).toFixed(1)
  console.log(`${name}: ${outcome.published} records, ${perSecond(outcome)}/s, ${cpu} µs of CPU each`)
}

const generation = (): void => {
  const began = performance.now()
  let count = 0
  for (const _ of generateEvents({ count: COUNT, seed: 1 })) count++
  console.log(`generator alone: ${Math.round((count * 1000) / (performance.now() - began))}/s`)
}

export async function benchPublish([file]: readonly string[]): Promise<void> {
  for (let round = 0; round < 3; round++) generation()
  for (let round = 0; round < 3; round++) await measure('dry run', file, async () => undefined)

  const stack = await findStack({ env: process.env, log: (line) => console.log(line), signal, postgres: false })
  const log = createLog('silent')
  const config: KafkaConfig = {
    brokers: stack.kafka.brokers,
    clientId: 'bench',
    securityProtocol: 'PLAINTEXT',
    sasl: null,
    ssl: null,
  }
  try {
    const admin = createAdmin(config, log)
    const producer = createProducer(config, log)
    await admin.connect()
    await producer.connect()
    for (let round = 0; round < 4; round++) {
      const topic = `bench-publish-${round}-${process.pid}`
      await admin.createTopics({ topic, dlqTopic: `${topic}.dlq`, partitions: 6, replicationFactor: 1 })
      await sleep(500)
      await measure('publish', file, (records) => producer.send(topic, records))
    }
    await producer.disconnect()
    await admin.disconnect()
  } finally {
    await stack.stop()
  }
}
