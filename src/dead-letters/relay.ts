// Moves dead letters from the outbox table to the DLQ topic: lease, send, mark. Nobody waits for it: while the DLQ topic
// is down letters gather in PostgreSQL and records go on being settled. A crash between send and mark publishes a
// letter twice, under the same dlq.id; the table has it once.
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import { codeOf } from '../kafka/refusal.ts'
import { createWake } from '../lib/wake.ts'
import type { Emit } from '../telemetry/events.ts'
import type { DeadLetterRow } from './dead-letter.ts'
import { deliver, type DeliveryDeps } from './deliver.ts'

export type Lease = { readonly letters: readonly DeadLetterRow[]; readonly until: Date }

/** A lease is known by its end: who comes too late has lost it to another relay, and changes nothing. */
export type Outbox = {
  /** Leases the oldest unpublished letters, in the order of their records. busy: another relay of the group is at work. */
  claim(limit: number, leaseMs: number): Promise<Lease | 'busy' | null>
  /** Resolves to the new end. */
  renew(ids: readonly string[], until: Date, leaseMs: number): Promise<Date>
  markPublished(ids: readonly string[]): Promise<void>
  /** Gives the lease back before its time. */
  release(ids: readonly string[], until: Date): Promise<void>
  /** The same, but nobody gets them for `ms`. */
  defer(ids: readonly string[], until: Date, ms: number): Promise<void>
  /** What is not published yet: how many (it stops counting at 10,000), and the age of the oldest. */
  waiting(): Promise<{ count: number; oldestAgeMs: number }>
}

export type RelayDeps = DeliveryDeps & { outbox: Outbox; clock: Clock; emit: Emit; leaseMs?: number }

/** In bytes the outbox sets the limit. */
const CLAIM = 500
const LEASE_MS = 30_000
const POLL_MS = 5_000
/** Another relay of the group works: it may end, or be killed, any time. */
const BUSY_MS = 1_000
/** After a failure, however often it is notified. */
const AGAIN_MS = 1_000
/** A letter that the topic refuses, whatever is left out. */
const DEFER_MS = 600_000
/** Waiting longer than this is worth telling, but not more often than once a minute. */
const LONG_MS = 30_000
const TELL_MS = 60_000

/** By the DLQ topic: not for want of PostgreSQL, without which nothing can be relayed either. */
class NotPublished extends Error {
  constructor(cause: unknown) {
    super('not published', { cause })
  }
}

const idsOf = (letters: readonly DeadLetterRow[]) => letters.map(({ id }) => id)
const countsOf = (names: readonly string[]) => {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

export function createRelay({ outbox, clock, emit, leaseMs = LEASE_MS, ...delivery }: RelayDeps) {
  const wake = createWake()
  const ending = new AbortController()
  const abandoned = new AbortController()
  let running = Promise.resolve()
  let toldAt = -Infinity

  async function tell(what: { failed: 'topic' | 'outbox' | null; cause: unknown; code: string }): Promise<void> {
    const waiting = await outbox.waiting().catch(() => ({ count: null, oldestAgeMs: null }))
    toldAt = clock.now()
    emit({ type: 'dead-letters-waiting', ...what, ...waiting })
  }
  const tellOf = (error: unknown) => {
    const failed = error instanceof NotPublished ? 'topic' : 'outbox'
    const cause = error instanceof NotPublished ? error.cause : error
    return tell({ failed, cause, code: codeOf(cause) })
  }

  async function tellOfOld(): Promise<void> {
    if (clock.now() - toldAt < TELL_MS) return
    const { oldestAgeMs } = await outbox.waiting()
    if (oldestAgeMs > LONG_MS) await tell({ failed: null, cause: null, code: 'OLD' })
  }

  /** A send may take longer than a lease, as kafkajs tries again for half a minute and more. */
  function hold({ letters, until }: Lease) {
    const done = new AbortController()
    const signal = AbortSignal.any([done.signal, abandoned.signal])
    const ids = idsOf(letters)
    let latest = until
    const renew = async () => {
      await clock.sleep(leaseMs / 3, signal)
      while (!signal.aborted) {
        latest = await outbox.renew(ids, latest, leaseMs).catch(() => latest)
        await clock.sleep(leaseMs / 3, signal)
      }
    }
    const renewing = renew()
    return {
      /** Resolves to the end of the lease as it is now. */
      end: async (): Promise<Date> => {
        done.abort()
        await renewing
        return latest
      },
    }
  }

  /** The topic has them: an outage of PostgreSQL now must not publish them twice. */
  async function mark(letters: readonly DeadLetterRow[], durationMs: number | null): Promise<void> {
    const ids = idsOf(letters)
    for (;;) {
      try {
        await outbox.markPublished(ids)
        const codes = countsOf(letters.map(({ code }) => code))
        if (ids.length > 0) emit({ type: 'dead-letters-published', count: ids.length, codes, durationMs })
        return
      } catch (cause) {
        if (ending.signal.aborted) throw cause
        await tellOf(cause)
        await clock.sleep(AGAIN_MS, ending.signal)
      }
    }
  }

  async function publish(lease: Lease): Promise<void> {
    const holding = hold(lease)
    try {
      const sentAt = clock.now()
      const { published, refused, unsent, failure } = await deliver(lease.letters, delivery)
      const durationMs = failure === null && refused.length === 0 ? clock.now() - sentAt : null
      if (published.length > 0) failpoint('relay_sent')
      await mark(published, durationMs)
      const until = await holding.end()
      await outbox.release(idsOf(unsent), until)
      await outbox.defer(idsOf(refused.map(({ letter }) => letter)), until, DEFER_MS)
      for (const { letter, code } of refused) {
        const { id, topic, partition, recordOffset } = letter
        emit({ type: 'dead-letter-deferred', id, topic, partition, offset: recordOffset, code, deferMs: DEFER_MS })
      }
      if (failure !== null) throw new NotPublished(failure.cause)
    } finally {
      await holding.end()
    }
  }

  /** Publishes all there is; resolves to how long nothing new is expected. */
  async function work(): Promise<number> {
    for (;;) {
      const lease = await outbox.claim(CLAIM, leaseMs)
      if (lease === 'busy') return BUSY_MS
      if (lease === null) return POLL_MS
      failpoint('relay_leased')
      await publish(lease)
    }
  }

  async function workOrTell(): Promise<number> {
    try {
      const pause = await work()
      await tellOfOld()
      return pause
    } catch (error) {
      await tellOf(error)
      await clock.sleep(AGAIN_MS, ending.signal)
      return POLL_MS
    }
  }

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      const pause = await workOrTell()
      if (!ending.signal.aborted) await wake.wait(pause)
    }
  }

  return {
    /** New letters were committed. */
    notify: () => wake.notify(),
    /** Works until ended; never rejects. */
    run: () => (running = run()),
    /** One last pass, for at most `ms`; what is left is the next member's. */
    end: async (ms: number): Promise<void> => {
      ending.abort()
      wake.notify()
      const ended = new AbortController()
      const last = running.then(work).catch(() => {})
      await Promise.race([last, clock.sleep(ms, ended.signal)])
      ended.abort()
      abandoned.abort()
    },
  }
}
