import type { Pipeline } from './pipeline/pipeline.ts'

/** After the deadline, for what is under way to end by itself. */
const GRACE_MS = 1_000

/** First signal: drain, for at most `timeoutMs`, then give up what is left (its next owner reads it again). */
export function drainOn(signal: AbortSignal, pipeline: Pipeline, timeoutMs: number) {
  let timer: NodeJS.Timeout | undefined
  let passed = false
  let pass = () => {}
  const deadline = new Promise<void>((resolve) => (pass = resolve))
  const giveUp = () => {
    passed = true
    pipeline.abort()
    timer = setTimeout(pass, GRACE_MS)
  }
  const begin = () => {
    pipeline.drain(String(signal.reason))
    timer = setTimeout(giveUp, timeoutMs)
  }
  if (signal.aborted) begin()
  else signal.addEventListener('abort', begin, { once: true })
  return {
    deadline,
    passed: () => passed,
    cancel() {
      clearTimeout(timer)
      signal.removeEventListener('abort', begin)
    },
  }
}
