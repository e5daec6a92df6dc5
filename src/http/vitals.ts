// What a member knows of itself, gathered while it works.
import type { Clock } from '../lib/clock.ts'
import type { Sink } from '../pipeline/sink.ts'
import type { SourceHealth } from '../source/signs.ts'
import type { Facts } from './health.ts'

export type Parts = {
  readonly source: () => SourceHealth
  readonly buffered: () => number
  readonly gateClosed: () => boolean
  readonly draining: () => boolean
}
export type Vitals = ReturnType<typeof createVitals>

/** More than the longest pause between two tries and a try. */
const FORGET_MS = 120_000

export function createVitals(clock: Clock) {
  const writing = new Set<number>()
  let parts: Parts | null = null
  /** Since when there has been something to write, as far as anybody looked. */
  let idleAt = clock.now()
  let failingSince: number | null = null
  let failedAt = 0

  const since = (at: number | null) => (at === null ? null : clock.now() - at)
  return {
    /** Before that it is starting. */
    attach: (to: Parts) => void (parts = to),
    /** The same sink, whose writes are seen. */
    watching<D>(sink: Sink<D>): Sink<D> {
      return {
        ...sink,
        async write(batch) {
          const begun = clock.now()
          writing.add(begun)
          try {
            const result = await sink.write(batch)
            idleAt = clock.now()
            failingSince = null
            return result
          } catch (error) {
            // A gate that closed is no failure of the sink.
            if (sink.classify(error).fate !== 'held') {
              failedAt = clock.now()
              failingSince ??= failedAt
            }
            throw error
          } finally {
            writing.delete(begun)
          }
        },
      }
    },
    facts(): Facts {
      const source = parts?.source()
      const signs = Object.values(source?.since ?? {}).filter((ms) => ms !== null)
      const gateClosed = parts?.gateClosed() ?? false
      // Nothing was tried since: perhaps its partitions are somebody else's now.
      if (clock.now() - failedAt > FORGET_MS) failingSince = null
      if (gateClosed || failingSince !== null || (parts?.buffered() ?? 0) === 0) idleAt = clock.now()
      return {
        member: source?.member ?? false,
        joined: source !== undefined && source.since.join !== null,
        silentMs: signs.length > 0 ? Math.min(...signs) : null,
        writingMs: writing.size > 0 ? since(Math.min(...writing)) : null,
        failingMs: since(failingSince),
        stalledMs: clock.now() - idleAt,
        draining: parts?.draining() ?? false,
        gateClosed,
      }
    },
  }
}
