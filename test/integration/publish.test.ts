import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa, type Options } from 'execa'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KafkaConfig } from '../../src/config.ts'
import { createAdmin } from '../../src/kafka/admin.ts'
import { readTopic } from '../../src/kafka/read-topic.ts'
import { generateEvents } from '../../src/publish/generate.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { sluicePath } from '../support/built.ts'
import { stack, uniqueName } from '../support/stack.ts'

const log = createLog('silent')
const config: KafkaConfig = {
  brokers: stack().brokers,
  clientId: 'publish-test',
  securityProtocol: 'PLAINTEXT',
  sasl: null,
  ssl: null,
}
const admin = createAdmin(config, log)
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-publish-'))
  await admin.connect()
})
afterAll(async () => {
  await admin.disconnect()
  await rm(folder, { recursive: true })
})

const freshTopic = async (): Promise<string> => {
  const topic = uniqueName('publish')
  await admin.createTopics({ topic, dlqTopic: `${topic}.dlq`, partitions: 3, replicationFactor: 1 })
  return topic
}

const sluice = (topic: string, args: string[], options: Options = {}) =>
  execa('node', [sluicePath(), 'publish', ...args], {
    env: { KAFKA_BROKERS: config.brokers.join(','), KAFKA_TOPIC: topic },
    reject: false,
    ...options,
  })

const HEADER = 'invoiceId,sku,quantity,unitPrice,occurredAt'
const fixed = ['--user', 'u-1', '--currency', 'GBP']

test('what is generated arrives: every record once, those of an invoice in their order', async () => {
  const topic = await freshTopic()
  const { exitCode, stdout } = await sluice(topic, ['--generate', '20000', '--seed', '3'])
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('published  20,000 events')])

  const byKey = (records: Iterable<{ key: Buffer | null; value: Buffer | null }>) => {
    const values = new Map<string, string[]>()
    for (const { key, value } of records) {
      const order = values.get(String(key)) ?? []
      values.set(String(key), order)
      order.push(value?.toString('latin1') ?? 'tombstone')
    }
    return values
  }
  const arrived = byKey(await readTopic(config, topic, log))
  const expected = byKey(generateEvents({ count: 20_000, seed: 3 }))
  expect(arrived.size).toBe(expected.size)
  for (const [key, values] of expected) expect(arrived.get(key)).toEqual(values)
})

test('a file published twice gives the same events; a row that is none is listed with its line', async () => {
  const topic = await freshTopic()
  const file = join(folder, 'lines.csv')
  const row = (quantity: string) => `A1,10,${quantity},2.55,2026-01-02 03:04:05`
  await writeFile(file, [HEADER, row('6'), row('0'), row('6')].join('\n'))
  const first = await sluice(topic, [file, ...fixed])
  expect([first.exitCode, first.stderr]).toEqual([1, expect.stringMatching(/^line 3 \/quantity: QUANTITY_ZERO/)])
  await sluice(topic, [file, ...fixed])
  const values = (await readTopic(config, topic, log)).map(({ value }) => String(value))
  expect(values).toHaveLength(4)
  expect(values.slice(2)).toEqual(values.slice(0, 2))
  expect(new Set(values).size).toBe(2)
})

test('a topic that does not exist is told with what to do', async () => {
  const { exitCode, stderr } = await sluice(uniqueName('nowhere'), ['--generate', '10'])
  expect([exitCode, stderr]).toEqual([3, expect.stringContaining('create it: sluice topics create')])
  const other = uniqueName('other')
  const elsewhere = await sluice(await freshTopic(), ['--generate', '10', '--topic', other])
  expect([elsewhere.exitCode, elsewhere.stderr]).toEqual([
    3,
    expect.stringContaining(`create it: KAFKA_TOPIC=${other} sluice topics create`),
  ])
})

test('a trickle is sent while the pipe stays open; a signal says how far it got', async () => {
  const topic = await freshTopic()
  const run = sluice(topic, ['-', '--format', 'ndjson'])
  onTestFinished(() => void run.kill())
  const event = { userId: 'u-1', lineNumber: 1, vendorItem: { sku: '10' }, quantity: 1, unitPrice: '2.55' }
  const dated = { ...event, currency: 'GBP', occurredAt: '2026-01-02T03:04:05Z' }
  const lines = Array.from({ length: 50 }, (_, index) => JSON.stringify({ ...dated, invoiceId: `A${index}` }))
  run.stdin?.write(`${lines.join('\n')}\n{"half a li`)
  const arrived = async () => [...(await admin.endOffsets(topic)).values()].reduce((sum, { high }) => sum + high, 0n)
  await expect.poll(arrived, { timeout: 60_000 }).toBe(50n)
  run.kill('SIGINT')
  const { exitCode, stdout } = await run
  expect([exitCode, stdout]).toEqual([
    130,
    expect.stringContaining('stopped after line 50; publishing the file again is harmless'),
  ])
})
