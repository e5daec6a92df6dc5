// What `sluice dlq replay`, `sluice dlq discard` and the same over HTTP have in common.
import type { Config } from './config.ts'
import type { LetterFilter } from './dead-letters/letter-filter.ts'
import { replay, type ReplayOutcome } from './dead-letters/replay.ts'
import { createAdmin } from './kafka/admin.ts'
import { createProducer } from './kafka/producer.ts'
import { isTooLarge } from './kafka/refusal.ts'
import { systemClock } from './lib/clock.ts'
import { ExitCode, OperatorError } from './lib/operator-error.ts'
import type { Database } from './sink/database.ts'
import { createGateStore } from './sink/gate-store.ts'
import type { ReplayCount, ReplayLetters } from './sink/letter-replay.ts'
import { createLetterStore, type LetterStore } from './sink/letter-store.ts'
import { createLog } from './telemetry/log.ts'

export type Letters = { readonly config: Config; readonly database: Database; readonly store: LetterStore }

export const lettersIn = (config: Config, database: Database): Letters => ({
  ...{ config, database },
  store: createLetterStore({ database, groupId: config.groupId }),
})

const SHOWN = 4

/** The one letter whose id begins so. */
export async function resolveId({ store, config }: Pick<Letters, 'store' | 'config'>, prefix: string): Promise<string> {
  const [first, ...others] = await store.idsWithPrefix(prefix, SHOWN)
  if (first === undefined)
    throw new OperatorError(
      `group ${config.groupId} has no dead letter ${prefix}`,
      '`sluice dlq list` shows them; KAFKA_GROUP_ID says whose',
      ExitCode.usage,
    )
  if (others.length === 0) return first
  const ids = [first, ...others].map((id) => id.slice(0, prefix.length + 6))
  throw new OperatorError(
    `${prefix} is the beginning of more than one id: ${ids.join(', ')}${ids.length === SHOWN ? ', …' : ''}`,
    'give more of its digits',
    ExitCode.usage,
  )
}

/** By filters, what is not decided yet; and never what comes in meanwhile, which nobody has counted and confirmed. */
export const toDiscard = (chosen: LetterFilter, now: Date): LetterFilter => ({
  ...chosen,
  statuses: chosen.statuses ?? (chosen.ids ? null : ['open', 'parked']),
  until: chosen.until ?? now,
})

export const foundOf = (counts: readonly ReplayCount[]): { ready: number; lost: number } =>
  counts.reduce((sum, each) => ({ ready: sum.ready + each.ready, lost: sum.lost + each.lost }), { ready: 0, lost: 0 })

export type Sending = {
  readonly store: ReplayLetters
  readonly counts: readonly ReplayCount[]
  readonly wanted: number
  readonly edit: Buffer | null
  readonly rate: number | null
  readonly actor: string
  /** What was asked for, for the record. */
  readonly audited: object
  readonly signal: AbortSignal
  readonly onProgress: (sent: number) => void
}

export type Surroundings = { readonly closed: boolean; readonly members: number }
export type Replayed = { readonly outcome: ReplayOutcome; readonly ms: number; readonly around: Surroundings }

/** With a producer of its own, for the time of it. */
export async function sendReplays(letters: Letters, sending: Sending): Promise<Replayed> {
  const { store, counts, wanted, edit, rate, actor, audited, signal, onProgress } = sending
  const { partitions, around } = await lookRound(letters, new Set(counts.map(({ topic }) => topic)))
  const producer = createProducer(letters.config.kafka, createLog('silent'))
  await producer.connect()
  const began = systemClock.now()
  try {
    await store.audit(actor, 'dlq.replay', audited)
    const outcome = await replay({
      ...{ store, isTooLarge, partitions, clock: systemClock, signal, wanted, edit, rate, onProgress },
      send: (topic, records) => producer.send(topic, records),
    })
    const { ending, ...told } = outcome
    await store.audit(actor, 'dlq.replay.end', { ...told, ending: ending.kind })
    return { outcome, ms: systemClock.now() - began, around }
  } finally {
    await producer.disconnect()
  }
}

/** All topics are there before the first letter is marked; and who is there to settle what is sent? */
async function lookRound({ config, database }: Letters, topics: ReadonlySet<string>) {
  const { groupId } = config
  const admin = createAdmin(config.kafka, createLog('silent'))
  await admin.connect()
  try {
    const partitions = new Map<string, number>()
    await admin.checkRights({ topics: Object.fromEntries([...topics].map((topic) => [topic, ['WRITE']])), groupId })
    for (const topic of topics) {
      const described = await admin.describeTopic(topic)
      if (described === null)
        throw new OperatorError(
          `the topic ${topic}, where some of the letters came from, does not exist; nothing was sent`,
          'create it, or leave its letters out: --topic names another one',
        )
      partitions.set(topic, described.partitions)
    }
    const { closure } = await createGateStore({ database, groupId }).state()
    return { partitions, around: { closed: closure !== null, members: await admin.groupMembers(groupId) } }
  } finally {
    await admin.disconnect()
  }
}

/** What is to be expected of letters that were sent. */
export function hintFor({ groupId, closed, members }: Surroundings & { groupId: string }): string {
  if (closed) return `the gate of group ${groupId} is closed: they wait until \`sluice resume\``
  if (members === 0) return `group ${groupId} has no live member: they wait until \`sluice consume\` runs`
  return 'what becomes of them: resolved when written, open again when not (`sluice dlq stats`)'
}

/** kafka/explain.ts has put into words what it knows. */
export const sendFault = (error: unknown): OperatorError =>
  error instanceof OperatorError
    ? error
    : new OperatorError(
        `sending failed: ${error instanceof Error ? error.message : String(error)}`,
        'check the brokers, then replay again: it goes on where it stopped',
        ExitCode.unavailable,
        { cause: error },
      )
