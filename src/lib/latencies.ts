/** Upper bounds in seconds: from a record that waits for nothing to one that waited over a weekend. */
export const LATENCY_BOUNDS = [
  0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400,
] as const

/** How many took how long. `counts` has one more than there are bounds: above all of them. */
export type Latencies = { readonly counts: readonly number[]; readonly sumSeconds: number }

export const noLatencies = (): Latencies => ({ counts: LATENCY_BOUNDS.map(() => 0).concat(0), sumSeconds: 0 })

/** A timestamp may be ahead of our clock: that is no time at all. */
export function latenciesOf<T>(all: readonly T[], ms: (each: T) => number): Latencies {
  const counts = [...noLatencies().counts]
  let sumSeconds = 0
  for (const each of all) {
    const seconds = Math.max(0, ms(each)) / 1000
    let at = 0
    while (at < LATENCY_BOUNDS.length && seconds > (LATENCY_BOUNDS[at] ?? 0)) at += 1
    counts[at] = (counts[at] ?? 0) + 1
    sumSeconds += seconds
  }
  return { counts, sumSeconds }
}

export const addLatencies = (a: Latencies, b: Latencies): Latencies => ({
  counts: a.counts.map((count, at) => count + (b.counts[at] ?? 0)),
  sumSeconds: a.sumSeconds + b.sumSeconds,
})

/** In milliseconds, read off between the bounds; null: nothing was counted. */
export function quantileMs({ counts }: Latencies, share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  let wanted = share * total
  for (const [at, count] of counts.entries()) {
    const low = LATENCY_BOUNDS[at - 1] ?? 0
    // What is above the last bound is told as that bound.
    const high = LATENCY_BOUNDS[at] ?? low
    if (wanted <= count && count > 0) return Math.round((low + (high - low) * (wanted / count)) * 1000)
    wanted -= count
  }
  return (LATENCY_BOUNDS.at(-1) ?? 0) * 1000
}
