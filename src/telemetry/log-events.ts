// Telemetry events → log lines. WARN: recovered, nothing lost. ERROR: an operator must act. Every flush at debug, one
// summary a minute at info.
import type { Logger } from 'pino'
import type { TelemetryEvent } from './events.ts'

export function createEventLog(log: Logger, now: () => number) {
  let since = now()
  let summary = emptySummary()

  function flushed(event: Extract<TelemetryEvent, { type: 'flushed' }>) {
    const { type: _, result, latencies: __, ...line } = event
    const { failedItems, processingTimeMs, ...outcome } = result
    const codes: Record<string, number> = {}
    for (const { error: ___, traceId, ...item } of failedItems) {
      codes[item.code] = (codes[item.code] ?? 0) + 1
      summary.codes[item.code] = (summary.codes[item.code] ?? 0) + 1
      log.warn(traceId === null ? item : { ...item, traceId }, 'dead letter')
    }
    log.debug({ ...line, durationMs: processingTimeMs, ...outcome, codes }, 'flushed')
    summary.flushes += 1
    for (const key of ['records', 'inserted', 'duplicates', 'deadLettered', 'ignored'] as const)
      summary[key] += event[key]
    summary.buffered = event.buffered
  }

  /** What happened since the last one; to be called once a minute. */
  function summarise() {
    const seconds = (now() - since) / 1000
    const recordsPerSecond = Math.round(summary.records / Math.max(seconds, 0.001))
    log.info({ ...summary, seconds: Math.round(seconds), recordsPerSecond }, 'summary')
    since = now()
    summary = { ...emptySummary(), buffered: summary.buffered }
  }

  const emit = (event: TelemetryEvent): void => {
    const { type, ...fields } = event
    switch (event.type) {
      case 'flushed':
        return flushed(event)
      case 'mapped':
        return log.trace(fields, 'mapped')
      case 'isolated':
        return log.debug(fields, 'looked for rows that PostgreSQL refuses')
      case 'write-tried':
        return log.trace(fields, 'write tried')
      case 'connection-waited':
        return log.trace(fields, 'connection waited for')
      case 'joined':
        return log.debug(fields, 'joined the group')
      case 'assigned':
      case 'revoked':
        return log.info(fields, `partitions ${type}`)
      case 'positioned':
        return log.info(event.kafka === event.position ? fields : { ...fields, note: note(event) }, 'starting position')
      case 'overtaken':
        return log.warn(fields, 'another owner was ahead; what it settled is dropped here')
      case 'rewound':
        return log.warn(fields, 'PostgreSQL is behind us (fail-over or reset); reading again from its position')
      case 'gap':
        return log.warn(fields, 'fetched beyond our position; seeking back')
      case 'rebalancing':
        return log.info(fields, 'the group is rebalancing')
      case 'flush-retry':
        return log.warn(withCause(event), 'cannot reach the sink or it refuses for now; trying again')
      case 'batch-cut':
        return log.warn(fields, 'too much for one transaction; cutting the batch smaller')
      case 'gate-closed':
        return event.code === 'PAUSED'
          ? log.warn(fields, 'the gate is closed by an operator; nothing is written until `sluice resume`')
          : log.error(fields, 'the gate is closed; nothing is written until `sluice resume`')
      case 'gate-opened':
        return log.info(fields, 'the gate is open')
      case 'position-retry':
        return log.warn(withCause(event), 'cannot hold Kafka against PostgreSQL for now; trying again')
      case 'committed':
        return log.trace(fields, 'committed')
      case 'commit-failed':
        return log.warn(fields, 'commit to Kafka failed; PostgreSQL has the position, trying again')
      case 'source-crashed':
        return event.restarts
          ? log.warn(withCause(event), 'the Kafka client restarts')
          : log.error(withCause(event), 'the Kafka client ended')
      case 'dead-letters-published':
        return log.info(fields, 'dead letters published')
      case 'dead-letters-waiting':
        return event.cause === null
          ? log.warn(withoutCause(event), 'dead letters wait in PostgreSQL to be relayed')
          : log.warn(withCause(event), 'cannot relay dead letters for now; they wait in PostgreSQL')
      case 'dead-letter-deferred':
        return log.error(fields, 'the DLQ topic refuses this dead letter, whatever is left out; it waits in PostgreSQL')
      case 'reporting':
        return event.cause === null
          ? log.info({}, 'this member can tell the group again how it is')
          : log.warn(withCause(event), 'this member cannot tell the group how it is; its work goes on')
      case 'draining':
        return log.info(fields, 'draining')
      case 'stopped':
        if (summary.flushes > 0) summarise()
        if (event.clean) return log.info(fields, 'stopped')
        return event.held
          ? log.warn(fields, 'stopped at a closed gate; what is left is read again')
          : log.error(fields, 'stopped with records unsettled')
    }
  }
  return { emit, summarise }
}

const emptySummary = () => ({
  ...{ flushes: 0, records: 0, inserted: 0, duplicates: 0, deadLettered: 0, ignored: 0, buffered: 0 },
  codes: {} as Record<string, number>,
})

const withoutCause = ({ cause: _, type: __, ...fields }: { type: string; cause: unknown }) => fields
const withCause = ({ cause, type: _, ...fields }: { type: string; cause: unknown }) => ({ ...fields, err: cause })

const note = ({ position, kafka }: { position: bigint; kafka: bigint | null }) =>
  kafka === null
    ? 'nothing committed in Kafka'
    : kafka < position
      ? "Kafka's commit lags; records below the position are skipped"
      : "Kafka's commit is ahead and is not followed; to move us use `sluice offsets reset`"
