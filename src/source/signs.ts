// Signs of life of the consumer, for the watchdog and for whoever asks how the member is.
import type { Clock } from '../lib/clock.ts'

export type Sign = 'join' | 'heartbeat' | 'fetch' | 'batch'

/** What the source knows of itself. It asks nobody, so it can be asked at any time. */
export type SourceHealth = {
  /** Joined, and not crashed since. */
  readonly member: boolean
  /** Consumers begun by now: more than one means that kafkajs crashed, or was stuck. */
  readonly lives: number
  /** Crashes since the last life that stayed in the group for a session time-out. */
  readonly crashesInARow: number
  /** How long ago the watchdog should have begun another consumer; 0: this one is not silent for too long. */
  readonly overdueMs: number
  /** Partitions of ours of which nothing is fetched yet: PostgreSQL or Kafka has not said where to begin. */
  readonly unpositioned: number
  /** By partition: milliseconds since it last waited for what is not ours (fetches.ts). */
  readonly waited: ReadonlyMap<number, number>
  /** Milliseconds since the last of each, in any life; null: none yet. fetch: answered by a broker; batch: records came. */
  readonly since: Readonly<Record<Sign, number | null>>
}

/** `limitMs`: a consumer of which the group has known nothing for so long is given up. */
export function createSigns(clock: Clock, limitMs: number) {
  const last = new Map<Sign, number>()
  const state = { member: false, lives: 0, crashesInARow: 0 }
  /** Since when nothing is fetched, because we join again or have no consumer. */
  let awayAt: number | null = null
  /**
   * Since the last sign that the group knows us, or since this consumer was begun. Counted by the watchdog, as it looks, not by
   * a clock: a process that was suspended has seen nothing.
   */
  let unheardMs = 0
  const ago = (sign: Sign) => {
    const at = last.get(sign)
    return at === undefined ? null : clock.now() - at
  }
  return {
    born() {
      state.lives += 1
      unheardMs = 0
    },
    saw: (sign: Sign) => void last.set(sign, clock.now()),
    rejoining() {
      awayAt ??= clock.now()
    },
    /**
     * Gives how long it was away; null: the first join. `joiningMs`: of this join alone, for one that was not announced (the
     * group did not know us any more, and kafkajs began it at once).
     */
    joined(joiningMs: number): number | null {
      const awayMs = last.has('join') ? (awayAt === null ? joiningMs : clock.now() - awayAt) : null
      awayAt = null
      last.set('join', clock.now())
      state.member = true
      unheardMs = 0
      return awayMs
    },
    /** The group knows us. */
    known() {
      unheardMs = 0
    },
    /** The watchdog's: `ms` after the one before. True: to be given up. */
    look: (ms: number) => (unheardMs += ms) > limitMs,
    /** Gives how many in a row. `healthyMs` in the group without a crash begin a new row. */
    crashed(healthyMs: number): number {
      const healthy = state.member && (ago('join') ?? 0) >= healthyMs
      if (state.member) awayAt ??= clock.now()
      state.member = false
      state.crashesInARow = healthy ? 1 : state.crashesInARow + 1
      return state.crashesInARow
    },
    view: (): Omit<SourceHealth, 'unpositioned' | 'waited'> => ({
      ...state,
      overdueMs: Math.max(0, unheardMs - limitMs),
      since: { join: ago('join'), heartbeat: ago('heartbeat'), fetch: ago('fetch'), batch: ago('batch') },
    }),
  }
}
export type Signs = ReturnType<typeof createSigns>
