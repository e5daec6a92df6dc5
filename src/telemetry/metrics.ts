// Telemetry events → counters and histograms, one event one update; what has a value at any time is set when somebody looks.
import type * as Prom from 'prom-client'
import type { TelemetryEvent } from './events.ts'
import { createInstruments, type Instruments } from './instruments.ts'
import type { LagView } from './lag.ts'
import type { MemberState } from './member-state.ts'
import { REASONS } from './tally.ts'

export type DeadLetterFigures = {
  readonly asOf: Date
  readonly unpublished: number
  readonly byCode: readonly {
    readonly code: string
    readonly unresolved: number
    readonly lastHour: number
    readonly oldestUnresolvedAt: Date | null
  }[]
}

export type MetricSources = {
  readonly now: () => number
  readonly identity: {
    readonly version: string
    readonly group: string
    readonly topic: string
    readonly member: string
  }
  readonly state: () => MemberState
  readonly lag: () => LagView
  readonly admitted: () => number
  /** Of telemetry itself. */
  readonly faults: () => number
  readonly deadLetters: () => DeadLetterFigures | null
}

export type Metrics = ReturnType<typeof createMetrics>

export function createMetrics(prom: typeof Prom, sources: MetricSources) {
  const { group, topic, ...build } = sources.identity
  const instruments = createInstruments(prom, { group, topic })
  const { registry } = instruments
  prom.collectDefaultMetrics({ register: registry })
  begin(instruments)
  instruments.set('build_info', build, 1)
  const look = createLook(instruments, sources)
  return {
    contentType: registry.contentType,
    observe: (event: TelemetryEvent) => update(instruments, event),
    /** Prometheus's text format. */
    text(): Promise<string> {
      look()
      return registry.metrics()
    },
  }
}

const OUTCOMES = {
  inserted: 'inserted',
  duplicates: 'duplicate',
  deadLettered: 'dead_lettered',
  ignored: 'ignored',
  alreadySettled: 'already_settled',
} as const
const FOUND = ['cached', 'stored', 'unknown'] as const
const outcomes = Object.keys(OUTCOMES) as (keyof typeof OUTCOMES)[]

/** From 0 on, or the first one would not be seen as an increase. */
function begin({ add }: Instruments) {
  for (const each of outcomes) add('records_total', { outcome: OUTCOMES[each] }, 0)
  for (const found of FOUND) add('mapping_lines_total', { found }, 0)
  for (const outcome of ['ok', 'failed'] as const) add('offset_commits_total', { outcome }, 0)
  for (const direction of ['assigned', 'revoked'] as const) add('partitions_moved_total', { direction }, 0)
  for (const outcome of ['restarts', 'ends'] as const) add('consumer_restarts_total', { outcome }, 0)
}

/** SQLSTATEs and codes of ours; anything else would be as many series as somebody likes. */
const codeLabel = (code: string) => (/^[A-Za-z0-9_]{1,40}$/.test(code) ? code : 'OTHER')

function update({ add, observe, addLatencies, set }: Instruments, event: TelemetryEvent): void {
  switch (event.type) {
    case 'flushed': {
      for (const each of outcomes) add('records_total', { outcome: OUTCOMES[each] }, event[each])
      const seconds = event.result.processingTimeMs / 1000
      const reason = REASONS.find((known) => known === event.reason) ?? 'other'
      observe('flush_duration_seconds', { reason }, seconds)
      observe('flush_records', {}, event.records)
      observe('flush_bytes', {}, event.bytes)
      addLatencies(event.latencies)
      for (const { code } of event.result.failedItems) add('dead_letters_total', { code: codeLabel(code) })
      return
    }
    case 'mapped':
      for (const found of FOUND) add('mapping_lines_total', { found }, event[found])
      return
    case 'flush-retry':
      return add('db_retries_total', { sqlstate: codeLabel(event.code) })
    case 'batch-cut':
      return add('batches_cut_total', { code: codeLabel(event.code) })
    case 'overtaken':
      return add('fenced_batches_total', {})
    case 'rewound':
      return add('rewinds_total', {})
    case 'gap':
      add('offset_gaps_total', {})
      return add('offset_gap_records_total', {}, Math.max(0, Number(event.fetched - event.expected)))
    case 'joined':
      add('group_joins_total', {})
      return event.again ? add('rebalances_total', {}) : undefined
    case 'assigned':
    case 'revoked':
      return add('partitions_moved_total', { direction: event.type }, event.partitions.length)
    case 'committed':
      return add('offset_commits_total', { outcome: 'ok' })
    case 'commit-failed':
      return add('offset_commits_total', { outcome: 'failed' })
    case 'source-crashed':
      return add('consumer_restarts_total', { outcome: event.restarts ? 'restarts' : 'ends' })
    case 'dead-letters-published':
      return add('dlq_published_total', {}, event.count)
    case 'dead-letters-waiting':
      if (event.cause !== null) add('dlq_publish_failures_total', { code: codeLabel(event.code) })
      return
    case 'dead-letter-deferred':
      return add('dlq_deferred_total', { code: codeLabel(event.code) })
    case 'gate-closed':
      return set('gate_closed', {}, 1)
    case 'gate-opened':
      return set('gate_closed', {}, 0)
    case 'rebalancing':
    case 'positioned':
    case 'position-retry':
    case 'draining':
    case 'reporting':
    case 'stopped':
      return
  }
}

