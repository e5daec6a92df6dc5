// One event, to everybody who listens. Whoever fails at it must not end what it was told of: a lane tells after its COMMIT.
import type { Emit } from './events.ts'
import type { Log } from './log.ts'

export type Observers = Readonly<Record<string, Emit>>

export function createTellAll(observers: Observers, log: Pick<Log, 'warn'>) {
  const said = new Set<string>()
  let faults = 0

  function failed(observer: string, error: unknown) {
    faults += 1
    if (said.has(observer)) return
    said.add(observer)
    try {
      log.warn({ err: error, observer }, 'telemetry fails and lacks what it was told; the pipeline is not concerned')
    } catch {
      // It was the log.
    }
  }

  return {
    emit: ((event) => {
      for (const [observer, observe] of Object.entries(observers))
        try {
          observe(event)
        } catch (error) {
          failed(observer, error)
        }
    }) satisfies Emit,
    faults: () => faults,
  }
}
