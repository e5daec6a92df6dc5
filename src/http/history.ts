// Samples of all members → as many points as somebody can look at. Pure.
import type { SampleRow } from '../sink/member-store.ts'
import type { Sample } from '../telemetry/member-state.ts'

export type HistoryAsked = { readonly now: Date; readonly minutes: number; readonly points: number }

const SAMPLE_MS = 5_000

export function historyOf(rows: readonly SampleRow[], { now, minutes, points }: HistoryAsked) {
  // No finer than what is there, or every second point would be empty.
  const stepMs = Math.max(2 * SAMPLE_MS, Math.ceil((minutes * 60_000) / points / 1000) * 1000)
  const count = Math.ceil((minutes * 60_000) / stepMs)
  // On a grid of its own, or the same sample would be in another slot at each look.
  const end = Math.ceil(now.getTime() / stepMs) * stepMs
  const slots: SampleRow[][] = Array.from({ length: count }, () => [])
  for (const row of rows) {
    const back = Math.floor((end - row.at.getTime()) / stepMs)
    slots[count - 1 - back]?.push(row)
  }
  return {
    now,
    stepMs,
    points: slots.map((slot, index) => pointOf(slot, new Date(end - (count - 1 - index) * stepMs))),
  }
}

const sumOf = (samples: readonly Sample[], of: (sample: Sample) => number) =>
  samples.reduce((sum, each) => sum + of(each), 0)
const most = (values: readonly number[]) => values.reduce((max, value) => Math.max(max, value), 0)
const round = (value: number) => Math.round(value * 10) / 10

function pointOf(slot: readonly SampleRow[], at: Date) {
  const samples = slot.map(({ sample }) => sample)
  const ids = [...new Set(slot.map(({ memberId }) => memberId))]
  const members = ids.map((id) => slot.filter(({ memberId }) => memberId === id).map(({ sample }) => sample))
  const sum = (of: (sample: Sample) => number) => sumOf(samples, of)
  /** The worst of each member, of all members together. */
  const held = (of: (sample: Sample) => number) => members.reduce((total, each) => total + most(each.map(of)), 0)
  const settled = (sample: Sample) => sample.inserted + sample.duplicates + sample.deadLettered + sample.ignored
  const rate = (each: readonly Sample[]) =>
    (1000 * sumOf(each, settled)) /
    Math.max(
      1,
      sumOf(each, ({ ms }) => ms),
    )
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
    settledPerSecond: none ? null : round(members.reduce((total, each) => total + rate(each), 0)),
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
    ...lagOf(samples),
  }
}

/** Of each partition the worst in the slot; unknown where nobody knew it. */
function lagOf(samples: readonly Sample[]) {
  const worst = new Map<number, { records: number | null; seconds: number | null }>()
  const larger = (a: number | null, b: number | null) => (a === null ? b : b === null ? a : Math.max(a, b))
  for (const [partition, records, seconds] of samples.flatMap(({ lag }) => lag)) {
    const before = worst.get(partition)
    worst.set(partition, {
      records: larger(before?.records ?? null, records),
      seconds: larger(before?.seconds ?? null, seconds),
    })
  }
  const all = [...worst.values()]
  const unknown = (of: 'records' | 'seconds') => all.length === 0 || all.some((each) => each[of] === null)
  return {
    lagRecords: unknown('records') ? null : all.reduce((sum, { records }) => sum + (records ?? 0), 0),
    lagSeconds: unknown('seconds') ? null : most(all.map(({ seconds }) => seconds ?? 0)),
    lag: [...worst].sort(([a], [b]) => a - b).map(([partition, { records, seconds }]) => [partition, records, seconds]),
  }
}
