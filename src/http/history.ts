// Samples of all members → as many points as somebody can look at. Pure.
import type { SampleRow } from '../sink/member-store.ts'
import type { Sample } from '../telemetry/member-state.ts'

export type HistoryAsked = { readonly now: Date; readonly minutes: number; readonly points: number }

const SAMPLE_MS = 5_000

export function historyOf(rows: readonly SampleRow[], { now, minutes, points }: HistoryAsked) {
  // No finer than what is there, or every second point would be empty.
  const stepMs = Math.max(2 * SAMPLE_MS, Math.ceil((minutes * 60_000) / points / 1000) * 1000)
  // On a grid of its own, or the same sample would be in another slot at each look. Only slots that are over, and asked for as a
  // whole: what is half there would look like a fall.
  const end = Math.floor(now.getTime() / stepMs) * stepMs
  const count = Math.floor((end - now.getTime() + minutes * 60_000) / stepMs)
  const slots: SampleRow[][] = Array.from({ length: count }, () => [])
  for (const row of rows) {
    const back = Math.floor((end - row.at.getTime()) / stepMs)
    slots[count - 1 - back]?.push(row)
  }
  /** Partitions that somebody had, by then. */
  const seen = new Set<number>()
  return {
    now,
    stepMs,
    points: slots.map((slot, index) => {
      for (const { sample } of slot) for (const [partition] of sample.lag) seen.add(partition)
      return pointOf(slot, new Date(end - (count - 1 - index) * stepMs), seen)
    }),
  }
}

const sumOf = (samples: readonly Sample[], of: (sample: Sample) => number) =>
  samples.reduce((sum, each) => sum + of(each), 0)
const most = (values: readonly number[]) => values.reduce((max, value) => Math.max(max, value), 0)

function pointOf(slot: readonly SampleRow[], at: Date, partitions: ReadonlySet<number>) {
  const samples = slot.map(({ sample }) => sample)
  const ids = [...new Set(slot.map(({ memberId }) => memberId))]
  const members = ids.map((id) => slot.filter(({ memberId }) => memberId === id).map(({ sample }) => sample))
  const sum = (of: (sample: Sample) => number) => sumOf(samples, of)
  /** The worst of each member, of all members together. */
  const held = (of: (sample: Sample) => number) => members.reduce((total, each) => total + most(each.map(of)), 0)
  const settled = (sample: Sample) => sample.inserted + sample.duplicates + sample.deadLettered + sample.ignored
  const coveredMs = (each: readonly Sample[]) =>
    Math.max(
      1,
      sumOf(each, ({ ms }) => ms),
    )
  /** By what the samples of each member cover: a slot holds one of them, or two, and they are longer or shorter than it. */
  const perSecond = (of: (sample: Sample) => number) =>
    Math.round(members.reduce((total, each) => total + (1_000_000 * sumOf(each, of)) / coveredMs(each), 0)) / 1000
  const flushes = {
    size: sum((each) => each.flushes.size),
    bytes: sum((each) => each.flushes.bytes),
    age: sum((each) => each.flushes.age),
    drain: sum((each) => each.flushes.drain),
  }
  const flushed = flushes.size + flushes.bytes + flushes.age + flushes.drain
  const latencies = samples.flatMap(({ latencyMs }) => latencyMs ?? [])
  const none = samples.length === 0
  return {
    at,
    members: members.length,
    settledPerSecond: none ? null : perSecond(settled),
    perSecond: none
      ? null
      : {
          inserted: perSecond((each) => each.inserted),
          duplicates: perSecond((each) => each.duplicates),
          deadLettered: perSecond((each) => each.deadLettered),
          flushes: {
            size: perSecond((each) => each.flushes.size),
            bytes: perSecond((each) => each.flushes.bytes),
            age: perSecond((each) => each.flushes.age),
            drain: perSecond((each) => each.flushes.drain),
          },
        },
    inserted: sum((each) => each.inserted),
    duplicates: sum((each) => each.duplicates),
    deadLettered: sum((each) => each.deadLettered),
    ignored: sum((each) => each.ignored),
    flushes,
    flushRecords: flushed === 0 ? null : Math.round(sum((each) => each.flushedRecords) / flushed),
    flushMs:
      flushed === 0
        ? null
        : {
            mean: Math.round(sum((each) => each.flushMs.sum) / flushed),
            max: most(samples.map(({ flushMs }) => flushMs.max)),
          },
    limitRecords: none ? null : most(samples.map(({ limits }) => limits.records)),
    limitAgeMs: none ? null : most(samples.map(({ limits }) => limits.ageMs)),
    latencyMs:
      latencies.length === 0
        ? null
        : { p50: most(latencies.map(({ p50 }) => p50)), p99: most(latencies.map(({ p99 }) => p99)) },
    bufferRecords: none ? null : held(({ buffer }) => buffer.records),
    bufferBytes: none ? null : held(({ buffer }) => buffer.bytes),
    retries: sum((each) => each.retries),
    ...lagOf(samples, partitions),
  }
}

/** Of each partition the worst in the slot; unknown where nobody knew it, or nobody has it any more. */
function lagOf(samples: readonly Sample[], partitions: ReadonlySet<number>) {
  const worst = new Map<number, { records: number | null; seconds: number | null }>()
  const larger = (a: number | null, b: number | null) => (a === null ? b : b === null ? a : Math.max(a, b))
  for (const [partition, records, seconds] of samples.flatMap(({ lag }) => lag)) {
    const before = worst.get(partition)
    worst.set(partition, {
      records: larger(before?.records ?? null, records),
      seconds: larger(before?.seconds ?? null, seconds),
    })
  }
  if (samples.length > 0)
    for (const each of partitions) if (!worst.has(each)) worst.set(each, { records: null, seconds: null })
  const all = [...worst.values()]
  const unknown = (of: 'records' | 'seconds') => all.length === 0 || all.some((each) => each[of] === null)
  return {
    lagRecords: unknown('records') ? null : all.reduce((sum, { records }) => sum + (records ?? 0), 0),
    lagSeconds: unknown('seconds') ? null : most(all.map(({ seconds }) => seconds ?? 0)),
    lag: [...worst].sort(([a], [b]) => a - b).map(([partition, { records, seconds }]) => [partition, records, seconds]),
  }
}
