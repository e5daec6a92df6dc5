// Settles one batch: tries until the sink took it, another owner did, or the process must stop. A transient fault is
// retried for as long as it takes; a fault the sink does not explain gets a few tries on a sink that says it is well.
import type { Clock } from '../lib/clock.ts'
import type { Emit } from '../telemetry/events.ts'
import { backoffMs } from './backoff.ts'
import type { Batch, Failure, Sink, WriteResult } from './sink.ts'

const UNKNOWN_TRIES = 3

/** Thrown for a fault that must stop the process; nothing of the batch was committed. */
export class FatalFault extends Error {
  readonly code: string
  constructor(failure: Failure) {
    super(`the sink failed with ${failure.code}`, { cause: failure.cause })
    this.name = 'FatalFault'
    this.code = failure.code
  }
}

export type SettleDeps<D> = {
  sink: Sink<D>
  owns: (partition: number) => boolean
  clock: Clock
  random: () => number
  emit: Emit
  /** Aborted: give up between two tries, leaving the batch unsettled. */
  abort: AbortSignal
  /** Told when the sink starts and stops failing. */
  failing: (failing: boolean) => void
}

export type Settled<D> = { batch: Batch<D>; result: WriteResult | null; attempts: number }

/** `result` is null when nothing was left to write (all partitions lost between tries) or when aborted. */
export async function settle<D>(first: Batch<D>, deps: SettleDeps<D>): Promise<Settled<D>> {
  let batch = first
  let unknownTries = 0
  for (let attempt = 1; ; attempt += 1) {
    try {
      const result = await deps.sink.write(batch)
      deps.failing(false)
      return { batch, result, attempts: attempt }
    } catch (error) {
      const failure = deps.sink.classify(error)
      if (failure.fate === 'fatal') throw new FatalFault(failure)
      if (failure.fate === 'unknown' && (await deps.sink.probe())) {
        unknownTries += 1
        if (unknownTries > UNKNOWN_TRIES) throw new FatalFault(failure)
      }
      const delay = backoffMs(attempt, deps.random)
      const { code, fate, cause } = failure
      deps.emit({ type: 'flush-retry', code, fate, attempt, backoffMs: delay, cause })
      deps.failing(true)
      await deps.clock.sleep(delay, deps.abort)
      batch = onlyOwned(batch, deps.owns)
      if (deps.abort.aborted || batch.parts.length === 0) return { batch, result: null, attempts: attempt }
    }
  }
}

/** Lost partitions belong to somebody else now: writing them would only be fenced. */
function onlyOwned<D>(batch: Batch<D>, owns: (partition: number) => boolean): Batch<D> {
  if (batch.parts.every(({ partition }) => owns(partition))) return batch
  return {
    ...batch,
    parts: batch.parts.filter(({ partition }) => owns(partition)),
    entries: batch.entries.filter(({ record }) => owns(record.partition)),
  }
}
