// Where to begin a partition. PostgreSQL's offset row is the truth; Kafka's view is held against it before the first
// record is taken, as three things would otherwise lose records without any error: an empty database behind an old
// group, a topic that was deleted and made again, and retention that deleted what was never read.
import { ExitCode, OperatorError } from '../lib/operator-error.ts'

/** The offset rows of this group and topic. */
export type PositionStore = {
  load(partitions: readonly number[]): Promise<ReadonlyMap<number, { nextOffset: bigint; topicId: string | null }>>
  /** Leaves rows that are there as they are. */
  insertIfAbsent(rows: readonly { partition: number; nextOffset: bigint; topicId: string | null }[]): Promise<void>
}

/** What the brokers say of the topic and the group now. */
export type BrokerView = {
  topicId(): Promise<string | null>
  /** First offset still there, and the end offset, per partition. */
  bounds(): Promise<ReadonlyMap<number, { low: bigint; high: bigint }>>
  committed(): Promise<ReadonlyMap<number, bigint | null>>
}

export type StartPosition = { position: bigint; kafka: bigint | null }

type Finding = { partition: number; message: string }

/** @throws OperatorError when beginning would lose records; the finding was confirmed by a second look. */
export async function startPositions(
  partitions: readonly number[],
  deps: { store: PositionStore; broker: BrokerView; confirm: () => Promise<void> },
): Promise<Map<number, StartPosition>> {
  const first = await look(partitions, deps)
  if (first.findings.length === 0) return first.positions
  // Metadata may be seconds behind after a leader change: look again before stopping for it.
  await deps.confirm()
  const second = await look(partitions, deps)
  const [finding] = second.findings
  if (!finding) return second.positions
  throw new OperatorError(
    finding.message,
    'stop the members, then decide where to go on: `sluice offsets reset --to earliest --yes`, or `--to kafka --yes`',
    ExitCode.fatal,
  )
}

async function look(
  partitions: readonly number[],
  { store, broker }: { store: PositionStore; broker: BrokerView },
): Promise<{ positions: Map<number, StartPosition>; findings: Finding[] }> {
  // Database first, Kafka second: the log only grows, so a position beyond its end is a finding and not a race.
  const rows = await store.load(partitions)
  const [bounds, committed, topicId] = await Promise.all([broker.bounds(), broker.committed(), broker.topicId()]).catch(
    waitFor('Kafka does not say where the topic stands'),
  )
  const findings: Finding[] = []
  const absent: { partition: number; nextOffset: bigint; topicId: string | null }[] = []
  for (const partition of partitions) {
    const log = bounds.get(partition)
    if (!log) throw waiting(`the brokers do not know partition ${partition} yet`)
    const row = rows.get(partition)
    const kafka = committed.get(partition) ?? null
    const message = findingOf(row, log, kafka, topicId)
    if (message) findings.push({ partition, message: `partition ${partition}: ${message}` })
    else if (!row) absent.push({ partition, nextOffset: log.low, topicId })
  }
  if (findings.length > 0) return { positions: new Map(), findings }
  if (absent.length > 0) await store.insertIfAbsent(absent)
  // Read back: another member may have inserted first.
  const settled = absent.length > 0 ? await store.load(partitions) : rows
  const positions = new Map<number, StartPosition>()
  for (const [partition, { nextOffset }] of settled)
    positions.set(partition, { position: nextOffset, kafka: committed.get(partition) ?? null })
  return { positions, findings }
}

type Row = { readonly nextOffset: bigint; readonly topicId: string | null }
type Log = { readonly low: bigint; readonly high: bigint }

/** Why a member would not begin there; null: it would. */
export const findingOf = (row: Row | undefined, log: Log, kafka: bigint | null, topicId: string | null) =>
  row ? doubt(row, log, topicId) : orphaned(kafka, log)

/** What the brokers cannot say now (an election, a restart) they say later: never a reason to stop. */
const waiting = (message: string, cause?: unknown) =>
  new OperatorError(message, 'check the brokers, if it lasts', ExitCode.unavailable, { cause })

const waitFor = (message: string) => (cause: unknown) => {
  throw cause instanceof OperatorError ? cause : waiting(message, cause)
}

function doubt(row: Row, log: Log, topicId: string | null): string | null {
  if (row.topicId && topicId && row.topicId !== topicId)
    return `the topic was deleted and made again (its id was ${row.topicId}, is ${topicId}); our position ${row.nextOffset} belongs to the old one`
  if (row.nextOffset < log.low)
    return `records ${row.nextOffset} to ${log.low - 1n} were deleted by retention before they were read`
  if (row.nextOffset > log.high)
    return `our position ${row.nextOffset} is beyond the end of the topic (${log.high}): it was truncated or made again`
  return null
}

function orphaned(kafka: bigint | null, log: Log): string | null {
  if (kafka === null || kafka <= log.low) return null
  return `the group committed ${kafka} in Kafka, but PostgreSQL has no position: beginning anywhere could lose or repeat records`
}
