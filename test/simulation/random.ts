/** Chance from a seed: mulberry32, which is small and good enough to choose with. */
export type Random = ReturnType<typeof createRandom>

export const createRandom = (seed: number) => {
  let state = seed >>> 0
  /** In [0, 1). */
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (n: number) => Math.floor(next() * n)
  return {
    next,
    /** A whole number in [0, n). */
    below,
    between: (least: number, most: number) => least + next() * (most - least),
    chance: (probability: number) => next() < probability,
    pick: <T>(from: readonly T[]): T => {
      const found = from[below(from.length)]
      if (found === undefined) throw new Error('nothing to pick from')
      return found
    },
    hex: (digits: number) => Array.from({ length: digits }, () => below(16).toString(16)).join(''),
  }
}
