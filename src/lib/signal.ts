/** Any number of waiters, all released by `fire`, each by its own time-out as well. */
export function createSignal() {
  const waiters = new Set<() => void>()
  return {
    fire() {
      for (const release of [...waiters]) release()
    },
    wait(ms: number): Promise<void> {
      return new Promise((resolve) => {
        const release = () => {
          clearTimeout(timer)
          waiters.delete(release)
          resolve()
        }
        const timer = setTimeout(release, ms)
        waiters.add(release)
      })
    },
  }
}
export type Signal = ReturnType<typeof createSignal>
