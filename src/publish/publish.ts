import type { Clock } from '../lib/clock.ts'
import { createLanes, type Lanes, type Send } from './lanes.ts'
import { FileFault, type Row, type Rows } from './row.ts'

export type FaultRow = Extract<Row, { readonly fault: string }>

export type PublishDeps = {
  readonly rows: Rows
  readonly send: Send
  readonly clock: Clock
  /** Stop reading; what was read is still sent. */
  readonly signal: AbortSignal
  /** Records a second at most. */
  readonly rate: number | null
  readonly onFault: (fault: FaultRow) => void
  readonly onProgress: (published: number) => void
}

export type Ending =
  | { readonly kind: 'complete' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'file-fault'; readonly message: string; readonly line: number }
  | { readonly kind: 'send-failed'; readonly error: unknown }

export type Outcome = {
  /** Acknowledged by the brokers. */
  readonly published: number
  readonly faults: number
  /** The last line that was read. */
  readonly line: number
  readonly ms: number
  readonly ending: Ending
}

/** What came in a trickle is sent after this long, full batch or not. */
const LINGER_MS = 200
/** Shorter pauses than this are not worth a timer. */
const PACE_MS = 20

const NEVER = (): null => null

/** At full speed there is no pause; with a rate, everything taken is on its way before each pause. */
const createPace = ({ rate, clock, signal }: PublishDeps, lanes: Lanes): (() => Promise<void> | undefined) => {
  if (rate === null) return () => undefined
  const began = clock.now()
  let count = 0
  return () => {
    const ahead = began + (++count * 1000) / rate - clock.now()
    if (ahead < PACE_MS) return undefined
    lanes.flush()
    return clock.sleep(ahead, signal)
  }
}

const keepFlushing = async (clock: Clock, lanes: Lanes, done: AbortSignal): Promise<void> => {
  while (!done.aborted) {
    await clock.sleep(LINGER_MS, done)
    lanes.flush()
  }
}

/** Pulls rows, sends records with bounded memory, counts. Expected ends are values; only a bug throws. */
export const publish = async (deps: PublishDeps): Promise<Outcome> => {
  const { rows, clock, signal, onFault, onProgress } = deps
  const began = clock.now()
  const lanes = createLanes({ send: deps.send })
  const pace = createPace(deps, lanes)
  const done = new AbortController()
  const flushing = keepFlushing(clock, lanes, done.signal)
  let faults = 0
  let line = 0

  const feed = async (): Promise<Ending> => {
    for await (const some of rows) {
      for (const row of some) {
        if (signal.aborted) return { kind: 'stopped' }
        line = row.line
        if ('fault' in row) {
          faults++
          onFault(row)
          continue
        }
        // Awaiting nothing costs a turn of the microtask queue for each of millions of records.
        const full = lanes.offer(row.record)
        if (full !== undefined) {
          const failed = await full.then(NEVER, (error: unknown) => ({ error }))
          if (failed !== null) return { kind: 'send-failed', error: failed.error }
        }
        const pause = pace()
        if (pause !== undefined) await pause
      }
      onProgress(lanes.acknowledged())
    }
    return signal.aborted ? { kind: 'stopped' } : { kind: 'complete' }
  }
  const ended = async (): Promise<Ending> => {
    try {
      return await feed()
    } catch (error) {
      if (!(error instanceof FileFault)) throw error
      return signal.aborted
        ? { kind: 'stopped' }
        : { kind: 'file-fault', message: error.message, line: error.line ?? line }
    }
  }
  try {
    let ending = await ended()
    await lanes.drain().catch((error: unknown) => (ending = { kind: 'send-failed', error }))
    onProgress(lanes.acknowledged())
    return { published: lanes.acknowledged(), faults, line, ms: clock.now() - began, ending }
  } finally {
    done.abort()
    await flushing
  }
}
