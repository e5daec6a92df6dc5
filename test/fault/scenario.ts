import type { Member } from '../support/member.ts'
import type { OwnOptions } from '../support/own-postgres.ts'
import type { Stage } from './stage.ts'

/** What makes it well again; resolves when it is. */
export type Heal = () => Promise<void>

/** A fault that passes, or whose outcome is unknown: it must be survived. */
export type Scenario = {
  /** The number in the task's list; several variants share one. */
  readonly number: number
  readonly name: string
  /** What is done, for the reader of the report. */
  readonly what: string
  /** How long the fault lasts after it has struck: in the lane, and in the short form. */
  readonly holdMs?: readonly [lane: number, short: number]
  /** The codes of which the member must retry for at least one. */
  readonly codes?: readonly string[]
  /** Parameters of the member's DATABASE_URL: time-outs for which nobody waits half a minute. */
  readonly parameters?: Readonly<Record<string, string>>
  /** A PostgreSQL for this scenario alone. @throws NotPossibleHere */
  readonly ownServer?: () => Promise<{ options: OwnOptions; release: () => Promise<unknown> }>
  /** Before the member starts. @throws NotPossibleHere */
  readonly prepare?: (stage: Stage) => Promise<void>
  /** Resolves once the member has met the fault. */
  readonly strike: (stage: Stage, member: Member) => Promise<Heal>
}

/** A fault that a person has to mend: the member stops at once. */
export type FatalScenario = {
  readonly name: string
  readonly what: string
  /** At the start, the member never runs. */
  readonly when: 'start' | 'run time'
  readonly strike: (stage: Stage) => Promise<Heal>
  readonly exitCode: number
  /** Of the two lines that it writes to stderr. */
  readonly says: RegExp
  readonly remedy: RegExp
}
