import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 50

/**
 * Waits until `look` gives something other than null, undefined or false. After `timeoutMs` it throws, with what `look`
 * was to find and what `describe` says of the state then.
 */
export const until = async <T>(
  what: string,
  look: () => T | Promise<T>,
  { timeoutMs = 60_000, describe = () => '' }: { timeoutMs?: number; describe?: () => string } = {},
): Promise<NonNullable<Exclude<T, false>>> => {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const found = await look()
    if (found !== null && found !== undefined && found !== false) return found as NonNullable<Exclude<T, false>>
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for: ${what}\n${describe()}`)
    await sleep(LOOK_EVERY_MS)
  }
}
