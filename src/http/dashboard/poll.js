// Asks again and again while the page is looked at. What was shown stays when an answer does not come, and is said to be old.

/**
 * @param {() => Promise<void>} work
 * @param {{ everyMs: number, failed?: (error: unknown) => void, signal: AbortSignal }} options
 */
export function poll(work, { everyMs, failed = () => {}, signal }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  let busy = false
  let failures = 0
  const next = () => {
    clearTimeout(timer)
    if (!signal.aborted && !document.hidden) timer = setTimeout(() => void turn(), everyMs * 2 ** Math.min(failures, 3))
  }
  const turn = async () => {
    if (busy || signal.aborted) return
    busy = true
    try {
      await work()
      failures = 0
    } catch (error) {
      failures += 1
      if (!signal.aborted) failed(error)
    }
    busy = false
    next()
  }
  document.addEventListener('visibilitychange', () => void (document.hidden ? clearTimeout(timer) : turn()), { signal })
  signal.addEventListener('abort', () => clearTimeout(timer))
  void turn()
}
