// Random faults with a seed, one every few seconds; two at once, but never two on the same kind of thing.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Fault, faultsFor, type Ground, type Target } from './faults.ts'

const MEAN_MS = 5_000

export const startNemesis = (
  ground: Ground,
  { say, everyMs = MEAN_MS }: { say: (line: string) => void; everyMs?: number },
) => {
  const faults = faultsFor(ground.kafka)
  const stopping = new AbortController()
  const counts = new Map<string, number>()
  const under = new Map<Target, Promise<void>>()
  const broken: unknown[] = []

  const strike = (fault: Fault) => {
    counts.set(fault.name, (counts.get(fault.name) ?? 0) + 1)
    say(fault.name)
    const healed = fault
      .strike(ground)
      .then(
        () => {},
        (error: unknown) => void broken.push(error),
      )
      .finally(() => under.delete(fault.target))
    under.set(fault.target, healed)
  }
  const running = (async () => {
    while (!stopping.signal.aborted) {
      const free = faults.filter(({ target }) => !under.has(target))
      // Targets first: there are more ways to hurt PostgreSQL than members.
      const targets = [...new Set(free.map(({ target }) => target))]
      const target = targets[ground.upTo(Math.max(targets.length, 1))]
      const choice = free.filter((fault) => fault.target === target)
      if (choice.length > 0) strike(choice[ground.upTo(choice.length)]!)
      const pause = everyMs / 2 + ground.upTo(everyMs)
      await sleep(pause, null, { signal: stopping.signal }).catch(() => {})
    }
  })()
  return {
    counts: (): ReadonlyMap<string, number> => counts,
    /** Resolves when all is healed. @throws what went wrong with a fault itself */
    async stop(): Promise<void> {
      stopping.abort()
      await running
      await Promise.all(under.values())
      if (broken.length > 0) throw broken[0]
    },
  }
}
