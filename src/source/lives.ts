// One consumer after the other, for as long as the source runs. An outage of the brokers costs consumers, never the member:
// while they say nothing no consumer begins, and what cannot begin does not count as stuck.
import type { Clock } from '../lib/clock.ts'
import { backoffMs } from '../pipeline/backoff.ts'
import type { Emit } from '../telemetry/events.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { operatorErrorIn, verdictOf } from './crash.ts'
import type { Life } from './life.ts'
import { GivenUp } from './rejoin.ts'
import type { Signs } from './signs.ts'

/** Crashes that nobody understands, in a row. */
const MAX_UNKNOWN = 5
/** Consumers that had begun, were given up and do not end: each holds connections, memory, perhaps a place in the group. */
const MAX_STUCK = 3

export type LivesDeps = {
  topic: string
  /** After each crash, also while closing. */
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
  /** Whoever decodes a batch knows partition and offset, but not of which topic. */
  const ofTopic = (cause: unknown) => {
    const found = operatorErrorIn(cause)
    if (!found) return cause
    return new OperatorError(`topic "${deps.topic}": ${found.message}`, found.remedy, found.exitCode, { cause })
  }
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
        const inARow = signs.crashed(deps.healthyMs)
        // Also when we are closing: what is given up may go on, join and commit, and of its partitions we hear nothing any more.
        deps.crashed()
        if (deps.closing()) return
        const verdict = verdictOf(cause)
        if (inARow === 1) unknown = 0
        if (verdict === 'unknown') unknown += 1
        await bury(mine)
        const stuck = [...remains].filter((each) => each.hasBegun()).length
        const restarts = verdict !== 'person' && unknown <= MAX_UNKNOWN && stuck < MAX_STUCK
        emit({ type: 'source-crashed', reason: cause instanceof GivenUp ? cause.reason : verdict, restarts, cause })
        if (!restarts) return fail(verdict === 'outage' ? timeAndAgain(cause) : ofTopic(cause))
        await clock.sleep(
          backoffMs(inARow, () => 1),
          deps.ended,
        )
      }
    },
  }
}

const timeAndAgain = (cause: unknown) =>
  new OperatorError(
    `${cause instanceof Error ? cause.message : String(cause)}, time and again`,
    'check the brokers, then start it again; nothing is lost',
    ExitCode.unavailable,
    { cause },
  )
