// Time and order as a function of a seed. Everything that waits (timers, requests to the simulated Kafka and PostgreSQL) is
// an event; the earliest is played next, alone, with all that it resolves. So a seed is one interleaving, for ever.
// An event belongs to the process that waits for it, or to the outside world: a process that was killed never hears of its
// events again, one that is stopped hears of them when it goes on.
import { createRandom, type Random } from './random.ts'

export type Owner = { readonly name: string; state: 'alive' | 'stopped' | 'dead'; missed?: () => void }
type Event = { at: number; seq: number; owner: Owner | null; run: () => void }

export type Scheduler = ReturnType<typeof createScheduler>

const EPOCH = Date.UTC(2026, 10, 25)
const realImmediate = setImmediate
/** Everything that is resolved now has been heard of. */
const settled = () => new Promise<void>((resolve) => realImmediate(resolve))

export const createScheduler = (seed: number) => {
  const random: Random = createRandom(seed)
  let events: Event[] = []
  const waiting: Event[] = []
  let now = 0
  let seq = 0
  let current: Owner | null = null
  let steps = 0

  const after = (ms: number, owner: Owner | null, run: () => void): Event => {
    const event = { at: now + Math.max(0, Number.isFinite(ms) ? ms : 0), seq: seq++, owner, run }
    events.push(event)
    return event
  }
  const cancel = (event: unknown) => {
    const found = events.indexOf(event as Event)
    if (found >= 0) events.splice(found, 1)
    const stopped = waiting.indexOf(event as Event)
    if (stopped >= 0) waiting.splice(stopped, 1)
  }

  const earliest = (): Event | undefined => {
    let found: Event | undefined
    for (const event of events)
      if (!found || event.at < found.at || (event.at === found.at && event.seq < found.seq)) found = event
    return found
  }

  return {
    random,
    now: () => now,
    wall: () => EPOCH + now,
    steps: () => steps,
    after,
    cancel,
    current: () => current,
    /** As this process, from the outside. */
    as<T>(owner: Owner | null, work: () => T): T {
      const before = current
      current = owner
      try {
        return work()
      } finally {
        current = before
      }
    },
    /**
     * Asks the outside world: `work` is done there after a while, and its outcome comes back after another, to a process that
     * may be gone by then.
     */
    request<T>(work: () => T | Promise<T>, [least, most]: readonly [number, number] = [1, 10]): Promise<T> {
      const owner = current
      return new Promise<T>((resolve, reject) => {
        after(random.between(least, most), null, () => {
          const back = (settle: () => void) => after(random.between(least, most), owner, settle)
          const fail = (error: unknown) => back(() => reject(error instanceof Error ? error : new Error(String(error))))
          try {
            const outcome = work()
            if (outcome instanceof Promise) outcome.then((value) => back(() => resolve(value)), fail)
            else back(() => resolve(outcome))
          } catch (error) {
            fail(error)
          }
        })
      })
    },
    kill(owner: Owner) {
      owner.state = 'dead'
      events = events.filter((event) => event.owner !== owner)
    },
    /** `missed` is told of each event that it does not hear of. */
    stop(owner: Owner, missed: () => void) {
      if (owner.state === 'alive') Object.assign(owner, { state: 'stopped', missed })
    },
    cont(owner: Owner) {
      if (owner.state !== 'stopped') return
      owner.state = 'alive'
      for (const event of waiting.splice(0)) {
        if (event.owner !== owner) {
          waiting.push(event)
          continue
        }
        event.at = Math.max(event.at, now)
        events.push(event)
      }
    },
    /** Plays the next event; false when there is none. */
    async step(): Promise<boolean> {
      const event = earliest()
      if (!event) return false
      events.splice(events.indexOf(event), 1)
      if (event.owner?.state === 'dead') return true
      if (event.owner?.state === 'stopped') {
        waiting.push(event)
        event.owner.missed?.()
        return true
      }
      now = Math.max(now, event.at)
      steps += 1
      current = event.owner
      event.run()
      await settled()
      current = null
      return true
    },
  }
}

/** The timers of the code under test, of kafkajs too, become events until the function it returns is called. */
export const takeOverTime = (scheduler: Scheduler): (() => void) => {
  const { setTimeout, clearTimeout, setImmediate } = globalThis
  const { now } = Date
  const { random } = Math
  const replace = {
    setTimeout: (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
      // As Node does: whole milliseconds, at least one.
      scheduler.after(Math.max(1, Math.trunc(ms)), scheduler.current(), () => run(...args)),
    clearTimeout: (event: unknown) => scheduler.cancel(event),
    setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) =>
      scheduler.after(0, scheduler.current(), () => run(...args)),
  }
  Object.assign(globalThis, replace)
  Date.now = scheduler.wall
  Math.random = scheduler.random.next
  return () => {
    Object.assign(globalThis, { setTimeout, clearTimeout, setImmediate })
    Date.now = now
    Math.random = random
  }
}
