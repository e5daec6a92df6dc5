// A database with its tables, a sink on it, and batches made by hand.
import { createHash, randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Decoded } from '../../src/line-items/decode.ts'
import type { AmbiguousPolicy } from '../../src/line-items/mapping.ts'
import type { LineItem } from '../../src/line-items/line-item.ts'
import type { BreakerLimits } from '../../src/pipeline/breaker.ts'
import type { Batch, Entry, Part } from '../../src/pipeline/sink.ts'
import type { SourceRecord } from '../../src/pipeline/source-record.ts'
import { createDatabase, type DatabaseOptions } from '../../src/sink/database.ts'
import { createGateStore } from '../../src/sink/gate-store.ts'
import { createMappingStore, type MappingLine, type MappingStore } from '../../src/sink/mapping-store.ts'
import { migrate } from '../../src/sink/migrate.ts'
import { createOffsetStore } from '../../src/sink/offset-store.ts'
import { createSink } from '../../src/sink/transaction.ts'
import { freshDatabase } from './stack.ts'

const migrateForSink = async (url: string) => void (await migrate(url))

export const GROUP = 'test-group'
export const TOPIC = 'test.lines'

/** Everything to look at the database without going through the code under test. */
export const openTestDatabase = async () => {
  const { url, drop } = await freshDatabase(migrateForSink)
  const pool = new pg.Pool({ connectionString: url, max: 4 })
  pool.on('error', () => {})
  return {
    url,
    query: async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> =>
      (await pool.query<Row>(sql, values)).rows,
    /** A connection of its own, to hold locks with. */
    connect: () => pool.connect(),
    async close() {
      await pool.end()
      await drop()
    },
  }
}
export type TestDatabase = Awaited<ReturnType<typeof openTestDatabase>>

export type SinkOptions = Partial<Omit<DatabaseOptions, 'url'>> & {
  groupId?: string
  topic?: string
  breaker?: BreakerLimits
  ambiguous?: AmbiguousPolicy
}

/** For tests that are about something else. */
const NO_BREAKER: BreakerLimits = { maxConsecutive: 0, maxRatio: 1 }

export const openSink = (
  url: string,
  { groupId = GROUP, topic = TOPIC, breaker = NO_BREAKER, ambiguous = 'create', ...options }: SinkOptions = {},
) => {
  const database = createDatabase({ url, poolSize: 4, writer: 'fast', ...options })
  const mappings = createMappingStore({ database, ambiguous })
  const clock = { wall: () => Date.UTC(2026, 10, 22), now: () => performance.now() }
  const gate = createGateStore({ database, groupId })
  return {
    database,
    mappings,
    gate,
    offsets: createOffsetStore({ database, groupId, topic }),
    sink: createSink({ database, mappings, gate, breaker, groupId, topic, clock }),
    close: () => database.close(),
  }
}
export type OpenSink = ReturnType<typeof openSink>

export const startAt = (
  open: OpenSink,
  partitions: readonly number[],
  nextOffset = 0n,
  topicId: string | null = null,
) => open.offsets.insertIfAbsent(partitions.map((partition) => ({ partition, nextOffset, topicId })))

export const lineItem = (over: Partial<LineItem> = {}): LineItem => {
  const line = {
    eventId: randomUUID(),
    userId: 'u-1',
    invoiceId: '536365',
    lineNumber: 1,
    sku: '85123A',
    description: 'WHITE HANGING HEART T-LIGHT HOLDER',
    quantity: '6',
    unitPrice: '2.55',
    currency: 'GBP',
    occurredAt: '2010-12-01T08:26:00.000Z',
    ...over,
  }
  const { eventId: _, payloadHash: __, ...facts } = line as LineItem
  return { ...line, payloadHash: over.payloadHash ?? createHash('md5').update(JSON.stringify(facts)).digest() }
}

export const recordAt = (partition: number, offset: bigint, over: Partial<SourceRecord> = {}): SourceRecord => ({
  partition,
  offset,
  timestamp: 1_700_000_000_000,
  key: Buffer.from('536365'),
  value: Buffer.from('{}'),
  headers: [],
  ...over,
})

export const asLine = (item: LineItem): Decoded => ({ kind: 'line-item', lineItem: item, unknownFields: 0 })

export const entryOf = (record: SourceRecord, decoded: Decoded): Entry<Decoded> => ({
  record,
  decoded,
  bytes: 100,
  arrivedAt: 0,
})

/** Line items at consecutive offsets of one partition, from `from` on. */
export const linesAt = (partition: number, from: bigint, items: readonly LineItem[]): Entry<Decoded>[] =>
  items.map((item, index) => entryOf(recordAt(partition, from + BigInt(index)), asLine(item)))

/** Parts that reach exactly around the entries, unless they are given. */
export const batchOf = (entries: readonly Entry<Decoded>[], parts?: readonly Part[]): Batch<Decoded> => {
  const around = new Map<number, Part>()
  for (const { record } of entries) {
    const from = around.get(record.partition)?.from ?? record.offset
    around.set(record.partition, { partition: record.partition, from, to: record.offset + 1n })
  }
  return { entries, parts: parts ?? [...around.values()], reason: 'size', bytes: 100 * entries.length }
}

/** Null: for a person to decide. */
export const idsOf = async (store: Pick<MappingStore, 'mapLines'>, lines: readonly MappingLine[]) =>
  (await store.mapLines(lines)).items.map((item) => item?.itemId ?? null)
