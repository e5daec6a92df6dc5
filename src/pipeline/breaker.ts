// Decides whether dead letters come too thick to be the fault of records: a bad deploy must not move the topic into the
// DLQ, not even one restart at a time. Pure; its memory of a partition is kept beside the partition's position, so it
// outlives restarts and rebalances, and every record is seen once.

export type BreakerLimits = {
  /** More dead letters in a row than this trip it; 0 = never. */
  readonly maxConsecutive: number
  /** A larger share of dead letters than this among the last records trips it; 1 = never. */
  readonly maxRatio: number
}

export type BreakerMemory = {
  /** Dead letters in a row, up to the position. */
  readonly run: number
  /** A window that slides by halving: the last SAMPLE to 2 × SAMPLE records, and the dead letters among them. */
  readonly records: number
  readonly deadLettered: number
}

/** What became of the records of one partition; replays and tombstones are left out. */
export type Seen = {
  readonly records: number
  /** Places of the dead letters among them, in order of offset, counted from 0. */
  readonly dead: readonly number[]
}
export type Trip = { readonly rule: 'consecutive' | 'ratio'; readonly found: number; readonly limit: number }

/** The share says nothing about fewer records. */
export const SAMPLE = 1_000

export function observe(
  memory: BreakerMemory,
  seen: Seen,
  { maxConsecutive, maxRatio }: BreakerLimits,
): { memory: BreakerMemory; trip: Trip | null } {
  const { run, longest } = runs(memory.run, seen)
  const records = memory.records + seen.records
  const deadLettered = memory.deadLettered + seen.dead.length
  const ratio = deadLettered / Math.max(records, SAMPLE)
  const trip: Trip | null =
    maxConsecutive > 0 && longest > maxConsecutive
      ? { rule: 'consecutive', found: longest, limit: maxConsecutive }
      : longest > 0 && records >= SAMPLE && ratio > maxRatio
        ? { rule: 'ratio', found: ratio, limit: maxRatio }
        : null
  return { memory: { run, ...slide(records, deadLettered) }, trip }
}

/** The run at the end, and the longest on the way (0 without a dead letter). */
function runs(before: number, { records, dead }: Seen): { run: number; longest: number } {
  let run = before
  let longest = 0
  let next = 0
  for (const place of dead) {
    run = place === next ? run + 1 : 1
    next = place + 1
    longest = Math.max(longest, run)
  }
  return { run: next === records ? run : 0, longest }
}

/** By halves, not record by record: then rounding would keep every old dead letter, as a small batch takes back less than half of one. */
function slide(records: number, deadLettered: number) {
  return records < 2 * SAMPLE
    ? { records, deadLettered }
    : { records: SAMPLE, deadLettered: Math.round((deadLettered * SAMPLE) / records) }
}
