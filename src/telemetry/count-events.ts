// One event, one update of each counter and histogram that it concerns.
import { CRASH_REASONS, type TelemetryEvent } from './events.ts'
import type { Instruments } from './instruments.ts'
import { REASONS } from './tally.ts'

const OUTCOMES = {
  inserted: 'inserted',
  duplicates: 'duplicate',
  deadLettered: 'dead_lettered',
  ignored: 'ignored',
  alreadySettled: 'already_settled',
} as const
const FOUND = ['cached', 'stored', 'unknown'] as const
const outcomes = Object.keys(OUTCOMES) as (keyof typeof OUTCOMES)[]

/** What rules ask for by name. */
const SQLSTATES = ['40P01', '53100', '53200', '53300'] as const
/** With which a DLQ topic refuses a letter (kafka/refusal.ts). */
const REFUSALS = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_TIMESTAMP', 'INVALID_RECORD'] as const

/** From 0 on, or the first one would not be seen as an increase. Counters without labels begin so by themselves. */
export function begin({ add }: Instruments) {
  for (const each of outcomes) add('records_total', { outcome: OUTCOMES[each] }, 0)
  for (const found of FOUND) add('mapping_lines_total', { found }, 0)
  for (const outcome of ['ok', 'failed'] as const) add('offset_commits_total', { outcome }, 0)
  for (const direction of ['assigned', 'revoked'] as const) add('partitions_moved_total', { direction }, 0)
  for (const reason of CRASH_REASONS) add('consumer_restarts_total', { reason }, 0)
  for (const sqlstate of SQLSTATES) add('db_retries_total', { sqlstate }, 0)
  for (const code of REFUSALS) add('dlq_deferred_total', { code }, 0)
}

/** SQLSTATEs and codes of ours; anything else would be as many series as somebody likes. */
export const codeLabel = (code: string) => (/^[A-Za-z0-9_]{1,40}$/.test(code) ? code : 'OTHER')

export function count({ add, observe, addLatencies, set }: Instruments, event: TelemetryEvent): void {
  switch (event.type) {
    case 'flushed': {
      for (const each of outcomes) add('records_total', { outcome: OUTCOMES[each] }, event[each])
      const seconds = event.result.processingTimeMs / 1000
      const reason = REASONS.find((known) => known === event.reason) ?? 'other'
      observe('flush_duration_seconds', { reason, outcome: event.result.status }, seconds)
      observe('flush_records', {}, event.records)
      observe('flush_bytes', {}, event.bytes)
      addLatencies(event.latencies)
      for (const { code } of event.result.failedItems) add('dead_letters_total', { code: codeLabel(code) })
      return
    }
    case 'mapped':
      for (const found of FOUND) add('mapping_lines_total', { found }, event[found])
      return
    case 'isolated':
      return add('isolation_attempts_total', {}, event.attempts)
    case 'write-tried':
      return observe('db_operation_duration_seconds', { outcome: event.ok ? 'ok' : 'failed' }, event.ms / 1000)
    case 'connection-waited':
      return observe('db_connection_wait_seconds', {}, event.ms / 1000)
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
      if (event.awayMs === null) return
      add('rebalances_total', {})
      return observe('rebalance_duration_seconds', {}, event.awayMs / 1000)
    case 'assigned':
      for (const partition of event.partitions) add('records_consumed_total', { partition }, 0)
      return add('partitions_moved_total', { direction: 'assigned' }, event.partitions.length)
    case 'revoked':
      return add('partitions_moved_total', { direction: 'revoked' }, event.partitions.length)
    case 'committed':
      return add('offset_commits_total', { outcome: 'ok' })
    case 'commit-failed':
      return add('offset_commits_total', { outcome: 'failed' })
    case 'source-crashed':
      return add('consumer_restarts_total', { reason: event.reason })
    case 'dead-letters-published':
      for (const [code, by] of Object.entries(event.codes)) add('dlq_published_total', { code: codeLabel(code) }, by)
      if (event.durationMs !== null) observe('dlq_publish_duration_seconds', {}, event.durationMs / 1000)
      return
    case 'dead-letters-waiting':
      if (event.failed === 'topic') add('dlq_publish_failures_total', {})
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