const PER_PARTITION = [
  'partition_lag_records',
  'partition_lag_seconds',
  'partition_position',
  'partition_committed',
  'partition_end',
  'partition_last_progress_timestamp_seconds',
] as const
const DLQ = ['dlq_unresolved', 'dlq_oldest_unresolved_seconds', 'dlq_last_hour'] as const

function createLook(instruments: Instruments, { now, state, lag, admitted, faults, deadLetters }: MetricSources) {
  const { add, set, clear, forget } = instruments
  const progress = new Map<number, { position: number; at: number }>()
  let [consumed, failed] = [0, 0]

  function lookAtLag() {
    const { asOf, partitions } = lag()
    for (const name of PER_PARTITION) clear(name)
    for (const { partition, lagRecords, lagSeconds, ...offsets } of partitions) {
      const known = (name: (typeof PER_PARTITION)[number], value: bigint | number | null) => {
        if (value !== null) set(name, { partition }, Number(value))
      }
      known('partition_lag_records', lagRecords)
      known('partition_lag_seconds', lagSeconds)
      known('partition_position', offsets.position)
      known('partition_committed', offsets.committed)
      known('partition_end', offsets.end)
      const position = Number(offsets.position ?? -1n)
      const before = progress.get(partition)
      if (before?.position !== position || lagRecords === 0) progress.set(partition, { position, at: now() / 1000 })
      known('partition_last_progress_timestamp_seconds', progress.get(partition)?.at ?? null)
    }
    const ours = new Set(partitions.map(({ partition }) => partition))
    for (const partition of progress.keys()) if (!ours.has(partition)) progress.delete(partition)
    forget('lag_asked_timestamp_seconds')
    if (asOf !== null) set('lag_asked_timestamp_seconds', {}, asOf / 1000)
  }

  function lookAtState() {
    const { health, gate, partitions, buffer, limits, rate, database } = state()
    set('live', {}, Number(health.live))
    set('ready', {}, Number(health.ready))
    set('gate_closed', {}, Number(gate !== null))
    set('partitions_assigned', {}, partitions.length)
    set('buffer_records', {}, buffer.records)
    set('buffer_bytes', {}, buffer.bytes)
    set('buffer_limit_records', {}, buffer.maxRecords)
    set('buffer_limit_bytes', {}, buffer.maxBytes)
    set('database_unanswered_seconds', {}, database.unansweredMs / 1000)
    for (const { lane, records, ageMs } of limits) {
      set('flush_limit_records', { lane }, records)
      set('flush_limit_age_seconds', { lane }, ageMs / 1000)
    }
    forget('time_to_clear_seconds')
    const { clearSeconds, settledPerSecond } = rate
    const isKnown = settledPerSecond !== null && partitions.every(({ lagRecords }) => lagRecords !== null)
    if (clearSeconds !== null || isKnown) set('time_to_clear_seconds', {}, clearSeconds ?? Infinity)
  }

  function lookAtDeadLetters() {
    for (const name of DLQ) clear(name)
    forget('dlq_unpublished')
    forget('dlq_asked_timestamp_seconds')
    const found = deadLetters()
    if (!found) return
    for (const { code, unresolved, lastHour, oldestUnresolvedAt } of found.byCode) {
      const label = { code: codeLabel(code) }
      set('dlq_unresolved', label, unresolved)
      set('dlq_last_hour', label, lastHour)
      const age = oldestUnresolvedAt === null ? 0 : (now() - oldestUnresolvedAt.getTime()) / 1000
      set('dlq_oldest_unresolved_seconds', label, Math.max(0, age))
    }
    set('dlq_unpublished', {}, found.unpublished)
    set('dlq_asked_timestamp_seconds', {}, found.asOf.getTime() / 1000)
  }

  return () => {
    add('records_consumed_total', {}, admitted() - consumed)
    consumed = admitted()
    add('telemetry_faults_total', {}, faults() - failed)
    failed = faults()
    lookAtLag()
    lookAtState()
    lookAtDeadLetters()
  }
}
