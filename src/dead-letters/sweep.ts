// One change over many letters, a batch at a time, until nothing is left of them or somebody stops it.
import type { Clock } from '../lib/clock.ts'
import type { Cursor } from './letter-filter.ts'

/** How many letters a batch changed, and where the next one begins; null: nothing is left behind it. */
export type Changed = { readonly count: number; readonly next: Cursor | null }

export type SweepDeps = {
  readonly batch: (after: Cursor | null) => Promise<Changed>
  /** How many still fit: a letter that somebody else had locked was passed by. */
  readonly remaining: () => Promise<number>
  readonly clock: Pick<Clock, 'sleep'>
  readonly signal: AbortSignal
  readonly onProgress: (count: number) => void
}

export type Swept = { readonly count: number; readonly left: number; readonly stopped: boolean }

const PASSES = 3
const BETWEEN_PASSES_MS = 300

export async function sweep({ batch, remaining, clock, signal, onProgress }: SweepDeps): Promise<Swept> {
  let count = 0
  for (let pass = 1; ; pass++) {
    let after: Cursor | null = null
    do {
      if (signal.aborted) return { count, left: await remaining(), stopped: true }
      const changed: Changed = await batch(after)
      count += changed.count
      after = changed.next
      onProgress(count)
    } while (after !== null)
    const left = await remaining()
    if (left === 0 || pass === PASSES) return { count, left, stopped: false }
    await clock.sleep(BETWEEN_PASSES_MS, signal)
  }
}
