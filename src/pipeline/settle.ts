// Settles one batch: tries until the sink took it, another owner did, or the process must stop. A transient fault is
// retried for as long as it takes; a fault the sink does not explain gets a few tries on a sink that says it is well; a
// batch that was too much for the sink twice in a row is halved (1,000 rows may never fit a time-out that 125 fit). While
// the gate is closed the batch waits.
import type { Clock } from '../lib/clock.ts'
import type { Emit } from '../telemetry/events.ts'
import { backoffMs } from './backoff.ts'
import { cut } from './cut.ts'
import type { Batch, Failure, Sink, WriteResult } from './sink.ts'

/**
 * In a row; with the backoff between them, a quarter of a minute. Three were over in a second: where a COMMIT was lost on
 * its way four times, the process ended.
 */
const UNKNOWN_TRIES = 10
const OVERSIZED_TRIES = 2

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
  /** The sink found the gate closed: resolves when it may be open again, or when aborted. */
  held: () => Promise<void>
}

export type Settled<D> = {
  batch: Batch<D>
  result: WriteResult | null
  attempts: number
  /** What was cut off on the way, to be settled next. */
  rest: readonly Batch<D>[]
}

/** `result` is null when nothing was left to write (all partitions lost between tries) or when aborted. */
export async function settle<D>(first: Batch<D>, deps: SettleDeps<D>): Promise<Settled<D>> {
  try {
    return await tryUntilSettled(first, deps)
  } finally {
    deps.failing(false)
  }
}

async function tryUntilSettled<D>(first: Batch<D>, deps: SettleDeps<D>): Promise<Settled<D>> {
  let batch = first
  let rest: Batch<D>[] = []
  let unknownTries = 0
  let oversized = 0
  for (let attempts = 1; ; attempts += 1) {
    let maxRecords = Infinity
    try {
      return { batch, result: await write(batch, deps), attempts, rest }
    } catch (error) {
      const failure = deps.sink.classify(error)
      unknownTries = (await isUnexplained(failure, deps.sink)) ? unknownTries + 1 : 0
      if (failure.fate === 'fatal' || unknownTries > UNKNOWN_TRIES) throw new FatalFault(failure)
      oversized = failure.oversized ? oversized + 1 : 0
      if (oversized >= OVERSIZED_TRIES) maxRecords = Math.ceil(batch.entries.length / 2)
      if (failure.fate === 'held') await hold(deps)
      else if (failure.maxRecords !== null && failure.maxRecords < batch.entries.length) {
        maxRecords = failure.maxRecords
        deps.emit({ type: 'batch-cut', code: failure.code, records: batch.entries.length, maxRecords })
      } else await backOff(failure, attempts, deps)
    }
    batch = onlyOwned(batch, deps.owns)
    if (deps.abort.aborted || batch.parts.length === 0) return { batch, result: null, attempts, rest }
    if (batch.entries.length <= Math.max(maxRecords, 1)) continue
    const [piece, ...remainder] = cut(batch, maxRecords)
    batch = piece
    rest = [...remainder, ...rest]
    oversized = 0
    unknownTries = 0
  }
}

async function write<D>(batch: Batch<D>, { sink, clock, emit }: SettleDeps<D>): Promise<WriteResult> {
  const began = clock.now()
  let ok = false
  try {
    const result = await sink.write(batch)
    ok = true
    return result
  } finally {
    emit({ type: 'write-tried', ok, ms: clock.now() - began })
  }
}

/** A fault of unknown outcome on a sink that says it is well; an unwell one is only waited for. */
const isUnexplained = async <D>({ fate }: Failure, sink: Sink<D>) => fate === 'unknown' && (await sink.probe())

async function hold<D>(deps: SettleDeps<D>) {
  deps.failing(true)
  await deps.held()
}

async function backOff<D>({ code, fate, cause }: Failure, attempt: number, deps: SettleDeps<D>) {
  const delay = backoffMs(attempt, deps.random)
  deps.emit({ type: 'flush-retry', code, fate, attempt, backoffMs: delay, cause })
  deps.failing(true)
  await deps.clock.sleep(delay, deps.abort)
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
