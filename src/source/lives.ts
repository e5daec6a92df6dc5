// One consumer after the other, for as long as the source runs. An outage of the brokers costs consumers, never the member.
import type { Clock } from '../lib/clock.ts'
import { backoffMs } from '../pipeline/backoff.ts'
import type { Emit } from '../telemetry/events.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { verdictOf } from './crash.ts'
import type { Life } from './life.ts'
import type { Signs } from './signs.ts'

/** Crashes that nobody understands, in a row. */
const MAX_UNKNOWN = 5
/** Consumers that were given up and did not end: each holds connections and memory. */
const MAX_REMAINS = 3

export type LivesDeps = {
  /** After each crash, before anything else. */
  crashed: () => void
  closing: () => boolean
  fail: (error: unknown) => void
  /** In the group for so long, a consumer was a healthy one. */
  healthyMs: number
  ended: AbortSignal
  signs: Signs
  clock: Clock
  emit: Emit
}

export function createLives({ signs, clock, emit, fail, ...deps }: LivesDeps) {
  let life: Life | null = null
  const remains = new Set<Life>()

  async function bury(dead: Life) {
    remains.add(dead)
    await dead.end()
    for (const each of remains) if (each.gone()) remains.delete(each)
  }

  return {
    current: () => life,
    /** `current`: is it still this one? */
    async run(begin: (current: () => boolean) => Life) {
      for (let unknown = 0; !deps.closing();) {
        signs.born()
        const { lives } = signs.view()
        const mine = (life = begin(() => signs.view().lives === lives))
        const cause = await mine.over
        if (deps.closing()) return
        deps.crashed()
        const inARow = signs.crashed(deps.healthyMs)
        const verdict = verdictOf(cause)
        if (inARow === 1) unknown = 0
        if (verdict === 'unknown') unknown += 1
        await bury(mine)
        const restarts = verdict !== 'person' && unknown <= MAX_UNKNOWN && remains.size < MAX_REMAINS
        emit({ type: 'source-crashed', restarts, cause })
        if (!restarts) return fail(verdict === 'outage' ? stuck(cause) : cause)
        await clock.sleep(
          backoffMs(inARow, () => 1),
          deps.ended,
        )
      }
    },
  }
}

const stuck = (cause: unknown) =>
  new OperatorError(
    `the Kafka client is stuck, time and again (${cause instanceof Error ? cause.message : String(cause)})`,
    'check the brokers, then start it again; nothing is lost',
    ExitCode.unavailable,
    { cause },
  )
