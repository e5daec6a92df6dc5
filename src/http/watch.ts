import type { Clock } from '../lib/clock.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import type { Health } from './health.ts'

const LOOK_MS = 10_000
/** In a row: one may have come out of a suspended process. */
const LOOKS = 3

/**
 * Rejects when the member is wedged, so that it ends although nobody probes it; what it held is read again by the next owner.
 * (One whose event loop stands still is only seen from outside.)
 */
export async function endWhenWedged(health: () => Health, clock: Clock, signal: AbortSignal): Promise<never> {
  for (let looks = 0; ;) {
    await clock.sleep(LOOK_MS, signal)
    if (signal.aborted) return new Promise(() => {})
    const { live, reasons } = health()
    looks = live ? 0 : looks + 1
    if (looks >= LOOKS)
      throw new OperatorError(
        `wedged: ${reasons.join('; ')}`,
        'start it again; nothing is lost. If it happens again, report it with the log',
        ExitCode.unavailable,
      )
  }
}
