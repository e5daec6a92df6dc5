// The sink: settles a batch in ONE transaction, all of it or nothing (design §4). The first statement locks the offset
// rows and compares, the last moves them; what is between takes its locks in one order (statements.ts).
// If the answer to COMMIT is lost, write() throws. Writing the same batch again finds next_offset ≥ to, writes nothing and
// reports positions only: the counts of such a batch are in consumer_offset, not in any WriteResult.
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import { traceIdOf } from '../lib/traceparent.ts'
import type { Decoded } from '../line-items/decode.ts'
import { messageOf } from '../line-items/fault.ts'
import type { BreakerLimits, BreakerMemory } from '../pipeline/breaker.ts'
import type { Batch, Entry, Sink, WriteResult } from '../pipeline/sink.ts'
import type { SourceRecord } from '../pipeline/source-record.ts'
import { type Budget, type Care, createBudget, createCare } from './attempts.ts'
import { askBreaker, BreakerTripped } from './breaker.ts'
import { classifyError, isOversized, maxRecordsOf, SinkError, wantsFreshPool } from './classify.ts'
import type { Database } from './database.ts'
import { AggregateOverflow, type Findings, MappingsChanged, StaleMapping } from './findings.ts'
import type { GateStore } from './gate-store.ts'
import { moveInventory } from './inventory.ts'
import { type LedgerOutcome, writeLedger } from './ledger.ts'
import { letterId, letterOf } from './letter.ts'
import { lockLetters, resolveReread, writeLetters } from './letters.ts'
import { mapAgain, mapBatch } from './map-batch.ts'
import type { MappingStore } from './mapping-store.ts'
import { judge } from './parts.ts'
import { claimsOf, matchReplays, settleReplays } from './replays.ts'
import { type Mapped, type Rejected, rejectedOf, type Sorted, sortEntries } from './sorted.ts'
import { advanceOffsets, lockOffsets, mappingVersion, type OffsetRow, type Owner } from './statements.ts'
import { createTally } from './tally.ts'
import type { Tx } from './writer.ts'

export type SinkDeps = Owner & {
  readonly database: Database
  readonly mappings: MappingStore
  readonly gate: Pick<GateStore, 'close'>
  readonly breaker: BreakerLimits
  readonly clock: Pick<Clock, 'wall' | 'now'>
  /** Tries of one batch in which the database refused a row. */
  readonly onIsolated?: (attempts: number) => void
}

export function createSink(deps: SinkDeps): Sink<Decoded> {
  const { database } = deps
  const care = createCare()
  return {
    async write(batch) {
      const client = database.client()
      const budget = createBudget(batch.entries.length, deps.clock.now)
      try {
        return await write({ ...deps, care }, batch, budget)
      } catch (error) {
        if (error instanceof BreakerTripped) await deps.gate.close(error.closing, error.seen)
        else if (wantsFreshPool(classifyError(error))) {
          database.recreate(client)
          deps.mappings.clear() // the server may be another one, which lost what was committed last
        }
        throw error
      } finally {
        const attempts = budget.isolating()
        if (attempts > 0) deps.onIsolated?.(attempts)
      }
    },
    classify(error) {
      const verdict = classifyError(error)
      const { fate, code } = verdict
      // A row fault that gets here was not the fault of one record.
      return {
        fate: fate === 'row' ? 'fatal' : fate,
        code,
        oversized: isOversized(verdict),
        maxRecords: maxRecordsOf(error),
        cause: error,
      }
    },
    probe: () => database.probe(),
  }
}

/** Another item may have the room: what the first one could not take is forgotten with it. */
const UNKNOWN_STOCK = { overflowing: new Map<SourceRecord, string | null>() }

type Deps = SinkDeps & { readonly care: Care }

async function write(deps: Deps, batch: Batch<Decoded>, budget: Budget): Promise<WriteResult> {
  let mapped: Mapped | null = await mapBatch(deps.mappings, batch, budget)
  let found: Findings = { ...UNKNOWN_STOCK, remapped: false, refused: deps.care.isDue(), immediate: false }
  // Ends: each round adds a finding, the lines that can overflow are those of the batch, and once `mapped` is null nobody changes mappings.
  for (;;) {
    try {
      return await settle(deps, batch, { mapped, found, budget })
    } catch (error) {
      if (error instanceof AggregateOverflow) {
        deps.care.take()
        found = { ...found, overflowing: new Map([...found.overflowing, ...error.lines]) }
      } else if (error instanceof StaleMapping) {
        deps.mappings.clear()
        mapped = await mapBatch(deps.mappings, batch, budget)
        found = { ...found, ...UNKNOWN_STOCK, remapped: true }
      } else if (error instanceof MappingsChanged) {
        mapped = null
        found = { ...found, ...UNKNOWN_STOCK }
      } else if (classifyError(error).fate === 'row' && !found.immediate) {
        // At first it may be any row; with care it can only be what waited for COMMIT.
        budget.refused()
        deps.care.take()
        found = { ...found, refused: true, immediate: found.refused }
      } else throw error
    }
  }
}

/** `mapped` null: to be mapped in the transaction. */
type Try = { readonly mapped: Mapped | null; readonly found: Findings; readonly budget: Budget }

