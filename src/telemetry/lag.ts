// How far each of our partitions is behind: in records (Kafka's end − our position) and in seconds (the age of the oldest record
// that PostgreSQL does not hold). It has to be true while nothing moves, which is when people look: at a closed gate, while
// PostgreSQL is away, while other partitions fill the buffer. So the end is asked for, not taken from what is fetched, and where
// the oldest record is not in our hands its timestamp is read from the log. Once for each position: what stands still is not
// read again. While Kafka does not answer the last end stays: the age of a record that is known to wait remains exact, a lag of
// nothing becomes unknown.
import type { Clock } from '../lib/clock.ts'

export type Standing = {
  readonly partition: number
  readonly position: bigint | null
  /** The next offset that we want from Kafka: it has all below. */
  readonly next: bigint | null
  /** The timestamp of the record at `position`, or of the first behind it, if we hold it. */
  readonly oldestAt: number | null
}

export type LagDeps = {
  /** Of all partitions that are ours. */
  readonly standings: () => readonly Standing[]
  readonly ends: () => Promise<ReadonlyMap<number, bigint>>
  readonly committed: () => Promise<ReadonlyMap<number, bigint | null>>
  /** Null: there is none below `end`. */
  readonly timestampAt: (partition: number, offset: bigint, end: bigint) => Promise<number | null>
  readonly clock: Clock
}

/** Null: unknown. */
export type PartitionLag = {
  readonly partition: number
  readonly position: bigint | null
  readonly end: bigint | null
  readonly committed: bigint | null
  readonly lagRecords: number | null
  readonly lagSeconds: number | null
  /** Kafka says that it has more, of which nothing is in our hands. */
  readonly unread: boolean
}
export type LagView = {
  /** Milliseconds since the epoch: when the ends were asked for. */
  readonly asOf: number | null
  /** The same on the monotonic clock. */
  readonly asked: number | null
  readonly partitions: readonly PartitionLag[]
}

/** A look ends after that, with what is known by then. */
const PATIENCE_MS = 1_500
/** What Kafka said is not believed for longer than this. */
export const STALE_MS = 15_000
/** In one look: after a start with many partitions the others follow in the next ones. */
const MAX_READS = 32

type Answer = {
  readonly asked: number
  readonly asOf: number
  readonly ends: ReadonlyMap<number, bigint>
  readonly committed: ReadonlyMap<number, bigint | null>
}
/** Milliseconds since the epoch; `none`: what is there holds no record. */
type Oldest = { readonly position: bigint; readonly at: number | 'none' }

export function createLagWatch({ clock, ...deps }: LagDeps) {
  let answer: Answer | null = null
  let asking: Promise<void> | null = null
  let view: LagView = { asOf: null, asked: null, partitions: [] }
  const read = new Map<number, Oldest>()
  const reading = new Map<number, Promise<void>>()

  /** One question at a time, however long it takes. */
  const ask = () =>
    (asking ??= (async () => {
      const [asked, asOf] = [clock.now(), clock.wall()]
      try {
        // Commits first: what is committed is never beyond the end. Without them the end is still worth knowing.
        const committed = await deps.committed().catch(() => answer?.committed ?? new Map<number, bigint | null>())
        answer = { asked, asOf, committed, ends: await deps.ends() }
      } catch {
        // The old answer stays, and becomes stale.
      } finally {
        asking = null
      }
    })())

  const readOldest = (partition: number, position: bigint, end: bigint) => {
    const under = reading.get(partition)
    if (under) return under
    const work = deps
      .timestampAt(partition, position, end)
      .then((at) => void read.set(partition, { position, at: at ?? 'none' }))
      .catch(() => {})
      .finally(() => reading.delete(partition))
    reading.set(partition, work)
    return work
  }

  async function atMost(ms: number, work: Promise<unknown>) {
    const enough = new AbortController()
    await Promise.race([work, clock.sleep(ms, enough.signal)])
    enough.abort()
  }

  const endOf = ({ partition, next }: Standing) => {
    const end = answer?.ends.get(partition) ?? null
    return end === null || (next !== null && next > end) ? next : end
  }
  const isBehind = (standing: Standing) => {
    const end = endOf(standing)
    return standing.position !== null && end !== null && end > standing.position
      ? { position: standing.position, end }
      : null
  }
  const known = (partition: number, position: bigint) => {
    const found = read.get(partition)
    return found?.position === position ? found.at : null
  }

  async function readMissing(standings: readonly Standing[]) {
    const wanted = standings.flatMap((standing) => {
      const behind = standing.oldestAt === null ? isBehind(standing) : null
      return behind && known(standing.partition, behind.position) === null ? [{ ...standing, ...behind }] : []
    })
    const some = wanted.slice(0, MAX_READS)
    await atMost(PATIENCE_MS, Promise.all(some.map((each) => readOldest(each.partition, each.position, each.end))))
  }

  function lagOf(standing: Standing): PartitionLag {
    const { partition, position, oldestAt } = standing
    const end = answer === null ? null : endOf(standing)
    const committed = answer?.committed.get(partition) ?? null
    const fresh = answer !== null && clock.now() - answer.asked <= STALE_MS
    const records = position === null || end === null ? null : Math.max(0, Number(end - position))
    const at = oldestAt ?? (position === null || !records ? null : known(partition, position))
    const seconds = (of: number) => Math.max(0, clock.wall() - of) / 1000
    const lagSeconds = typeof at === 'number' ? seconds(at) : at === 'none' || records === 0 ? 0 : null
    const believed = fresh || (records !== null && records > 0)
    // An old answer that there is nothing says little: something may have come since.
    const stillTrue = fresh || typeof at === 'number'
    return {
      ...{ partition, position, end, committed },
      lagRecords: believed ? records : null,
      lagSeconds: stillTrue ? lagSeconds : null,
      unread: fresh && oldestAt === null && (position === null ? end !== null && end > 0n : (records ?? 0) > 0),
    }
  }

  return {
    /** To be called every few seconds; never rejects, and ends soon. */
    async look(): Promise<LagView> {
      await atMost(PATIENCE_MS, ask())
      const standings = [...deps.standings()].sort((a, b) => a.partition - b.partition)
      await readMissing(standings)
      view = { asOf: answer?.asOf ?? null, asked: answer?.asked ?? null, partitions: standings.map(lagOf) }
      const ours = new Set(standings.map(({ partition }) => partition))
      for (const partition of read.keys()) if (!ours.has(partition)) read.delete(partition)
      return view
    },
    /** As of the last look. */
    view: () => view,
  }
}
export type LagWatch = ReturnType<typeof createLagWatch>
