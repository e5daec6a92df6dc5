// What a member says of itself: its lag, its counts and its state, to the group through PostgreSQL, and to whoever asks over HTTP.
import { randomUUID } from 'node:crypto'
import type { Config } from './config.ts'
import { judge } from './http/health.ts'
import type { Vitals } from './http/vitals.ts'
import type { KafkaAdmin } from './kafka/admin.ts'
import type { Clock } from './lib/clock.ts'
import { version } from './lib/version.ts'
import type { Standing } from './pipeline/buffer.ts'
import { initialLimits, type LimitBounds } from './pipeline/limits.ts'
import type { Pipeline } from './pipeline/pipeline.ts'
import type { Database } from './sink/database.ts'
import { createMemberStore } from './sink/member-store.ts'
import type { KafkaSource } from './source/kafka-source.ts'
import type { Emit } from './telemetry/events.ts'
import { createLagWatch } from './telemetry/lag.ts'
import { createMemberReport } from './telemetry/member-report.ts'
import { createTally } from './telemetry/tally.ts'

export const boundsOf = (config: Config): LimitBounds => ({
  maxRecords: config.flushMaxRecords,
  maxBytes: config.flushMaxBytes,
  minAgeMs: config.flushMinAgeMs,
  maxAgeMs: config.flushMaxAgeMs,
  targetMs: config.flushTargetMs,
})

export type Working = {
  readonly pipeline: Pick<Pipeline, 'held' | 'standings' | 'admitted' | 'full'>
  readonly source: Pick<KafkaSource, 'owned'>
}

export type ReportingDeps = {
  readonly admin: KafkaAdmin
  readonly database: Database
  readonly vitals: Vitals
  readonly drain: AbortSignal
  readonly clock: Clock
  readonly emit: Emit
}

export type Reporting = ReturnType<typeof createReporting>

export function createReporting(config: Config, { admin, database, vitals, drain, clock, emit }: ReportingDeps) {
  const { groupId, topic } = config
  const memberId = randomUUID()
  const bounds = boundsOf(config)
  const { records, ageMs } = initialLimits(bounds)
  const tally = createTally(
    clock,
    Array.from({ length: config.flushLanes }, (_, lane) => ({ lane, records, ageMs })),
  )
  let working: Working | null = null

  const lag = createLagWatch({
    clock,
    standings: () => (working ? standingsOf(working) : []),
    ends: async () => new Map([...(await admin.endOffsets(topic))].map(([partition, { high }]) => [partition, high])),
    committed: () => admin.committedOffsets(groupId, topic),
    timestampAt: (partition, offset, end) => admin.timestampAt({ topic, partition, offset, end }),
  })
  const capacity = { maxRecords: config.bufferMaxRecords, maxBytes: config.bufferMaxBytes }
  const report = createMemberReport({
    ...{ lag, tally, bounds, clock, emit },
    store: createMemberStore(database, {
      ...{ groupId, topic, memberId, version, clientId: config.kafka.clientId },
      startedAt: new Date(clock.wall()),
    }),
    facts: () => {
      const facts = vitals.facts()
      const { held = { records: 0, bytes: 0 } } = working?.pipeline ?? {}
      return {
        phase: drain.aborted ? 'draining' : working ? 'running' : 'starting',
        health: judge(facts, config),
        buffer: { records: held.records, bytes: held.bytes, ...capacity },
        database: { unansweredMs: Math.round(facts.unansweredMs) },
      }
    },
  })
  return {
    ...{ memberId, tally, lag, report },
    /** Before that it is starting. */
    attach: (to: Working) => void (working = to),
    admitted: () => working?.pipeline.admitted() ?? new Map<number, number>(),
    full: () => working?.pipeline.full() ?? false,
  }
}

/** Also the partitions that are ours and of which nobody has said yet where to begin. */
function standingsOf({ pipeline, source }: Working): Standing[] {
  const known = new Map(pipeline.standings().map((each) => [each.partition, each]))
  return source
    .owned()
    .map((partition) => known.get(partition) ?? { partition, position: null, next: null, oldestAt: null })
}
