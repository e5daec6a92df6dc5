import * as prom from 'prom-client'
import { expect, test } from 'vitest'
import { REFUSAL_CODES } from '../../../src/kafka/refusal.ts'
import { LATENCY_BOUNDS, latenciesOf, noLatencies, quantileMs } from '../../../src/lib/latencies.ts'
import { CATALOGUE, metricNames } from '../../../src/telemetry/catalogue.ts'
import type { TelemetryEvent } from '../../../src/telemetry/events.ts'
import type { LagView } from '../../../src/telemetry/lag.ts'
import type { MemberState } from '../../../src/telemetry/member-state.ts'
import { rules } from '../../support/promql.ts'
import { createMetrics, type DeadLetterFigures } from '../../../src/telemetry/metrics.ts'

const NOW = Date.UTC(2026, 10, 27)

const state = (over: Partial<MemberState> = {}): MemberState => ({
  ...{
    phase: 'running',
    health: { live: true, ready: false, reasons: ['draining'] },
    gate: null,
    partitions: [],
    asOf: null,
    askedMsAgo: null,
  },
  buffer: { records: 3, bytes: 300, maxRecords: 10, maxBytes: 1_000 },
  limits: [{ lane: 0, records: 500, ageMs: 12 }],
  bounds: { maxRecords: 10, maxBytes: 1, minAgeMs: 1, maxAgeMs: 1, targetMs: 1 },
  totals: { inserted: 0, duplicates: 0, deadLettered: 0, ignored: 0, alreadySettled: 0, flushes: { size: 0, bytes: 0, age: 0, drain: 0 }, retries: 0, rebalances: 0, deadLetters: {} }, // prettier-ignore
  rate: { settledPerSecond: null, arrivedPerSecond: null, clearSeconds: null },
  ...{ latencyMs: null, database: { unansweredMs: 250 } },
  ...over,
})

