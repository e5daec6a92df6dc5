// kafkajs's eachBatch: hands one fetched batch over, slice by slice as room allows, and lets nothing slip. The position
// ledger (intake.next) decides, not kafkajs's own position: after a rejoin inside a fetch kafkajs may deliver an old
// response in the new generation, and without the ledger the records before it would be skipped for good.
import type { EachBatchPayload } from 'kafkajs'
import { failpoint } from '../lib/failpoint.ts'
import type { Intake } from '../pipeline/source.ts'
import type { Emit } from '../telemetry/events.ts'
import { isRejoin } from './rejoin.ts'
import { sourceRecord } from './source-record.ts'

/** Records converted and admitted without giving the event loop a turn. */
const SLICE = 500
/**
 * The same while a batch is written, which begins with round trips: with slices of 500 their answers waited so long that the
 * database stood still for a quarter of the time, and then this member until it was done. One member, the retail file: 16,200 and
 * 18,000 rows/s with 500, 19,000 and 20,500 with 128. A turn is not free: 3 µs of CPU a row more than with 500; with 32 it is 8.
 */
const SLICE_WHILE_WRITING = 128
const WAIT_MS = 500
const IDLE_MS = 100

export type DeliverDeps = {
  intake: Intake
  emit: Emit
  /** Ours now, and not closing. */
  accepting: (partition: number) => boolean
  seek: (partition: number, position: bigint) => void
  /** Something about this partition looks wrong: hold Kafka against the database, for as long as it takes. */
  doubt: (partition: number) => Promise<void>
  /** There is no room: what was fetched waits. */
  refused: () => void
  sleep: (ms: number) => Promise<void>
  turn: () => Promise<void>
}

/** Throws rejoin errors, and what the intake throws. */
export function createDeliver(deps: DeliverDeps) {
  const { intake, emit } = deps
  /** The last gap sought back, per partition: a second one at the same position is no race. */
  const soughtBack = new Map<number, bigint>()

  async function beat(payload: EachBatchPayload) {
    try {
      await payload.heartbeat()
    } catch (error) {
      // A network error is not worth one of kafkajs's retries: the next heartbeat or the watchdog decides.
      if (isRejoin(error)) throw error
    }
  }

  /** Is the batch still the one to deliver, from `next` on? To be asked after each await. */
  const current = (payload: EachBatchPayload, next: bigint) =>
    payload.isRunning() &&
    !payload.isStale() &&
    deps.accepting(payload.batch.partition) &&
    intake.next(payload.batch.partition) === next

  /** Heartbeats meanwhile: a database that does not answer must not cost the membership. */
  async function doubt(payload: EachBatchPayload, next: bigint) {
    let answered = false
    const answer = deps.doubt(payload.batch.partition).finally(() => (answered = true))
    while (!answered && current(payload, next)) {
      await Promise.race([answer, deps.sleep(WAIT_MS)])
      await beat(payload)
    }
    return answered && current(payload, next)
  }

  async function admit(payload: EachBatchPayload, first: number, from: bigint) {
    const { batch } = payload
    const { partition, messages } = batch
    const end = BigInt(batch.lastOffset()) + 1n
    let expected = from
    let index = first
    while (index < messages.length) {
      const size = intake.writing() ? SLICE_WHILE_WRITING : SLICE
      const slice = messages.slice(index, index + size).map((message) => sourceRecord(partition, message))
      // No await between this look and the offer: ownership cannot change in between.
      if (!current(payload, expected)) return
      const admitted = intake.offer(partition, slice)
      if (admitted > 0) failpoint('admitted')
      const last = slice[admitted - 1]
      if (last) {
        index += admitted
        if (index === messages.length) intake.advance(partition, end)
        expected = intake.next(partition) ?? -1n
        payload.resolveOffset(last.offset.toString())
      }
      if (index === messages.length) return
      if (admitted < slice.length) deps.refused()
      await (admitted === slice.length ? deps.turn() : intake.room(WAIT_MS))
      await beat(payload)
    }
  }

  /** All records are known already. Jump to where we are, or past what the batch ends with (transaction markers). */
  function pass(payload: EachBatchPayload, next: bigint) {
    const { batch } = payload
    const end = BigInt(batch.lastOffset()) + 1n
    if (end > next) intake.advance(batch.partition, end)
    payload.resolveOffset(((end > next ? end : next) - 1n).toString())
  }

  return async function deliver(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload
    const { partition, messages } = batch
    await beat(payload)
    const next = payload.isRunning() && deps.accepting(partition) ? intake.next(partition) : null
    if (next === null || payload.isStale()) return deps.sleep(IDLE_MS) // unresolved: fetched again, but not at once
    const fetched = fetchedOffset(batch)
    if (fetched > next) {
      emit({ type: 'gap', partition, expected: next, fetched })
      const again = soughtBack.get(partition) === next
      soughtBack.set(partition, next)
      if (!again || (await doubt(payload, next))) deps.seek(partition, next)
      return
    }
    // After a join kafkajs begins at Kafka's commit; but also at the beginning of a log that is another one than ours.
    if (fetched < next && !(await doubt(payload, next))) return deps.sleep(IDLE_MS)
    failpoint('fetched')
    const first = messages.findIndex(({ offset }) => BigInt(offset) >= next)
    if (first === -1) pass(payload, next)
    else await admit(payload, first, next)
  }
}

/** The offset that was asked for (not in kafkajs's typings): only a record missing below it is a gap. */
function fetchedOffset(batch: EachBatchPayload['batch']): bigint {
  return BigInt((batch as typeof batch & { fetchedOffset: string | number }).fetchedOffset)
}
