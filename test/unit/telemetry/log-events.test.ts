import { expect, test } from 'vitest'
import type { TelemetryEvent } from '../../../src/telemetry/events.ts'
import { createLog } from '../../../src/telemetry/log.ts'
import { createEventLog } from '../../../src/telemetry/log-events.ts'

type Line = { level: string; msg: string } & Record<string, unknown>

const open = (level = 'debug') => {
  const lines: Line[] = []
  let now = 0
  const log = createLog(level, { write: (line: string) => void lines.push(JSON.parse(line) as Line) })
  return { lines, ...createEventLog(log, () => now), pass: (ms: number) => (now += ms) }
}
const flushed = (over: object = {}): TelemetryEvent => ({
  type: 'flushed',
  lane: 0,
  reason: 'size',
  records: 100,
  bytes: 1,
  durationMs: 5,
  attempts: 1,
  inserted: 90,
  duplicates: 5,
  deadLettered: 3,
  ignored: 2,
  codes: new Map([['JSON_INVALID', 3]]),
  limits: { records: 1_000, ageMs: 5 },
  buffered: 7,
  ...over,
})

test('a flush is a line at debug, and a minute of them one summary at info that adds up', () => {
  const { lines, emit, summarise, pass } = open()
  emit(flushed())
  emit(flushed({ buffered: 4 }))
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([['debug', 'flushed'], ['debug', 'flushed']]) // prettier-ignore
  expect(lines[0]).toMatchObject({ reason: 'size', records: 100, codes: { JSON_INVALID: 3 } })
  pass(60_000)
  summarise()
  expect(lines[2]).toMatchObject({
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
  expect(lines[1]).toMatchObject({ flushes: 0, records: 0, recordsPerSecond: 0, codes: {}, buffered: 7 })
})

test('a stop with records left is an error, a clean one is not; what is left of the minute is summed up first', () => {
  const { lines, emit } = open('info')
  emit(flushed())
  emit({ type: 'stopped', clean: true, left: 0 })
  emit({ type: 'stopped', clean: false, left: 5 })
  expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
    ['info', 'summary'],
    ['info', 'stopped'],
    ['error', 'stopped with records unsettled'],
  ])
})

test('an error of the database is told by its codes, never by its words', () => {
  const { lines, emit } = open()
  const cause = Object.assign(new Error('Key (user_id)=(secret) already exists'), { code: 'P2010' })
  emit({ type: 'flush-retry', code: '40001', fate: 'transient', attempt: 1, backoffMs: 10, cause })
  expect(lines[0]).toMatchObject({ level: 'warn', code: '40001', err: { code: 'P2010' } })
  expect(JSON.stringify(lines)).not.toContain('secret')
})
