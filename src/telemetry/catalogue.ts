// Every metric once: its kind, labels and words. metrics.ts feeds them, docs/metrics.md is made of this (npm run docs). Base units,
// `_total` for counters, few values for each label.
import { LATENCY_BOUNDS } from '../lib/latencies.ts'

export type Metric = {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels?: readonly string[]
  readonly buckets?: readonly number[]
  /** `group`: every member says the same of the whole group; take max(), not sum(). */
  readonly of?: 'group'
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const
const RECORDS = [1, 10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000] as const
const BYTES = [1_024, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216] as const

/** On every series, also on those of prom-client itself: members of several groups may be scraped by one job. */
export const EVERYWHERE = ['group', 'topic'] as const

const catalogue = {
  build_info: { kind: 'gauge', help: 'Always 1.', labels: ['version', 'member'] },
  telemetry_faults_total: {
    kind: 'counter',
    help: 'Events that the log, the counts or these metrics failed to take: they lack them.',
  },
  live: { kind: 'gauge', help: '1 when /health says so: a restart would not help.' },
  ready: { kind: 'gauge', help: '1 when /ready says so: the member works, as far as it can tell.' },
  gate_closed: { kind: 'gauge', help: '1 while the gate of the group is closed, as this member knows it.' },
  partitions_assigned: { kind: 'gauge', help: 'Partitions that this member owns.' },
  partitions_paused: {
    kind: 'gauge',
    help: 'Of them, those of which nothing is taken at the moment; gate: it is closed; buffer: it is full; position: nobody has said yet where to begin; draining.',
    labels: ['reason'],
  },

  records_consumed_total: {
    kind: 'counter',
    help: 'Records that came in from Kafka, those read again included.',
    labels: ['partition'],
  },
  records_total: {
    kind: 'counter',
    help: 'Records settled in PostgreSQL by this member. already_settled: PostgreSQL had them, as the answer to a COMMIT was lost (then consumer_offset has their outcome) or another owner was ahead.',
    labels: ['outcome'],
  },
  partition_lag_records: {
    kind: 'gauge',
    help: 'Kafka’s end less the position in PostgreSQL. Absent while unknown.',
    labels: ['partition'],
  },
  partition_lag_seconds: {
    kind: 'gauge',
    help: 'Age of the oldest record that PostgreSQL does not hold; 0: there is none. Absent while unknown.',
    labels: ['partition'],
  },
  partition_position: {
    kind: 'gauge',
    help: 'Next offset that PostgreSQL does not hold (consumer_offset.next_offset), as this member knows it.',
    labels: ['partition'],
  },
  partition_committed: { kind: 'gauge', help: 'Kafka’s commit of the group.', labels: ['partition'] },
  partition_end: { kind: 'gauge', help: 'Kafka’s end of the partition.', labels: ['partition'] },
  partition_last_progress_timestamp_seconds: {
    kind: 'gauge',
    help: 'When this owner last saw the position move, or the partition without lag. It begins anew with each owner.',
    labels: ['partition'],
  },
  lag_asked_timestamp_seconds: { kind: 'gauge', help: 'When Kafka last said where its partitions end.' },
  time_to_clear_seconds: {
    kind: 'gauge',
    help: 'Until the lag of this member’s partitions is gone, at the rate of the last minute. +Inf: it does not get less. Absent while unknown.',
  },

  buffer_records: { kind: 'gauge', help: 'Records held, in flight included.' },
  buffer_bytes: { kind: 'gauge', help: 'The same in bytes of key, value and headers.' },
  buffer_limit_records: { kind: 'gauge', help: 'BUFFER_MAX_RECORDS.' },
  buffer_limit_bytes: { kind: 'gauge', help: 'BUFFER_MAX_BYTES.' },
  flush_limit_records: { kind: 'gauge', help: 'A lane flushes at so many records: adaptive.', labels: ['lane'] },
  flush_limit_age_seconds: {
    kind: 'gauge',
    help: 'Or when its oldest record is as old as this: adaptive.',
    labels: ['lane'],
  },

  flush_duration_seconds: {
    kind: 'histogram',
    help: 'From the first try until the batch was settled; reason: why it was cut (size, bytes, age, drain); outcome: success; partial_success: some of its records became dead letters; failed: all of them.',
    labels: ['reason', 'outcome'],
    buckets: SECONDS,
  },
  flush_records: { kind: 'histogram', help: 'Records of a batch.', buckets: RECORDS },
  flush_bytes: { kind: 'histogram', help: 'Bytes of a batch.', buckets: BYTES },
  end_to_end_latency_seconds: {
    kind: 'histogram',
    help: 'From the timestamp of the record until PostgreSQL had it.',
    buckets: LATENCY_BOUNDS,
  },
  db_operation_duration_seconds: {
    kind: 'histogram',
    help: 'One try to write a batch: mapping, transaction and COMMIT, the wait for a connection included; outcome: ok or failed.',
    labels: ['outcome'],
    buckets: SECONDS,
  },
  db_retries_total: {
    kind: 'counter',
    help: 'Flushes that failed and were tried again, by SQLSTATE (or a code of ours).',
    labels: ['sqlstate'],
  },
  db_connection_wait_seconds: {
    kind: 'histogram',
    help: 'From asking the pool of the pipeline for a connection until it was there, a new one or not, or was not to be had.',
    buckets: SECONDS,
  },
  mapping_lines_total: {
    kind: 'counter',
    help: 'Lines by where their item was found: in the cache, stored in PostgreSQL, or unknown (made, or near to another). The hit ratio of the cache is cached / all.',
    labels: ['found'],
  },
  isolation_attempts_total: {
    kind: 'counter',
    help: 'Tries of batches in which PostgreSQL refused a row: that many it took to find which, and to write the others. Each is a statement and its savepoint.',
  },
  batches_cut_total: { kind: 'counter', help: 'Batches that were too much for one transaction.', labels: ['code'] },
  fenced_batches_total: {
    kind: 'counter',
    help: 'Parts of batches that another owner had settled further: nothing was written of them.',
  },
  rewinds_total: {
    kind: 'counter',
    help: 'PostgreSQL held less than before (fail-over, reset): read again from there.',
  },
  database_unanswered_seconds: { kind: 'gauge', help: 'Since PostgreSQL last answered; it is asked every second.' },

  group_joins_total: {
    kind: 'counter',
    help: 'Times that this member joined the group: the first, and one for each rebalance.',
  },
  rebalances_total: { kind: 'counter', help: 'Rebalances that this member took part in, its first join not counted.' },
  rebalance_duration_seconds: {
    kind: 'histogram',
    help: 'From hearing of a rebalance, or the crash of the Kafka client, until this member had joined again. It fetches nothing meanwhile, and first writes what it holds.',
    buckets: SECONDS,
  },
  partitions_moved_total: {
    kind: 'counter',
    help: 'Partitions assigned to this member, or revoked.',
    labels: ['direction'],
  },
  consumer_restarts_total: {
    kind: 'counter',
    help: 'Kafka clients that were given up, or crashed; silent: it heard nothing of its group; evicted: the group had dropped it; outage: brokers or network; person: somebody must mend it, and the member ends; unknown.',
    labels: ['reason'],
  },
  offset_commits_total: { kind: 'counter', help: 'Commits to Kafka.', labels: ['outcome'] },
  offset_gaps_total: { kind: 'counter', help: 'Fetches that began beyond our position, and were sought back.' },
  offset_gap_records_total: { kind: 'counter', help: 'Offsets that such a fetch would have skipped.' },

  dead_letters_total: {
    kind: 'counter',
    help: 'Records that became dead letters, and replays that failed again.',
    labels: ['code'],
  },
  dlq_published_total: {
    kind: 'counter',
    help: 'Dead letters that this member put on the DLQ topic, by why they are dead letters.',
    labels: ['code'],
  },
  dlq_publish_duration_seconds: {
    kind: 'histogram',
    help: 'From the sending of dead letters, up to 500 at once, until all in-sync replicas of the DLQ topic had them. What failed is not in it.',
    buckets: SECONDS,
  },
  dlq_publish_failures_total: {
    kind: 'counter',
    help: 'Times that the DLQ topic did not take dead letters; not those for want of PostgreSQL. The log has the cause.',
  },
  dlq_deferred_total: {
    kind: 'counter',
    help: 'Dead letters that the DLQ topic refuses, whatever is left out of them.',
    labels: ['code'],
  },
  dlq_unresolved: {
    kind: 'gauge',
    help: 'Dead letters that nobody has dealt with: open, replayed or parked.',
    labels: ['code'],
    of: 'group',
  },
  dlq_oldest_unresolved_seconds: { kind: 'gauge', help: 'Age of the oldest of them.', labels: ['code'], of: 'group' },
  dlq_letters: {
    kind: 'gauge',
    help: 'Dead letters; open: nobody has dealt with it; replayed: sent again, outcome not known yet; parked: it failed again after three replays; resolved: its event is in the ledger; discarded.',
    labels: ['status'],
    of: 'group',
  },
  dlq_last_hour: { kind: 'gauge', help: 'Dead letters of the last hour.', labels: ['code'], of: 'group' },
  dlq_unpublished: { kind: 'gauge', help: 'Dead letters that are not on the DLQ topic yet.', of: 'group' },
  dlq_asked_timestamp_seconds: {
    kind: 'gauge',
    help: 'When PostgreSQL was last asked for these figures of dead letters.',
  },
} as const satisfies Record<string, Metric>

export type MetricName = keyof typeof catalogue
export const PREFIX = 'sluice_'
export const CATALOGUE: Readonly<Record<MetricName, Metric>> = catalogue
export const metricNames = Object.keys(catalogue) as MetricName[]
/** The labels that a metric must be given. */
export type LabelsOf<N extends MetricName> = (typeof catalogue)[N] extends {
  labels: readonly (infer L extends string)[]
}
  ? Record<L, string | number>
  : Record<never, never>
