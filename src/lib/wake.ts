/** One sleeper, woken by `notify` or after `ms`. A notify before the wait is remembered, so none is lost. */
export function createWake() {
  let notified = false
  let resolve: (() => void) | null = null
  return {
    notify() {
      notified = true
      resolve?.()
    },
    /** ms null: until notified. */
    async wait(ms: number | null): Promise<void> {
      if (!notified) {
        let timer: NodeJS.Timeout | undefined
        await new Promise<void>((done) => {
          resolve = done
          if (ms !== null) timer = setTimeout(done, ms)
        })
        clearTimeout(timer)
        resolve = null
      }
      notified = false
    },
  }
}
export type Wake = ReturnType<typeof createWake>