async function settle(deps: Deps, batch: Batch<Decoded>, attempt: Try): Promise<WriteResult> {
  failpoint('before_transaction')
  const result = await deps.database.transaction(async (tx) => {
    const partitions = batch.parts.map((part) => part.partition)
    const rows = await lockOffsets(tx, deps, partitions)
    failpoint('offsets_locked')
    if (rows.some(({ gateClosed }) => gateClosed)) throw new SinkError('held', 'GATE_CLOSED', 'the gate is closed')
    const { parts, entries, positions } = judge(batch, new Map(rows.map((row) => [row.partition, row.nextOffset])))
    const tally = createTally(parts)
    if (parts.length === 0) return { positions, ...tally.total() }
    if (attempt.found.immediate) await tx.$executeRawUnsafe('SET CONSTRAINTS ALL IMMEDIATE')

    const mapped = attempt.mapped ?? (await mapAgain(deps.mappings, batch, attempt.budget))
    const sorted = sortEntries(entries, mapped, attempt.found.overflowing)
    const attempting = { budget: attempt.budget, undoable: attempt.found.refused }
    const outcome = await writeLedger(tx, sorted.lines, { topic: deps.topic, attempting })
    failpoint('ledger_written')
    if (outcome.refused.some(({ sqlstate }) => sqlstate !== null)) deps.care.take()
    if (!attempt.found.remapped && outcome.refused.some(({ sqlstate }) => sqlstate === '23503'))
      throw new StaleMapping()
    const memories = await settleFailures(deps, tx, { rows, entries, sorted, outcome, tally, budget: attempt.budget })
    const overflowing = await moveInventory(tx, outcome.inserted, { lines: sorted.lines, attempting })
    if (overflowing.size > 0) throw new AggregateOverflow(overflowing)
    failpoint('inventory_written')

    for (const { record } of outcome.inserted) tally.add('inserted', record.partition)
    for (const { record } of outcome.duplicates) tally.add('duplicate', record.partition)
    for (const { partition } of sorted.ignored) tally.add('ignored', partition)
    const moved = await advanceOffsets(tx, { ...deps, mappings: mapped.version }, tally.advances(memories))
    if (moved === 0 && mapped.version !== null && (await mappingVersion(tx)) !== mapped.version)
      throw new MappingsChanged()
    if (moved !== parts.length) throw new SinkError('fatal', 'OFFSET_ROW_MISSING', 'an offset row vanished')
    failpoint('before_commit')
    return { positions, ...tally.total() }
  })
  failpoint('after_commit')
  return result
}

type Failing = {
  readonly rows: readonly OffsetRow[]
  readonly entries: readonly Entry<Decoded>[]
  readonly sorted: Sorted
  readonly outcome: LedgerOutcome
  readonly tally: ReturnType<typeof createTally>
  readonly budget: Budget
}

/** Replays, the breaker, dead letters: in this order, as a replay is no new letter and a tripped breaker writes none. */
async function settleFailures(
  deps: SinkDeps,
  tx: Tx,
  { rows, entries, sorted, outcome, tally, budget }: Failing,
): Promise<Map<number, BreakerMemory>> {
  const failedAt = new Date(deps.clock.wall())
  const rejected = new Map<SourceRecord, Rejected>(
    [...sorted.rejected, ...outcome.refused.map(rejectedOf)].map((each) => [each.record, each]),
  )
  const ignored = new Set(sorted.ignored)
  const records = entries.map(({ record }) => record)
  const topicIds = new Map(rows.map((row) => [row.partition, row.topicId]))
  const coordinates = (partition: number) => ({ ...deps, topicId: topicIds.get(partition) ?? null })
  const idOf = ({ partition, offset }: SourceRecord) => letterId(coordinates(partition), partition, offset)
  // Partitions whose position was set back know up to where their records are read again.
  const rereadBelow = new Map(rows.map((row) => [row.partition, row.rereadBelow]))
  const isReread = ({ partition, offset }: SourceRecord) => offset < (rereadBelow.get(partition) ?? 0n)
  const anyReread = rows.some(({ nextOffset, rereadBelow }) => nextOffset < rereadBelow)
  const written = anyReread ? [...outcome.inserted, ...outcome.duplicates].map(({ record }) => record) : []
  const reread = written.filter(isReread).map(idOf)
  const claims = claimsOf(records)
  const failing = [...rejected.keys()]
  const old =
    claims.size > 0 || reread.length > 0 || failing.some(isReread)
      ? [...[...claims.values()].map(({ id }) => id), ...failing.map(idOf), ...reread]
      : []
  const known = old.length > 0 ? await lockLetters(tx, deps.groupId, old) : new Set<string>()
  // It has its letter: the breaker saw it when that was written.
  const isKnown = (record: SourceRecord) => known.size > 0 && rejected.has(record) && known.has(idOf(record))
  const matched = await matchReplays(tx, deps.groupId, claims)
  const { replays } = matched
  const memories = await askBreaker(
    tx,
    { groupId: deps.groupId, limits: deps.breaker },
    {
      rows,
      records: records.filter((record) => !replays.has(record) && !ignored.has(record) && !isKnown(record)),
      codeOf: (record) => rejected.get(record)?.reason.code ?? null,
    },
  )

  const fresh = [...rejected.values()].filter(({ record }) => !replays.has(record))
  const letters = fresh.map(({ record, reason, claims }) =>
    letterOf(record, { claims, reason, at: coordinates(record.partition), failedAt }),
  )
  await writeLetters(tx, letters, budget)
  if (letters.length > 0) failpoint('letters_written')
  const outcomes = [...replays.keys()].map((record) => ({ record, rejected: rejected.get(record) ?? null }))
  await settleReplays(tx, matched, { outcomes, failedAt })
  await resolveReread(tx, reread)

  for (const [record, { reason, claims }] of rejected)
    tally.addDeadLetter({
      ...{ partition: record.partition, offset: record.offset, line: claims.lineNumber },
      ...{ code: reason.code, error: messageOf(reason.code) },
      deadLetterId: replays.get(record)?.letterId ?? idOf(record),
      traceId: traceIdOf(record.headers),
    })
  return memories
}
