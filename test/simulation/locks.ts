import type { Scheduler } from './scheduler.ts'

/** Exclusive locks by key, first come first served; who waits too long, or ends while waiting, gets an error. */
export const createLocks = <Holder extends object>(
  scheduler: Scheduler,
  timeoutMs: number,
  late: () => Error,
  gone: () => Error,
) => {
  const held = new Map<string, Holder>()
  const waitedFor = new WeakSet<Holder>()
  const queue: {
    key: string
    holder: Holder
    resolve: () => void
    reject: (error: Error) => void
    cancel: () => void
  }[] = []

  const grant = () => {
    for (const waiter of [...queue]) {
      if (held.has(waiter.key)) continue
      queue.splice(queue.indexOf(waiter), 1)
      held.set(waiter.key, waiter.holder)
      waiter.cancel()
      waiter.resolve()
    }
  }
  return {
    take(key: string, holder: Holder): Promise<void> {
      const before = held.get(key)
      if (before === holder) return Promise.resolve()
      if (before) waitedFor.add(before)
      return new Promise((resolve, reject) => {
        const timer = scheduler.after(timeoutMs, null, () => {
          queue.splice(queue.indexOf(waiter), 1)
          reject(late())
        })
        const waiter = { key, holder, resolve, reject, cancel: () => scheduler.cancel(timer) }
        queue.push(waiter)
        grant()
      })
    },
    wasWaitedFor: (holder: Holder) => waitedFor.has(holder),
    release(holder: Holder) {
      for (const [key, each] of held) if (each === holder) held.delete(key)
      for (const waiter of queue.filter((each) => each.holder === holder)) {
        queue.splice(queue.indexOf(waiter), 1)
        waiter.cancel()
        waiter.reject(gone())
      }
      grant()
    },
  }
}
