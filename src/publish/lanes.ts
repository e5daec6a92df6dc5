import type { OutgoingRecord } from './row.ts'

export type Send = (records: OutgoingRecord[]) => Promise<void>

export type LaneOptions = {
  readonly send: Send
  readonly lanes?: number
  readonly maxRecords?: number
  readonly maxBytes?: number
}

/** Bounds what waits and what is in flight, and keeps the order of each key. */
export type Lanes = {
  /** Undefined: taken at once. Else wait before the next record. Rejects when an earlier send failed. */
  offer(record: OutgoingRecord): Promise<void> | undefined
  /** Starts what waits in idle lanes, however little it is. */
  flush(): void
  /** Everything taken is acknowledged, or a send failed (then it rejects with its error). */
  drain(): Promise<void>
  acknowledged(): number
}

type Lane = { pending: OutgoingRecord[]; bytes: number; inFlight: Promise<void> | null }

/** Framing of one record in a batch, generously. */
const OVERHEAD = 64
const sizeOf = ({ key, value }: OutgoingRecord): number => (key?.length ?? 0) + (value?.length ?? 0) + OVERHEAD

/** FNV-1a. Records without a key have no order to keep, but need one lane like any other. */
const hash = (key: Buffer | null): number => {
  let sum = 0x811c9dc5
  if (key !== null) for (const byte of key) sum = Math.imul(sum ^ byte, 0x01000193)
  return sum >>> 0
}

/**
 * Several sends in flight on one connection keep their order only until one is retried. So a key belongs to one lane, and
 * a lane has one send in flight: records of one invoice never overtake each other, with or without retries. A send is at most
 * 800 records (kafkajs groups them by partition in quadratic time) and 800 KB (it never splits a batch; brokers take 1 MiB).
 */
export const createLanes = ({ send, lanes = 4, maxRecords = 800, maxBytes = 800_000 }: LaneOptions): Lanes => {
  const all: Lane[] = Array.from({ length: lanes }, () => ({ pending: [], bytes: 0, inFlight: null }))
  let acknowledged = 0
  let failure: { error: unknown } | null = null

  const isFull = (lane: Lane): boolean => lane.pending.length >= maxRecords || lane.bytes >= maxBytes
  const start = (lane: Lane): void => {
    if (lane.inFlight !== null || lane.pending.length === 0 || failure !== null) return
    const records = lane.pending
    lane.pending = []
    lane.bytes = 0
    lane.inFlight = send(records)
      .then(() => void (acknowledged += records.length))
      .catch((error: unknown) => void (failure ??= { error }))
      .finally(() => {
        lane.inFlight = null
        if (isFull(lane)) start(lane)
      })
  }
  const take = (lane: Lane, record: OutgoingRecord): void => {
    lane.pending.push(record)
    lane.bytes += sizeOf(record)
    if (isFull(lane)) start(lane)
  }
  const makeRoom = async (lane: Lane, record: OutgoingRecord): Promise<void> => {
    while (lane.pending.length > 0 && failure === null) {
      start(lane)
      if (lane.pending.length > 0) await lane.inFlight
    }
    if (failure !== null) throw failure.error
    take(lane, record)
  }
  const flush = (): void => all.forEach(start)

  return {
    offer: (record) => {
      const lane = all[hash(record.key) % lanes] as Lane
      const fits = lane.pending.length < maxRecords && lane.bytes + sizeOf(record) <= maxBytes
      if (failure !== null || (!fits && lane.pending.length > 0)) return makeRoom(lane, record)
      take(lane, record)
      return undefined
    },
    flush,
    drain: async () => {
      for (;;) {
        flush()
        const busy = all.flatMap(({ inFlight }) => inFlight ?? [])
        if (busy.length === 0) break
        await Promise.all(busy)
      }
      if (failure !== null) throw failure.error
    },
    acknowledged: () => acknowledged,
  }
}