const open = () => {
  const seen = {
    state: state(),
    lag: { asOf: null, asked: null, partitions: [] } as LagView,
    full: false,
    letters: null as DeadLetterFigures | null,
  }
  const metrics = createMetrics(prom, {
    ...{
      now: () => NOW,
      admitted: () => new Map([[1, 7]]),
      full: () => seen.full,
      faults: () => 2,
      state: () => seen.state,
      lag: () => seen.lag,
      deadLetters: () => seen.letters,
    },
    identity: { version: '1', group: 'g', topic: 't', member: 'm' },
  })
  const values = async () =>
    new Map(
      (await metrics.text())
        .split('\n')
        .filter((line) => line.startsWith('sluice_'))
        .map((line) => line.replace(/(?<={)group="g",topic="t",?|,group="g",topic="t"/, '').replace('{}', ''))
        .map((line) => line.split(/ (?=[^ ]+$)/) as [string, string]),
    )
  return { ...metrics, seen, values }
}

const flushed = (over: object = {}): TelemetryEvent => ({
  ...{ type: 'flushed', lane: 0, reason: 'age', records: 10, bytes: 1_000, attempts: 1, buffered: 0 },
  ...{ inserted: 5, duplicates: 2, deadLettered: 1, ignored: 1, alreadySettled: 1 },
  latencies: latenciesOf([5, 20, 90_000_000], (ms) => ms),
  result: { status: 'partial_success', itemsProcessed: 8, itemsFailed: 1, processingTimeMs: 30, failedItems: [{ partition: 0, offset: 1n, line: null, code: 'QUANTITY_ZERO', error: '', deadLetterId: 'x', traceId: null }] }, // prettier-ignore
  limits: { records: 500, ageMs: 12 },
  ...over,
})

const PUBLISHED: TelemetryEvent = { type: 'dead-letters-published', count: 4, codes: { JSON_INVALID: 3, TEXT_NUL: 1 }, durationMs: 250 } // prettier-ignore

test('one flush, one update of each', async () => {
  const { observe, values } = open()
  observe(flushed())
  observe(flushed({ reason: 'size' }))
  const found = await values()
  expect(found.get('sluice_records_total{outcome="inserted"}')).toBe('10')
  expect(found.get('sluice_records_total{outcome="duplicate"}')).toBe('4')
  expect(found.get('sluice_records_total{outcome="dead_lettered"}')).toBe('2')
  expect(found.get('sluice_records_total{outcome="ignored"}')).toBe('2')
  expect(found.get('sluice_records_total{outcome="already_settled"}')).toBe('2')
  expect(found.get('sluice_dead_letters_total{code="QUANTITY_ZERO"}')).toBe('2')
  expect(found.get('sluice_flush_duration_seconds_count{reason="size",outcome="partial_success"}')).toBe('1')
  expect(found.get('sluice_flush_records_sum')).toBe('20')
  expect(found.get('sluice_end_to_end_latency_seconds_bucket{le="0.01"}')).toBe('2')
  expect(found.get('sluice_end_to_end_latency_seconds_bucket{le="86400"}')).toBe('4')
  expect(found.get('sluice_end_to_end_latency_seconds_bucket{le="+Inf"}')).toBe('6')
  expect(found.get('sluice_end_to_end_latency_seconds_count')).toBe('6')
  expect(found.get('sluice_records_consumed_total{partition="1"}')).toBe('7')
  expect((await values()).get('sluice_records_consumed_total{partition="1"}')).toBe('7')
  expect((await values()).get('sluice_telemetry_faults_total')).toBe('2')
})

test.each<[TelemetryEvent, string, string]>([
  [
    { type: 'flush-retry', code: '40P01', fate: 'transient', attempt: 1, backoffMs: 1, cause: null },
    'sluice_db_retries_total{sqlstate="40P01"}',
    '1',
  ],
  [
    { type: 'flush-retry', code: 'what "a" record\nsays', fate: 'transient', attempt: 1, backoffMs: 1, cause: null },
    'sluice_db_retries_total{sqlstate="OTHER"}',
    '1',
  ],
  [{ type: 'gap', partition: 0, expected: 10n, fetched: 15n }, 'sluice_offset_gap_records_total', '5'],
  [{ type: 'mapped', cached: 5, stored: 2, unknown: 1 }, 'sluice_mapping_lines_total{found="cached"}', '5'],
  [{ type: 'overtaken', partition: 0, from: 1n, position: 2n }, 'sluice_fenced_batches_total', '1'],
  [{ type: 'joined', partitions: 2, awayMs: null }, 'sluice_rebalances_total', '0'],
  [{ type: 'joined', partitions: 2, awayMs: null }, 'sluice_rebalance_duration_seconds_count', '0'],
  [{ type: 'joined', partitions: 2, awayMs: 700 }, 'sluice_rebalances_total', '1'],
  [{ type: 'joined', partitions: 2, awayMs: 700 }, 'sluice_rebalance_duration_seconds_bucket{le="0.5"}', '0'],
  [{ type: 'joined', partitions: 2, awayMs: 700 }, 'sluice_rebalance_duration_seconds_sum', '0.7'],
  [{ type: 'isolated', attempts: 21 }, 'sluice_isolation_attempts_total', '21'],
  [{ type: 'connection-waited', ms: 1_500 }, 'sluice_db_connection_wait_seconds_sum', '1.5'],
  [{ type: 'assigned', partitions: [2] }, 'sluice_records_consumed_total{partition="2"}', '0'],
  [{ type: 'assigned', partitions: [1, 2] }, 'sluice_partitions_moved_total{direction="assigned"}', '2'],
  [{ type: 'commit-failed', code: 'X' }, 'sluice_offset_commits_total{outcome="failed"}', '1'],
  [
    { type: 'source-crashed', reason: 'silent', restarts: true, cause: null },
    'sluice_consumer_restarts_total{reason="silent"}',
    '1',
  ],
  [PUBLISHED, 'sluice_dlq_published_total{code="JSON_INVALID"}', '3'],
  [PUBLISHED, 'sluice_dlq_published_total{code="TEXT_NUL"}', '1'],
  [
    { type: 'dead-letters-waiting', failed: 'topic', code: 'X', cause: new Error(), count: 1, oldestAgeMs: 1 },
    'sluice_dlq_publish_failures_total',
    '1',
  ],
  [
    { type: 'dead-letters-waiting', failed: null, code: 'OLD', cause: null, count: 1, oldestAgeMs: 1 },
    'sluice_dlq_publish_failures_total',
    '0',
  ],
  [
    {
      type: 'dead-letters-waiting',
      failed: 'outbox',
      code: 'RELAY',
      cause: new Error(),
      count: null,
      oldestAgeMs: null,
    },
    'sluice_dlq_publish_failures_total',
    '0',
  ],
  [{ type: 'write-tried', ok: true, ms: 250 }, 'sluice_db_operation_duration_seconds_sum{outcome="ok"}', '0.25'],
  [{ type: 'write-tried', ok: false, ms: 50 }, 'sluice_db_operation_duration_seconds_count{outcome="failed"}', '1'],
  [PUBLISHED, 'sluice_dlq_publish_duration_seconds_sum', '0.25'],
])('%o', async (event, name, value) => {
  const { observe, values } = open()
  observe(event)
  expect((await values()).get(name)).toBe(value)
})

test('what is not known is absent; what is gone, too', async () => {
  const { seen, values } = open()
  const known = { partition: 3, position: 5n, end: 9n, committed: 5n, lagRecords: 4, lagSeconds: 1.5, unread: true }
  seen.lag = {
    asOf: NOW,
    asked: 0,
    partitions: [known, { ...known, partition: 4, lagRecords: null, lagSeconds: null }],
  }
  const found = await values()
  expect(found.get('sluice_partition_lag_records{partition="3"}')).toBe('4')
  expect(found.get('sluice_partition_lag_seconds{partition="3"}')).toBe('1.5')
  expect(found.has('sluice_partition_lag_records{partition="4"}')).toBe(false)
  expect(found.has('sluice_time_to_clear_seconds')).toBe(false)
  expect(found.has('sluice_dlq_unpublished')).toBe(false)

  seen.lag = { asOf: NOW, asked: 0, partitions: [] }
  seen.state = state({ rate: { settledPerSecond: 1, arrivedPerSecond: 2, clearSeconds: null } })
  seen.letters = {
    asOf: new Date(NOW),
    unpublished: 2,
    byStatus: { open: 3, replayed: 1 },
    byCode: [{ code: 'A', unresolved: 3, lastHour: 1, oldestUnresolvedAt: new Date(NOW - 60_000) }],
  }
  const later = await values()
  expect([...later.keys()].filter((name) => name.startsWith('sluice_partition_lag'))).toEqual([])
  expect(later.get('sluice_time_to_clear_seconds')).toBe('+Inf')
  expect(later.get('sluice_dlq_unresolved{code="A"}')).toBe('3')
  expect(later.get('sluice_dlq_letters{status="replayed"}')).toBe('1')
  expect(later.get('sluice_dlq_oldest_unresolved_seconds{code="A"}')).toBe('60')
  expect(later.get('sluice_ready')).toBe('0')
  expect(later.get('sluice_database_unanswered_seconds')).toBe('0.25')
})

test('partitions of which nothing is taken, by reason', async () => {
  const { seen, values } = open()
  const paused = async () => {
    const found = await values()
    return ['gate', 'buffer', 'position', 'draining'].map((reason) =>
      Number(found.get(`sluice_partitions_paused{reason="${reason}"}`)),
    )
  }
  const known = { partition: 3, position: 5, end: 9, committed: 5, lagRecords: 4, lagSeconds: 1.5 }
  const partitions = [known, { ...known, partition: 4, position: null }]
  seen.state = state({ partitions })
  expect(await paused()).toEqual([0, 0, 1, 0])
  seen.full = true
  expect(await paused()).toEqual([0, 2, 1, 0])
  seen.full = false
  const gate = { code: 'PAUSED', reason: '', partition: null, offset: null }
  seen.state = state({ partitions: [known], gate, phase: 'draining' })
  expect(await paused()).toEqual([1, 0, 0, 1])
})

test('what a rule asks the increase of begins at 0: the first one is an increase', async () => {
  const asked = rules.flatMap(({ expr }) => [
    ...expr.matchAll(/increase\((sluice_\w+_total)(?:\{(\w+)(=~?)"([^"]*)"\})?\[/g),
  ])
  expect(asked.length).toBeGreaterThan(8)
  const begun = await open().values()
  for (const [whole, name, label, how, value] of asked) {
    const fits = new RegExp(how === '=~' ? `^(${value})$` : `^${value}$`)
    const series = [...begun.keys()].filter((key) => key.replace(/\{.*/, '') === name)
    const chosen = series.filter((key) => label === undefined || fits.test(new RegExp(`${label}="([^"]*)"`).exec(key)?.[1] ?? '')) // prettier-ignore
    expect(chosen, whole).not.toEqual([])
    for (const key of chosen) expect(begun.get(key), key).toBe('0')
  }
  for (const code of REFUSAL_CODES) expect(begun.get(`sluice_dlq_deferred_total{code="${code}"}`)).toBe('0')
})

test('every series says whose it is, those of prom-client too', async () => {
  const metrics = open()
  metrics.observe(flushed())
  const series = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  expect(series.filter((line) => !/[{,]group="g",topic="t"[,}]/.test(line))).toEqual([])
  expect(series.some((line) => line.startsWith('process_start_time_seconds{'))).toBe(true)
})

test('the names keep to what Prometheus asks for', () => {
  for (const name of metricNames) {
    const { kind, labels = [], help } = CATALOGUE[name]
    expect(name.endsWith('_total'), name).toBe(kind === 'counter')
    expect(name).not.toMatch(/_ms|milli|kilo|mega/)
    expect(labels.every((label) => /^[a-z]+$/.test(label))).toBe(true)
    expect(help).toMatch(/\.$/)
  }
})

test('quantiles between bounds; nothing counted, nothing said', () => {
  expect(quantileMs(noLatencies(), 0.5)).toBeNull()
  const tens = latenciesOf(
    Array.from({ length: 100 }, (_, at) => at),
    () => 40,
  )
  expect(quantileMs(tens, 0.5)).toBeGreaterThan(25)
  expect(quantileMs(tens, 0.99)).toBeLessThanOrEqual(50)
  expect(latenciesOf([-5], (ms) => ms).counts[0]).toBe(1)
  expect(latenciesOf([1e12], (ms) => ms).counts[LATENCY_BOUNDS.length]).toBe(1)
})
