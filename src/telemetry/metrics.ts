// The metrics of a member: events are counted as they come (count-events.ts); what has a value at any time is set when somebody looks.
import type * as Prom from 'prom-client'
import { begin, codeLabel, count } from './count-events.ts'
import type { TelemetryEvent } from './events.ts'
import { createInstruments, type Instruments } from './instruments.ts'
import type { LagView } from './lag.ts'
import type { MemberState } from './member-state.ts'

export type DeadLetterFigures = {
  readonly asOf: Date
  readonly unpublished: number
  readonly byStatus: Readonly<Record<string, number>>
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
  /** By partition. */
  readonly admitted: () => ReadonlyMap<number, number>
  readonly full: () => boolean
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
    observe: (event: TelemetryEvent) => count(instruments, event),
    /** Prometheus's text format. */
    text(): Promise<string> {
      look()
      return registry.metrics()
    },
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
const DLQ = ['dlq_letters', 'dlq_unresolved', 'dlq_oldest_unresolved_seconds', 'dlq_last_hour'] as const

function createLook(instruments: Instruments, sources: MetricSources) {
  const { add, set, clear, forget } = instruments
  const { now, state, lag, faults, deadLetters } = sources
  const progress = new Map<number, { position: number; at: number }>()
  const consumed = new Map<number, number>()
  let failed = 0

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
    const { phase, health, gate, partitions, buffer, limits, rate, database } = state()
    set('live', {}, Number(health.live))
    set('ready', {}, Number(health.ready))
    set('gate_closed', {}, Number(gate !== null))
    set('partitions_assigned', {}, partitions.length)
    const all = (paused: boolean) => (paused ? partitions.length : 0)
    set('partitions_paused', { reason: 'gate' }, all(gate !== null))
    set('partitions_paused', { reason: 'buffer' }, all(sources.full()))
    set('partitions_paused', { reason: 'draining' }, all(phase === 'draining'))
    set('partitions_paused', { reason: 'position' }, partitions.filter(({ position }) => position === null).length)
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
    for (const [status, count] of Object.entries(found.byStatus)) set('dlq_letters', { status }, count)
    set('dlq_unpublished', {}, found.unpublished)
    set('dlq_asked_timestamp_seconds', {}, found.asOf.getTime() / 1000)
  }

  return () => {
    for (const [partition, records] of sources.admitted()) {
      add('records_consumed_total', { partition }, records - (consumed.get(partition) ?? 0))
      consumed.set(partition, records)
    }
    add('telemetry_faults_total', {}, faults() - failed)
    failed = faults()
    lookAtLag()
    lookAtState()
    lookAtDeadLetters()
  }
}
