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
  /** Milliseconds since the last of each, in any life; null: none yet. fetch: answered by a broker; batch: records came. */
  readonly since: Readonly<Record<Sign, number | null>>
}

export function createSigns(clock: Clock) {
  const last = new Map<Sign, number>()
  const state = { member: false, lives: 0, crashesInARow: 0 }
  /** Looks since the last sign that the group knows us. Looks, not time: a process that was suspended has seen none. */
  let silentLooks = 0
  const ago = (sign: Sign) => {
    const at = last.get(sign)
    return at === undefined ? null : clock.now() - at
  }
  return {
    born() {
      state.lives += 1
      silentLooks = 0
    },
    saw: (sign: Sign) => void last.set(sign, clock.now()),
    joined() {
      last.set('join', clock.now())
      state.member = true
      silentLooks = 0
    },
    /** The group knows us. */
    known() {
      silentLooks = 0
    },
    /** How many looks without a sign of the group, this one included. */
    look: () => (silentLooks += 1),
    /** Gives how many in a row. `healthyMs` in the group without a crash begin a new row. */
    crashed(healthyMs: number): number {
      const healthy = state.member && (ago('join') ?? 0) >= healthyMs
      state.member = false
      state.crashesInARow = healthy ? 1 : state.crashesInARow + 1
      return state.crashesInARow
    },
    view: (): SourceHealth => ({
      ...state,
      since: { join: ago('join'), heartbeat: ago('heartbeat'), fetch: ago('fetch'), batch: ago('batch') },
    }),
  }
}
export type Signs = ReturnType<typeof createSigns>
