// What a member knows of itself, gathered while it works.
import type { Clock } from '../lib/clock.ts'
import type { Batch, Gate, Sink } from '../pipeline/sink.ts'
import type { SourceHealth } from '../source/signs.ts'
import type { LagView } from '../telemetry/lag.ts'
import type { Facts } from './health.ts'
import { createStandstill } from './standstill.ts'

export type Parts = {
  readonly source: () => SourceHealth
  /** Has a lane something to write, or under way? */
  readonly busy: (lane: number) => boolean
  readonly gateClosed: () => boolean
  /** As of its last look. */
  readonly lag: () => LagView
  readonly draining: () => boolean
}
export type Vitals = ReturnType<typeof createVitals>

/** Each lane by itself: one that works must not hide one that stands still. */
type Lane = {
  /** Since when there has been something to write, as far as anybody looked. */
  idleAt: number
  failingSince: number | null
  /** It has one batch under way at a time. */
  writingSince: number | null
}

/** Of PostgreSQL, which is asked every second: any longer, and what stands still may wait for it. */
const SILENT_MS = 5_000
/** Of the coordinator, in which a fetcher may wait for a join, or for another coordinator. */
const UNHEARD_MS = 30_000

export function createVitals(clock: Clock, laneCount: number) {
  const begun = clock.now()
  const lanes = Array.from({ length: laneCount }, (): Lane => ({
    idleAt: begun,
    failingSince: null,
    writingSince: null,
  }))
  const standstill = createStandstill()
  let parts: Parts | null = null
  let answeredAt = begun
  /** Since when nothing has been buffered, as far as anybody looked. */
  let emptyAt = begun

  const since = (at: number) => clock.now() - at
  const longest = (of: 'idleAt' | 'failingSince' | 'writingSince') => {
    const times = lanes.flatMap((lane) => lane[of] ?? [])
    return times.length > 0 ? since(Math.min(...times)) : null
  }
  const laneOf = ({ parts: [part] }: Batch<unknown>) => lanes[(part?.partition ?? 0) % laneCount]
  return {
    /** Before that it is starting. */
    attach(to: Parts) {
      parts = to
      answeredAt = clock.now()
    },
    /** The same gate, whose answers are seen. */
    asking: (gate: Gate): Gate => ({
      async closure() {
        const closure = await gate.closure()
        answeredAt = clock.now()
        return closure
      },
    }),
    /** The same sink, whose writes are seen. */
    watching<D>(sink: Sink<D>): Sink<D> {
      return {
        ...sink,
        async write(batch) {
          const lane = laneOf(batch)
          if (lane) lane.writingSince = clock.now()
          try {
            const result = await sink.write(batch)
            answeredAt = clock.now()
            if (lane) Object.assign(lane, { idleAt: answeredAt, failingSince: null })
            return result
          } catch (error) {
            // A gate that closed is no failure of the sink.
            if (lane && sink.classify(error).fate !== 'held') lane.failingSince ??= clock.now()
            throw error
          } finally {
            if (lane) lane.writingSince = null
          }
        },
      }
    },
    facts(): Facts {
      const source = parts?.source()
      const gateClosed = parts?.gateClosed() ?? false
      const excused = gateClosed || since(answeredAt) > SILENT_MS
      for (const [index, lane] of lanes.entries()) {
        const busy = parts?.busy(index) ?? false
        // Its partitions are somebody else's now, and with them what failed.
        if (!busy) lane.failingSince = null
        else emptyAt = clock.now()
        if (!busy || excused || lane.failingSince !== null) lane.idleAt = clock.now()
      }
      if (gateClosed) emptyAt = clock.now()
      const { join = null, heartbeat = null, fetch = null } = source?.since ?? {}
      const least = (...times: (number | null)[]) => Math.min(...times.filter((ms) => ms !== null))
      const unheard = join === null || least(join, heartbeat) > UNHEARD_MS
      const failing = lanes.some(({ failingSince }) => failingSince !== null)
      const away = !source?.member || unheard || excused || failing
      const stuck = parts ? standstill.look(clock.now(), parts.lag(), away, source?.waited ?? new Map()) : null
      return {
        joined: join !== null,
        member: source?.member ?? false,
        overdueMs: source?.overdueMs ?? 0,
        silentMs: join === null ? null : least(join, heartbeat),
        fetchlessMs: least(since(emptyAt), join, fetch),
        unpositioned: source?.unpositioned ?? 0,
        unansweredMs: since(answeredAt),
        writingMs: longest('writingSince'),
        failingMs: longest('failingSince'),
        stalledMs: longest('idleAt') ?? 0,
        // Since the last join at most: what was in the way may have gone with it.
        stuck: stuck && { ...stuck, ms: least(stuck.ms, join) },
        draining: parts?.draining() ?? false,
        gateClosed,
      }
    },
  }
}
