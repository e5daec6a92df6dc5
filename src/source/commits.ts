// Tells Kafka how far the sink is. One commit in flight, newest positions win, and only for partitions that are ours at
// the moment of sending: the broker checks member and generation, never who owns a partition, and kafkajs stamps the
// generation of now, so a late commit for a lost partition would be accepted. Sent by `consumer.commitOffsets`, patched: it
// needs no batch, is sent once, and resolves only on a real commit (kafka/consumer-patches.ts). PostgreSQL knows the position
// anyhow, so of many small flushes only some are told.
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import { createSignal } from '../lib/signal.ts'
import type { Emit } from '../telemetry/events.ts'
import { isRejoin, protocolType } from './rejoin.ts'

export type CommitHandle = (offsets: {
  topics: { topic: string; partitions: { partition: number; offset: string }[] }[]
}) => Promise<void>

export type CommitsDeps = {
  topic: string
  owns: (partition: number) => boolean
  clock: Clock
  emit: Emit
  /** The coordinator does not know this member any more. */
  evicted: () => void
  /** It does. */
  accepted: () => void
}

const RETRY_MS = 1_000
/** Between two commits, but at the end. At 40 flushes a second a commit of each was a quarter of what the main thread did. */
const PACE_MS = 100

export function createCommits({ topic, owns, clock, emit, evicted, accepted }: CommitsDeps) {
  let pending = new Map<number, bigint>()
  /** Sent and not answered: to be sent again if it fails. */
  let inFlight = new Map<number, bigint>()
  let handle: CommitHandle | null = null
  let sending = false
  let joins = 0
  /** Under which the group knows us; another one means that it had given us up, and others had our partitions. */
  let name: string | null = null
  const changed = createSignal()
  let acceptedAt = -Infinity
  let settling = 0
  const hurry = createSignal()

  const restMs = () => (settling > 0 ? 0 : acceptedAt + PACE_MS - clock.now())

  async function send(send: CommitHandle, positions: ReadonlyMap<number, bigint>) {
    const partitions = [...positions].map(([partition, position]) => ({ partition, offset: position.toString() }))
    await send({ topics: [{ topic, partitions }] })
    failpoint('kafka_committed')
    emit({ type: 'committed', partitions: partitions.length })
  }

  async function pump() {
    if (sending) return
    sending = true
    while (handle && pending.size > 0) {
      if (restMs() > 0) {
        await hurry.wait(restMs())
        continue
      }
      const positions = new Map([...pending].filter(([partition]) => owns(partition)))
      pending = new Map()
      if (positions.size === 0) break
      inFlight = positions
      const sentAfter = joins
      try {
        await send(handle, positions)
        acceptedAt = clock.now()
        accepted()
      } catch (error) {
        for (const [partition, position] of inFlight) {
          if (!pending.has(partition)) pending.set(partition, position)
        }
        const code = protocolType(error) ?? 'NETWORK'
        emit({ type: 'commit-failed', code })
        // Joined since: it was refused for what is over.
        if (joins !== sentAfter) continue
        if (code === 'UNKNOWN_MEMBER_ID') evicted()
        await changed.wait(isRejoin(error) ? 10 * RETRY_MS : RETRY_MS)
      } finally {
        inFlight = new Map()
      }
    }
    sending = false
    changed.fire()
  }

  return {
    /** What to send with; null when kafkajs crashed and its group is gone. */
    use(next: CommitHandle | null) {
      const first = handle === null
      handle = next
      if (first && next) void pump()
    },
    add(positions: ReadonlyMap<number, bigint>) {
      for (const [partition, position] of positions) pending.set(partition, position)
      void pump()
    },
    /** Joined again: what failed for a rebalance may go now. */
    rejoined(as: string) {
      joins += 1
      const forgotten = (partition: number) => {
        pending.delete(partition)
        inFlight.delete(partition)
      }
      // Under another name, or where a partition was lost, others may have told Kafka more than what waits here, and it would go
      // back; for a partition without new records it would stay there. `membership` tells Kafka what PostgreSQL holds.
      for (const partition of [...pending.keys(), ...inFlight.keys()])
        if (as !== name || !owns(partition)) forgotten(partition)
      name = as
      changed.fire()
      void pump()
    },
    /** Resolves true when everything that is ours is committed; false after `ms`, or when there is no way to. */
    async settle(ms: number): Promise<boolean> {
      const deadline = clock.now() + ms
      const going = () => sending || (handle !== null && pending.size > 0)
      settling += 1
      hurry.fire()
      while (going() && clock.now() < deadline) await changed.wait(Math.min(RETRY_MS, deadline - clock.now()))
      settling -= 1
      return !sending && ![...pending.keys()].some(owns)
    },
    /** Nothing is sent any more: a try after the end would connect again. */
    close() {
      handle = null
      pending.clear()
      hurry.fire()
      changed.fire()
    },
  }
}
