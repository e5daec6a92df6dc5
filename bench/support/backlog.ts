// Topics full of line items, and what a ledger must hold after them.
import { randomUUID } from 'node:crypto'
import { systemClock } from '../../src/lib/clock.ts'
import { createThreadedProducer } from '../../src/kafka/threaded-producer.ts'
import { createCheck } from '../../src/publish/check.ts'
import { type Field, parseColumnOption } from '../../src/publish/csv-columns.ts'
import { generateEvents } from '../../src/publish/generate.ts'
import { publish } from '../../src/publish/publish.ts'
import type { LineItemEvent, Row, Rows } from '../../src/publish/row.ts'
import { openSource, type PublishSource } from '../../src/publish/source.ts'
import type { Ground } from './ground.ts'

export type Backlog = {
  readonly topic: string
  readonly records: number
  /** Σ quantity in millionths. */
  readonly quantity: bigint
  readonly bytes: number
  readonly drop: () => Promise<void>
}

export type BacklogOptions = {
  readonly records: number
  readonly partitions?: number
  readonly seed?: number
  /** Each has 540 items. */
  readonly users?: number
  /** Changes each event, for another distribution of items. */
  readonly shape?: (event: LineItemEvent, index: number) => LineItemEvent
}

const PER_TURN = 500

/** Valid events only, none of them twice. */
export function* validEvents({ records, seed = 1, shape, users }: BacklogOptions): Generator<LineItemEvent> {
  const none = { duplicatesPerMille: 0, bad: 0, tombstones: 0, conflicts: 0 }
  let index = 0
  for (const each of generateEvents({ count: records, seed, ...none, ...(users !== undefined && { users }) })) {
    if (each.kind !== 'valid') throw new Error('the generator made a special record')
    yield shape ? shape(each.event, index++) : each.event
  }
}

async function* rowsOf(options: BacklogOptions): AsyncGenerator<readonly Row[]> {
  let rows: Row[] = []
  let line = 0
  for (const event of validEvents(options)) {
    const record = { key: Buffer.from(event.invoiceId), value: Buffer.from(JSON.stringify(event)) }
    rows.push({ line: ++line, record })
    if (rows.length < PER_TURN) continue
    yield rows
    rows = []
    await new Promise(setImmediate)
  }
  yield rows
}

export const generatedBacklog = (ground: Ground, options: BacklogOptions): Promise<Backlog> =>
  fill(ground, rowsOf(options), options.partitions ?? 4)

const COLUMNS = ['invoiceId=InvoiceNo', 'sku=StockCode', 'description=Description', 'quantity=Quantity']
  .concat('unitPrice=UnitPrice', 'occurredAt=InvoiceDate')
  .reduce((earlier, option) => parseColumnOption(option, earlier), new Map<Field, string>())

/** The retail file, as README.md publishes it. */
export const retailSource = (file: string): Promise<PublishSource> => {
  const options = {
    ...{ file, raw: false, defaults: { userId: 'u-1', currency: 'GBP' }, columns: COLUMNS },
    ...{ timeZone: 'UTC', encoding: 'utf8', decimalComma: false },
  } as const
  const signal = new AbortController().signal
  return openSource(options, { check: createCheck(() => Date.now()), stdin: process.stdin, signal })
}

export const retailBacklog = async (ground: Ground, file: string): Promise<Backlog> =>
  fill(ground, (await retailSource(file)).rows, 4)

export const createTopic = async ({ admin }: Ground, partitions: number) => {
  const topic = `bench-${randomUUID().slice(0, 8)}`
  const dlqTopic = `${topic}.dlq`
  await admin.createTopics({ topic, dlqTopic, partitions, replicationFactor: 1 })
  return { topic, drop: () => admin.deleteTopics([topic, dlqTopic]) }
}

const fill = async (ground: Ground, rows: Rows, partitions: number): Promise<Backlog> => {
  const { topic, drop } = await createTopic(ground, partitions)
  const producer = createThreadedProducer(ground.kafka)
  await producer.connect()
  let records = 0
  let bytes = 0
  let quantity = 0n
  const counted = async function* () {
    for await (const some of rows) {
      for (const row of some) {
        if (!('record' in row) || !row.record.value) continue
        const event = JSON.parse(row.record.value.toString()) as LineItemEvent
        records += 1
        bytes += row.record.value.length
        quantity += millionths(event.quantity)
      }
      yield some
    }
  }
  try {
    await publish({
      ...{ rows: counted(), send: (some) => producer.send(topic, some), clock: systemClock },
      ...{ signal: new AbortController().signal, rate: null, onFault: () => {}, onProgress: () => {} },
    })
  } finally {
    await producer.disconnect()
  }
  return { topic, records, quantity, bytes: Math.round(bytes / Math.max(1, records)), drop }
}

const millionths = (decimal: string): bigint => {
  const [whole = '', fraction = ''] = decimal.split('.')
  return BigInt(whole + fraction.padEnd(6, '0'))
}
