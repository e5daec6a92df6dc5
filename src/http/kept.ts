// An answer that many ask for, read once.
import type { Clock } from '../lib/clock.ts'

/** Kept for `ms` at least, and for `share` times as long as it took. */
export type Keeping = { readonly ms: number; readonly share: number }

export type Kept<T> = {
  readonly get: () => Promise<T>
  /** The last that was read, if it is no older. */
  readonly last: (maxAgeMs?: number) => T | null
}

/** One read at a time. A failure is kept as well: what cannot be read is not asked for at every ask. */
export function kept<T>(read: () => Promise<T>, { ms, share }: Keeping, clock: Clock): Kept<T> {
  let last: { value: T; at: number } | null = null
  let answer: Promise<T> | null = null
  let until = Infinity
  const readNow = async () => {
    const began = clock.now()
    until = Infinity
    try {
      const value = await read()
      last = { value, at: clock.now() }
      return value
    } finally {
      until = clock.now() + Math.max(ms, share * (clock.now() - began))
    }
  }
  return {
    last: (maxAgeMs = Infinity) => (last !== null && clock.now() - last.at <= maxAgeMs ? last.value : null),
    get: () => (answer === null || clock.now() >= until ? (answer = readNow()) : answer),
  }
}
