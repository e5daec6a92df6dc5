// Moves dead letters from the outbox table to the DLQ topic: lease, send, mark. Nobody waits for it: while the DLQ topic
// is down letters gather in PostgreSQL and records go on being settled. A crash between send and mark publishes a
// letter twice, under the same dlq.id; the table has it once.
import type { Clock } from '../lib/clock.ts'
import { createWake } from '../lib/wake.ts'
import type { Emit } from '../telemetry/events.ts'
import type { DeadLetterRow } from './dead-letter.ts'
import { type EnvelopeRecord, envelope, TRUNCATED_BYTES, truncatedEnvelope } from './envelope.ts'

export type Outbox = {
  /** Leases up to `limit` unpublished letters; a lease that is not marked in time is given to the next who asks. */
  claim(limit: number, leaseMs: number): Promise<DeadLetterRow[]>
  markPublished(ids: readonly string[]): Promise<void>
  /** Gives a lease back before its time. */
  release(ids: readonly string[]): Promise<void>
}

export type RelayDeps = {
  outbox: Outbox
  /** Resolves when all in-sync replicas have them. */
  send: (records: readonly EnvelopeRecord[]) => Promise<void>
  isTooLarge: (error: unknown) => boolean
  appVersion: string
  clock: Clock
  emit: Emit
}

/** Bounds the memory: a letter may hold a megabyte. */
const CLAIM = 100
const LEASE_MS = 30_000
const POLL_MS = 5_000

export function createRelay({ outbox, clock, emit, ...deps }: RelayDeps) {
  const wake = createWake()
  let ended = false

  /** Publishes what is there; resolves to how many. */
  async function pass(): Promise<number> {
    const letters = await outbox.claim(CLAIM, LEASE_MS)
    const ids = letters.map(({ id }) => id)
    try {
      await publish(letters)
    } catch (error) {
      // Not awaited for success: without it the lease ends by itself.
      await outbox.release(ids).catch(() => {})
      throw error
    }
    await outbox.markPublished(ids)
    if (ids.length > 0) emit({ type: 'dead-letters-published', count: ids.length })
    return letters.length
  }

  async function publish(letters: readonly DeadLetterRow[]): Promise<void> {
    if (letters.length === 0) return
    try {
      await deps.send(letters.map((letter) => envelope(letter, deps.appVersion)))
    } catch (error) {
      if (!deps.isTooLarge(error)) throw error
      const [letter] = letters
      if (letter && letters.length === 1) return publishTruncated(letter)
      for (const one of letters) await publish([one])
    }
  }

  /** The beginning of the value; when the topic is made so small that even that does not fit, our own headers only. */
  async function publishTruncated(letter: DeadLetterRow): Promise<void> {
    try {
      await deps.send([truncatedEnvelope(letter, deps.appVersion, TRUNCATED_BYTES)])
    } catch (error) {
      if (!deps.isTooLarge(error)) throw error
      await deps.send([truncatedEnvelope(letter, deps.appVersion, 0)])
    }
  }

  async function passUntilEmpty(): Promise<void> {
    while ((await pass()) === CLAIM);
  }

  return {
    /** New letters were committed. */
    notify: () => wake.notify(),
    /** Works until ended; never rejects. */
    run: async (): Promise<void> => {
      while (!ended) {
        await passUntilEmpty().catch((cause: unknown) => emit({ type: 'dead-letters-waiting', code: 'RELAY', cause }))
        if (!ended) await wake.wait(POLL_MS)
      }
    },
    /** One last pass, for at most `ms`; what is left is the next member's. */
    end: async (ms: number): Promise<void> => {
      ended = true
      wake.notify()
      await Promise.race([passUntilEmpty().catch(() => {}), clock.sleep(ms)])
    },
  }
}
