// For each alert what makes it fire, as changes to the series of a healthy group of two members. Notation of promtool:
// `0+5x60` begins at 0 and adds 5, sixty times, a minute each.

const MINUTES = 120
const flat = (value: number) => `${value}+0x${MINUTES}`
const rising = (perMinute: number) => `0+${perMinute}x${MINUTES}`
/** One more every ten minutes, the first in the second minute: as a series begins, so that the first one counts. */
const everyTenMinutes = Array.from({ length: MINUTES }, (_, minute) => Math.ceil(minute / 10)).join(' ')
/** One, in the third minute before the look at minute 60. */
const oneAt58 = `${'0 '.repeat(58)}1+0x${MINUTES}`
/** In unit tests of promtool time begins at 0. */
const now = `0+60x${MINUTES}`
const target = (n: number) => `job="sluice",instance="member-${n}:8080"`
const member = (n: number) => `${target(n)},group="sluice",topic="lines"`
/** Another group, of which the first member's job scrapes one. */
const other = 'job="sluice",instance="other-1:8080",group="other",topic="lines"'

/** By the first member for three minutes, then by the second; a minute passes before the next owner tells. */
const ownedInTurns = (n: number, value: number) =>
  Array.from({ length: MINUTES }, (_, minute) => (Math.floor(minute / 3) % 2 === n - 1 && minute % 3 > 0 ? value : 'stale')).join(' ') // prettier-ignore

/** Values by series. */
export type Series = Readonly<Record<string, string>>

const ofMember = (n: number): Series => {
  const at = member(n)
  const partition = `${at},partition="${n - 1}"`
  return {
    [`up{${target(n)}}`]: flat(1),
    [`sluice_build_info{${at}}`]: flat(1),
    [`process_start_time_seconds{${at}}`]: flat(1),
    [`nodejs_eventloop_lag_p99_seconds{${at}}`]: flat(0.02),
    [`sluice_ready{${at}}`]: flat(1),
    [`sluice_gate_closed{${at}}`]: flat(0),
    [`sluice_partitions_assigned{${at}}`]: flat(1),
    [`sluice_records_consumed_total{${partition}}`]: rising(600),
    [`sluice_records_total{${at},outcome="dead_lettered"}`]: `0+1x${MINUTES}`,
    [`sluice_partition_lag_records{${partition}}`]: `20 0 40 10 0 30 5 0 90 0+0x${MINUTES}`,
    [`sluice_partition_lag_seconds{${partition}}`]: `1 0 2 1 0 1 1 0 3 0+0x${MINUTES}`,
    [`sluice_partition_position{${partition}}`]: rising(600),
    [`sluice_lag_asked_timestamp_seconds{${at}}`]: now,
    [`sluice_rebalances_total{${at}}`]: `0 1 2 2+0x${MINUTES}`,
    [`sluice_consumer_restarts_total{${at},reason="outage"}`]: `0 1 1+0x${MINUTES}`,
    [`sluice_fenced_batches_total{${at}}`]: `0 1 1+0x${MINUTES}`,
    [`sluice_rewinds_total{${at}}`]: flat(0),
    [`sluice_offset_gap_records_total{${at}}`]: flat(0),
    [`sluice_offset_commits_total{${at},outcome="ok"}`]: rising(60),
    [`sluice_offset_commits_total{${at},outcome="failed"}`]: `0 1 2 2+0x${MINUTES}`,
    [`sluice_database_unanswered_seconds{${at}}`]: flat(0.5),
    [`sluice_db_retries_total{${at},sqlstate="40P01"}`]: `0 1 1+0x${MINUTES}`,
    [`sluice_flush_duration_seconds_bucket{${at},reason="age",outcome="success",le="1"}`]: rising(60),
    [`sluice_flush_duration_seconds_bucket{${at},reason="age",outcome="success",le="10"}`]: rising(60),
    [`sluice_flush_duration_seconds_bucket{${at},reason="age",outcome="success",le="30"}`]: rising(60),
    [`sluice_flush_duration_seconds_bucket{${at},reason="age",outcome="success",le="+Inf"}`]: rising(60),
    [`sluice_dlq_oldest_unresolved_seconds{${at},code="JSON_INVALID"}`]: flat(86_400),
    [`sluice_dlq_publish_failures_total{${at}}`]: flat(0),
    [`sluice_dlq_deferred_total{${at},code="MESSAGE_TOO_LARGE"}`]: flat(0),
    [`sluice_dlq_unpublished{${at}}`]: `3 0 0+0x${MINUTES}`,
  }
}
export const healthy: Series = { ...ofMember(1), ...ofMember(2) }

