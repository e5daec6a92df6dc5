// Where the lag of one partition is going, from some looks at it.

type Seen = { readonly at: number; readonly position: bigint | null; readonly end: bigint; readonly lag: bigint }

export type Trend = {
  readonly direction: 'falling' | 'steady' | 'rising'
  /** How long was looked. */
  readonly overMs: number
  readonly settledPerSecond: number
  readonly arrivingPerSecond: number
  /** Until the lag is zero, at the present rates; null: never. */
  readonly secondsToClear: number | null
}

/** Null: one look alone, or none with a position, has no direction. */
export function trendOf(looks: readonly Seen[]): Trend | null {
  const placed = looks.flatMap((look) => (look.position === null ? [] : { ...look, position: look.position }))
  const [first] = placed
  const last = placed.at(-1)
  if (!first || !last || last.at <= first.at) return null
  const overMs = last.at - first.at
  const perSecond = (from: bigint, to: bigint) => Math.max(0, (Number(to - from) * 1_000) / overMs)
  const settledPerSecond = perSecond(first.position, last.position)
  const arrivingPerSecond = perSecond(first.end, last.end)
  const falls = Number(first.lag - last.lag) / overMs
  return {
    direction: falls > 0 ? 'falling' : falls < 0 ? 'rising' : 'steady',
    overMs,
    settledPerSecond,
    arrivingPerSecond,
    secondsToClear: last.lag === 0n ? 0 : falls > 0 ? Number(last.lag) / (falls * 1_000) : null,
  }
}
