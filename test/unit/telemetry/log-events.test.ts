import { noLatencies } from '../../../src/lib/latencies.ts'
import { expect, test } from 'vitest'
import type { TelemetryEvent } from '../../../src/telemetry/events.ts'
import { logTo } from '../../../src/telemetry/log.ts'
import { createEventLog } from '../../../src/telemetry/log-events.ts'

type Line = { level: string; msg: string } & Record<string, unknown>

const open = (level = 'debug') => {
  const lines: Line[] = []
  let now = 0
  const log = logTo({ write: (line: string) => void lines.push(JSON.parse(line) as Line) }, level)
  return { lines, ...createEventLog(log, () => now), pass: (ms: number) => (now += ms) }
}
const flushed = (over: object = {}): TelemetryEvent => ({
  type: 'flushed',
  ...{ alreadySettled: 0, latencies: noLatencies() },
  lane: 0,
  reason: 'size',
  records: 100,
  bytes: 1,
  attempts: 1,
  inserted: 90,
  duplicates: 5,
  deadLettered: 3,
  ignored: 2,
  result: {
    ...{ status: 'partial_success', itemsProcessed: 97, itemsFailed: 3, processingTimeMs: 5 },
    failedItems: [1n, 2n, 3n].map((offset) => ({
      ...{
        partition: 1,
        offset,
        line: 4,
        code: 'JSON_INVALID',
        error: 'The value …',
        traceId: null,
        deadLetterId: 'ab',
      },
    })),
  },
  limits: { records: 1_000, ageMs: 5 },
  buffered: 7,
  ...over,
})

test('a flush is a line at debug, and a minute of them one summary at info that adds up', () => {
  const { lines, emit, summarise, pass } = open()
  emit(flushed())
  emit(flushed({ buffered: 4 }))
  const flushes = lines.filter(({ level }) => level === 'debug')
  expect(flushes.map(({ msg }) => msg)).toEqual(['flushed', 'flushed'])
  expect(flushes[0]).toMatchObject({
    ...{ reason: 'size', records: 100, codes: { JSON_INVALID: 3 }, durationMs: 5 },
    ...{ status: 'partial_success', itemsProcessed: 97, itemsFailed: 3 },
  })
  expect(flushes[0]).not.toHaveProperty('failedItems')
  expect(lines[0]).toMatchObject({
    ...{
      level: 'warn',
      msg: 'dead letter',
      partition: 1,
      offset: '1',
      line: 4,
      code: 'JSON_INVALID',
      deadLetterId: 'ab',
    },
  })
  pass(60_000)
  summarise()
  expect(lines.at(-1)).toMatchObject({
    ...{ level: 'info', msg: 'summary', flushes: 2, records: 200, inserted: 180, duplicates: 10 },
    ...{ deadLettered: 6, ignored: 4, codes: { JSON_INVALID: 6 }, seconds: 60, recordsPerSecond: 3, buffered: 4 },
  })
})

test('a minute without a flush says so, and keeps no number of the minute before', () => {
  const { lines, emit, summarise, pass } = open('info')
  emit(flushed())
  pass(60_000)
  summarise()
  pass(60_000)
  summarise()
  expect(lines.at(-1)).toMatchObject({ flushes: 0, records: 0, recordsPerSecond: 0, codes: {}, buffered: 7 })
})

test('a stop with records left is an error, a clean one is not; what is left of the minute is summed up first', () => {
  const { lines, emit } = open('info')
  emit(flushed())
  emit({ type: 'stopped', clean: true, held: false, left: 0 })
  emit({ type: 'stopped', clean: false, held: false, left: 5 })
  emit({ type: 'stopped', clean: false, held: true, left: 5 })
  expect(lines.filter(({ msg }) => msg !== 'dead letter').map(({ level, msg }) => [level, msg])).toEqual([
    ['info', 'summary'],
    ['info', 'stopped'],
    ['error', 'stopped with records unsettled'],
    ['warn', 'stopped at a closed gate; what is left is read again'],
  ])
})

test('an error of the database is told by its codes, never by its words', () => {
  const { lines, emit } = open()
  const cause = Object.assign(new Error('Key (user_id)=(secret) already exists'), { code: 'P2010' })
  emit({ type: 'flush-retry', code: '40001', fate: 'transient', attempt: 1, backoffMs: 10, cause })
  expect(lines[0]).toMatchObject({ level: 'warn', code: '40001', err: { code: 'P2010' } })
  expect(JSON.stringify(lines)).not.toContain('secret')
})

test('dead letters that wait: how many and how long, with what failed or without; one that is refused is an error', () => {
  const { lines, emit } = open()
  const cause = new Error('secret words')
  emit({
    type: 'dead-letters-waiting',
    failed: 'topic',
    code: 'NOT_ENOUGH_REPLICAS',
    cause,
    count: 3,
    oldestAgeMs: 5_000,
  })
  emit({ type: 'dead-letters-waiting', failed: null, code: 'OLD', cause: null, count: 2, oldestAgeMs: 40_000 })
  const at = { topic: 't', partition: 1, offset: 7n }
  emit({ type: 'dead-letter-deferred', id: 'ab', ...at, code: 'INVALID_RECORD', deferMs: 600_000 })
  expect(lines).toMatchObject([
    { level: 'warn', code: 'NOT_ENOUGH_REPLICAS', count: 3, oldestAgeMs: 5_000, err: { name: 'Error' } },
    { level: 'warn', code: 'OLD', count: 2, oldestAgeMs: 40_000 },
    { level: 'error', id: 'ab', topic: 't', partition: 1, offset: '7', code: 'INVALID_RECORD' },
  ])
  expect(lines[1]).not.toHaveProperty('err')
  expect(JSON.stringify(lines)).not.toContain('secret words')
})