export type Case = {
  readonly what: string
  /** All that fire, and no other. */
  readonly alerts: readonly string[]
  /** Other values; null: the series is not there. */
  readonly changes: (series: Series) => Readonly<Record<string, string | null>>
  readonly atMinute?: number
}

const every = (name: string, value: string | null) => (series: Series) =>
  Object.fromEntries(Object.keys(series).flatMap((key) => (key.startsWith(`${name}{`) ? [[key, value]] : [])))
const one =
  (name: string, value: string, labels = '') =>
  () => ({
    [`sluice_${name}{${member(1)}${labels === '' ? '' : `,${labels}`}}`]: value,
  })
const inPartition = (name: string, value: string) => one(`partition_${name}`, value, 'partition="0"')
const both =
  (...changes: Case['changes'][]): Case['changes'] =>
  (series) =>
    Object.assign({}, ...changes.map((change) => change(series))) as Record<string, string | null>

export const cases: readonly Case[] = [
  { what: 'the oldest record waits for 11 minutes, and more', alerts: ['SluiceLagHigh'], changes: inPartition('lag_seconds', flat(660)) },
  { what: 'the lag grows', alerts: ['SluiceLagGrowing'], changes: inPartition('lag_records', rising(1_000)) },
  {
    what: 'a position stands still',
    alerts: ['SluiceStuck'],
    changes: both(inPartition('lag_records', flat(7)), inPartition('position', flat(60))),
  },
  {
    what: 'a position stands still, behind a rebalance every three minutes',
    alerts: ['SluiceStuck'],
    changes: () =>
      Object.fromEntries(
        [1, 2].flatMap((n) =>
          [['lag_records', 7] as const, ['position', 60] as const].map(([name, value]) => [
            `sluice_partition_${name}{${member(n)},partition="0"}`,
            ownedInTurns(n, value),
          ]),
        ),
      ),
  },
  { what: 'four days behind', alerts: ['SluiceLagHigh', 'SluiceRetentionNear'], changes: inPartition('lag_seconds', flat(345_600)) },
  { what: 'Kafka does not answer', alerts: ['SluiceLagUnknown'], changes: every('sluice_lag_asked_timestamp_seconds', flat(60)) },
  {
    what: 'no member runs',
    alerts: ['SluiceNoMembers'],
    changes: (series) => Object.fromEntries(Object.keys(series).map((key) => [key, null])),
  },
  {
    what: 'no member of another group runs any more, ours do',
    alerts: ['SluiceNoMembers'],
    changes: () => ({ [`sluice_build_info{${other}}`]: '1x40 stale' }),
  },
  { what: 'a member is down', alerts: ['SluiceMemberDown'], changes: () => ({ [`up{${target(1)}}`]: flat(0) }) },
  { what: 'nobody owns anything', alerts: ['SluiceNoPartitions'], changes: every('sluice_partitions_assigned', flat(0)) },
  { what: 'a member is not ready', alerts: ['SluiceNotReady'], changes: one('ready', flat(0)) },
  {
    what: 'the gate is closed: that alone is told, not what follows from it',
    alerts: ['SluiceGateClosed'],
    changes: both(
      every('sluice_gate_closed', flat(1)),
      every('sluice_ready', flat(0)),
      inPartition('lag_records', flat(7)),
      inPartition('position', flat(60)),
    ),
  },
  {
    what: 'the gate of another group is closed: that says nothing of a position of ours',
    alerts: ['SluiceGateClosed', 'SluiceStuck'],
    changes: both(
      () => ({ [`sluice_gate_closed{${other}}`]: flat(1), [`sluice_build_info{${other}}`]: flat(1) }),
      inPartition('lag_records', flat(7)),
      inPartition('position', flat(60)),
    ),
  },
  { what: 'rebalances all the time', alerts: ['SluiceRebalancing'], changes: every('sluice_rebalances_total', rising(1)) },
  { what: 'the Kafka client ends again and again', alerts: ['SluiceKafkaClientRestarts'], changes: one('consumer_restarts_total', rising(1), 'reason="outage"') },
  { what: 'a member that is restarted again and again', alerts: ['SluiceProcessRestarts'], changes: () => ({ [`process_start_time_seconds{${member(1)}}`]: rising(60) }) },
  { what: 'no CPU', alerts: ['SluiceEventLoopSlow'], changes: () => ({ [`nodejs_eventloop_lag_p99_seconds{${member(1)}}`]: flat(3) }) },
  { what: 'members write what others have settled', alerts: ['SluiceFenced'], changes: one('fenced_batches_total', rising(2)) },
  { what: 'PostgreSQL failed over', alerts: ['SluiceRewound'], changes: one('rewinds_total', oneAt58) },
  { what: 'a gap', alerts: ['SluiceOffsetGap'], changes: one('offset_gap_records_total', `${'0 '.repeat(55)}400+0x${MINUTES}`) },
  {
    what: 'no commit succeeds',
    alerts: ['SluiceCommitFailing'],
    changes: both((series) => Object.fromEntries(Object.keys(series).filter((key) => /outcome="ok"/.test(key)).map((key) => [key, flat(5)])), one('offset_commits_total', rising(6), 'outcome="failed"')),
  },
  { what: 'PostgreSQL is away', alerts: ['SluiceDatabaseSilent'], changes: one('database_unanswered_seconds', rising(60)) },
  { what: 'deadlocks', alerts: ['SluiceDatabaseRetries'], changes: one('db_retries_total', rising(1), 'sqlstate="40P01"') },
  { what: 'too many connections', alerts: ['SluiceDatabaseRetries'], changes: one('db_retries_total', rising(1), 'sqlstate="53300"') },
  { what: 'retries for another reason', alerts: [], changes: one('db_retries_total', rising(1), 'sqlstate="55P03"') },
  {
    what: 'slow flushes',
    alerts: ['SluiceFlushSlow'],
    changes: (series) => Object.fromEntries(Object.keys(series).filter((key) => /le="(1|10)"/.test(key)).map((key) => [key, rising(30)])),
  },
  { what: 'many dead letters', alerts: ['SluiceDeadLettersMany'], changes: one('records_total', rising(30), 'outcome="dead_lettered"') },
  { what: 'a dead letter that nobody looks at', alerts: ['SluiceDeadLettersOld'], changes: one('dlq_oldest_unresolved_seconds', flat(700_000), 'code="JSON_INVALID"') },
  { what: 'the DLQ topic could not be written, once', alerts: ['SluiceDlqPublishFailing'], changes: one('dlq_publish_failures_total', oneAt58) },
  { what: 'the DLQ topic cannot be written', alerts: ['SluiceDlqPublishFailing'], changes: one('dlq_publish_failures_total', rising(1)) },
  { what: 'dead letters wait', alerts: ['SluiceDlqBacklog'], changes: every('sluice_dlq_unpublished', flat(9)) },
  {
    what: 'a dead letter is refused',
    alerts: ['SluiceDlqBacklog', 'SluiceDlqDeferred'],
    changes: both(every('sluice_dlq_unpublished', flat(1)), one('dlq_deferred_total', everyTenMinutes, 'code="MESSAGE_TOO_LARGE"')),
  },
  { what: 'a dead letter was refused, and is resolved', alerts: [], changes: one('dlq_deferred_total', flat(1), 'code="MESSAGE_TOO_LARGE"') },
  {
    what: 'a dead letter was refused, and is resolved; others wait',
    alerts: ['SluiceDlqBacklog'],
    changes: both(every('sluice_dlq_unpublished', flat(9)), one('dlq_deferred_total', flat(1), 'code="MESSAGE_TOO_LARGE"')),
  },
] // prettier-ignore

/** As promtool takes it: at that minute these alerts fire, and no other. */
export function promtoolTest({ alerts, changes, atMinute = 60 }: Omit<Case, 'what'>) {
  const series = { ...healthy, ...changes(healthy) }
  return {
    interval: '1m',
    input_series: Object.entries(series).flatMap(([name, values]) =>
      values === null ? [] : [{ series: name, values }],
    ),
    promql_expr_test: [
      {
        expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
        eval_time: `${atMinute}m`,
        exp_samples: alerts.map((alertname) => ({ labels: `{alertname="${alertname}"}`, value: 1 })),
      },
    ],
  }
}
