// Which dead letters a command is about. Given together, all must fit; null: whatever it is.
import type { FaultCode, Stage } from '../line-items/fault.ts'
import type { DeadLetterRow } from './dead-letter.ts'
import type { DeadLetterStatus } from './life-cycle.ts'

export const STAGES = ['decode', 'validate', 'map', 'write'] as const satisfies readonly Stage[]

export type LetterFilter = {
  /** Whole ids. */
  readonly ids: readonly string[] | null
  readonly codes: readonly FaultCode[] | null
  readonly stages: readonly Stage[] | null
  readonly statuses: readonly DeadLetterStatus[] | null
  readonly userId: string | null
  readonly invoiceId: string | null
  readonly topic: string | null
  /** By when the letter was first written: from `since` on, before `until`. */
  readonly since: Date | null
  readonly until: Date | null
}

export const ALL_LETTERS: LetterFilter = {
  ids: null,
  codes: null,
  stages: null,
  statuses: null,
  userId: null,
  invoiceId: null,
  topic: null,
  since: null,
  until: null,
}

/** What of the filter was given, for the record. */
export const givenOf = (filter: LetterFilter): Record<string, unknown> =>
  Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== null))

/** A place in the order of letters: by age, then by id. */
export type Cursor = { readonly createdAt: Date; readonly id: string }

/** A letter without its bytes, which may be a megabyte. */
export type LetterSummary = Omit<
  DeadLetterRow,
  'groupId' | 'key' | 'value' | 'headers' | 'valueSha256' | 'replayHash' | 'claimedUntil'
> & {
  readonly valueBytes: number | null
  /** False: only the hash of its value could be kept, so it cannot be sent again. */
  readonly stored: boolean
}
