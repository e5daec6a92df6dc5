import type { Scheduler } from './scheduler.ts'

/**
 * One socket of kafkajs to a broker, which answers its requests one after the other: nothing overtakes a JoinGroup that waits.
 * Closing it ends all that wait for an answer; what was sent is done at the broker all the same.
 */
export const createConnection = (scheduler: Scheduler, closed: () => Error) => {
  let last: Promise<unknown> = Promise.resolve()
  const waiting = new Set<(error: Error) => void>()
  return {
    send<T>(work: () => Promise<T>): Promise<T> {
      const owner = scheduler.current()
      const outcome = last.then(() => scheduler.as(owner, work))
      last = outcome.catch(() => {})
      return new Promise<T>((resolve, reject) => {
        waiting.add(reject)
        outcome.then(resolve, reject).finally(() => waiting.delete(reject))
      })
    },
    close() {
      for (const reject of waiting) reject(closed())
      waiting.clear()
      last = Promise.resolve()
    },
  }
}
