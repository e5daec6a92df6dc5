// Random faults with a seed, one every few seconds; two at once, but never two on the same kind of thing. Of a kind of thing
// those come first that were tried least: each has its turn, or half an hour may leave one out.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProofLine } from '../../src/demo/proof.ts'
import { atLeast } from '../fault/play.ts'
import { type Fault, faultsFor, type Ground, type Target } from './faults.ts'

export const startNemesis = (
  ground: Ground,
  { say, struck, everyMs }: { say: (line: string) => void; struck: () => void; everyMs: number },
) => {
  const faults = faultsFor(ground.kafka)
  const stopping = new AbortController()
  const tried = new Map(faults.map(({ name }) => [name, 0]))
  /** That took place. */
  const counts = new Map(faults.map(({ name }) => [name, 0]))
  const under = new Map<Target, Promise<void>>()
  const broken: unknown[] = []

  const strike = (fault: Fault) => {
    tried.set(fault.name, tried.get(fault.name)! + 1)
    say(fault.name)
    struck()
    const healed = fault
      .strike(ground)
      .then(
        (much) => {
          if (much > 0) counts.set(fault.name, counts.get(fault.name)! + 1)
          else say(`it did not take place: ${fault.name}`)
        },
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
      const own = free.filter((fault) => fault.target === target)
      const least = Math.min(...own.map(({ name }) => tried.get(name)!))
      const choice = own.filter(({ name }) => tried.get(name) === least)
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

/** Long enough for every kind to have had its turn. */
const EACH_MINUTES = 5

/** Faults that did not take place prove nothing. A short soak says which kinds it has not seen. */
export const proveStruck = (counts: ReadonlyMap<string, number>, minutes: number): ProofLine[] => {
  if (minutes >= EACH_MINUTES) return [...counts].map(([name, times]) => atLeast(`times: ${name}`, 1, times))
  const all = [...counts.values()].reduce((sum, times) => sum + times, 0)
  const not = [...counts].filter(([, times]) => times === 0).map(([name]) => name)
  return [atLeast(`faults that took place (too short for: ${not.join(', ') || 'none'})`, 1, all)]
}
