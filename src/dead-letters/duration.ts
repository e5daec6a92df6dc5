// Times as people write them at a command line: 2h and 7d mean "ago", the rest is ISO 8601.
const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 } as const
/** 100 years: what is further away is a slip of the finger, and dates end somewhere. */
const MAX_MS = 36_525 * UNITS.d

/** `90d` → milliseconds; null: it is none. */
export function parseDuration(text: string): number | null {
  const [, digits, unit] = /^(\d{1,9})([smhdw])$/.exec(text) ?? []
  if (digits === undefined || unit === undefined) return null
  const ms = Number(digits) * UNITS[unit as keyof typeof UNITS]
  return ms <= MAX_MS ? ms : null
}

const DAY = /^(\d{4}-\d{2}-\d{2})$/
// The zone is not optional: a time without one would mean another moment on another machine.
const MOMENT = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/

/** `now`: milliseconds since the epoch. A day alone begins at midnight UTC. Null: it is none. */
export function parseMoment(text: string, now: number): Date | null {
  const ago = parseDuration(text)
  if (ago !== null) return new Date(now - ago)
  const [, day] = DAY.exec(text) ?? MOMENT.exec(text) ?? []
  if (day === undefined) return null
  // 30 February becomes 2 March in silence.
  const exists = new Date(`${day}T00:00:00Z`)
  if (Number.isNaN(exists.getTime()) || exists.toISOString().slice(0, 10) !== day) return null
  const moment = new Date(text)
  return Number.isNaN(moment.getTime()) ? null : moment
}

/** The two largest units: `3d 4h`, `12m 5s`. */
export function formatAge(ms: number): string {
  const parts: string[] = []
  let rest = Math.max(0, Math.floor(ms / 1_000))
  for (const [name, seconds] of [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / seconds)
    rest %= seconds
    if (count > 0 || parts.length > 0) parts.push(`${count}${name}`)
    if (parts.length === 2) break
  }
  return parts.filter((part, at) => at === 0 || !part.startsWith('0')).join(' ') || '0s'
}
