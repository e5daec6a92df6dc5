// Sends dead letters to the topic they came from, once more: mark, send, acknowledge, a few at a time. A letter is marked
// before it is sent, so that two replays at once never send it twice, and so that the sink knows it when it arrives. A
// crash in between leaves it marked and unsent; the next replay sends it, as the same attempt.
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import type { Header } from '../pipeline/source-record.ts'
import type { DeadLetterRow } from './dead-letter.ts'
import type { Cursor } from './letter-filter.ts'
import { REPLAY_COUNT, REPLAY_ID } from './replay-headers.ts'

export type ReplayRecord = {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
  readonly partition?: number
}

export type ReplayStore = {
  /** Marks up to `limit` letters of the selection behind `after`, oldest first, and leases them. */
  mark(after: Cursor | null, limit: number): Promise<DeadLetterRow[]>
  /** The brokers have them. */
  markSent(letters: readonly DeadLetterRow[]): Promise<void>
  /** Not sent for sure: the next replay may have them at once. */
  release(letters: readonly DeadLetterRow[]): Promise<void>
  /** The topic does not take them, this time or any other: their replay has failed. */
  refuse(letters: readonly DeadLetterRow[]): Promise<void>
}

export type ReplayDeps = {
  readonly store: ReplayStore
  /** Resolves when all in-sync replicas have them. */
  readonly send: (topic: string, records: readonly ReplayRecord[]) => Promise<void>
  readonly isTooLarge: (error: unknown) => boolean
  /** Partitions of each topic. */
  readonly partitions: ReadonlyMap<string, number>
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Letters found before; at most so many are sent. */
  readonly wanted: number
  /** Letters a second; null: as fast as it goes. */
  readonly rate: number | null
  /** Stands in the place of the value. */
  readonly edit: Buffer | null
  readonly onProgress: (sent: number) => void
}

export type ReplayOutcome = {
  readonly sent: number
  /** Too large for their topic by now. */
  readonly tooLarge: number
  /** Marked, and not acknowledged: the next replay sends them. */
  readonly unsent: number
  readonly ending: { readonly kind: 'done' | 'stopped' } | { readonly kind: 'send-failed'; readonly error: unknown }
}

/** Bounds the memory, with the store's own limit in bytes. */
const CHUNK = 500
/** A letter that somebody else had locked for a moment is met again in the next pass. */
const PASSES = 3
const BETWEEN_PASSES_MS = 300

export async function replay({ store, clock, signal, wanted, rate, ...deps }: ReplayDeps): Promise<ReplayOutcome> {
  const began = clock.now()
  const chunk = rate === null ? CHUNK : Math.min(CHUNK, Math.max(1, Math.ceil(rate / 4)))
  let [sent, tooLarge] = [0, 0]
  const end = (ending: ReplayOutcome['ending'], unsent = 0) => ({ sent, tooLarge, unsent, ending })

  for (let pass = 1; pass <= PASSES && sent + tooLarge < wanted; pass++) {
    if (pass > 1) await clock.sleep(BETWEEN_PASSES_MS, signal)
    let after: Cursor | null = null
    while (sent + tooLarge < wanted) {
      if (rate !== null)
        await clock.sleep(Math.max(0, began + ((sent + tooLarge) * 1_000) / rate - clock.now()), signal)
      if (signal.aborted) return end({ kind: 'stopped' })
      const letters: DeadLetterRow[] = await store.mark(after, Math.min(chunk, wanted - sent - tooLarge))
      after = letters.at(-1) ?? null
      if (after === null) break
      failpoint('replay_marked')
      const done = await sendMarked(letters, { store, ...deps })
      sent += done.sent
      tooLarge += done.tooLarge
      if (done.failed) return end({ kind: 'send-failed', error: done.failed.error }, letters.length - done.sent - done.tooLarge) // prettier-ignore
      deps.onProgress(sent)
    }
  }
  return end({ kind: 'done' })
}

type Sending = Pick<ReplayDeps, 'store' | 'send' | 'isTooLarge' | 'partitions' | 'edit'>
type Sent = { sent: number; tooLarge: number; failed?: { error: unknown } }

async function sendMarked(letters: readonly DeadLetterRow[], sending: Sending): Promise<Sent> {
  const { store } = sending
  const accepted: DeadLetterRow[] = []
  const refused: DeadLetterRow[] = []
  let failed: { error: unknown } | undefined
  try {
    for (const topic of new Set(letters.map((letter) => letter.topic)))
      await sendGroup(topic, letters.filter((letter) => letter.topic === topic).sort(byRecord))
  } catch (error) {
    failed = { error }
  }
  if (accepted.length > 0) failpoint('replay_sent')
  await store.markSent(accepted)
  await store.refuse(refused)
  if (failed) {
    const settled = new Set([...accepted, ...refused])
    // Not awaited for success: without it the lease ends by itself.
    await store.release(letters.filter((letter) => !settled.has(letter))).catch(() => {})
  }
  return { sent: accepted.length, tooLarge: refused.length, ...(failed ? { failed } : {}) }

  async function sendGroup(topic: string, group: readonly DeadLetterRow[]): Promise<void> {
    try {
      await sending.send(
        topic,
        group.map((letter) => replayRecord(letter, sending)),
      )
      accepted.push(...group)
    } catch (error) {
      if (!sending.isTooLarge(error)) throw error
      const [letter] = group
      if (letter && group.length === 1) refused.push(letter)
      else for (const one of group) await sendGroup(topic, [one])
    }
  }
}

/** Letters of one batch were written at one instant: among them the record that came first goes first again. */
const byRecord = (a: DeadLetterRow, b: DeadLetterRow) =>
  a.createdAt.getTime() - b.createdAt.getTime() || Number(a.recordOffset - b.recordOffset)

/** The original record, and at its end which letter it is. The sink goes by the last such header: one before it is the producer's. */
export function replayRecord(
  letter: DeadLetterRow,
  { partitions, edit }: Pick<ReplayDeps, 'partitions' | 'edit'>,
): ReplayRecord {
  const headers: Header[] = [
    ...letter.headers,
    [REPLAY_ID, Buffer.from(letter.id)],
    [REPLAY_COUNT, Buffer.from(String(letter.replayCount))],
  ]
  const kept = letter.partition < (partitions.get(letter.topic) ?? 0)
  return { key: letter.key, value: edit ?? letter.value, headers, ...(kept ? { partition: letter.partition } : {}) }
}
