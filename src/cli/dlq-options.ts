import { type Command, InvalidArgumentError } from 'commander'
import { parseDuration, parseMoment } from '../dead-letters/duration.ts'
import { ALL_LETTERS, type LetterFilter, STAGES } from '../dead-letters/letter-filter.ts'
import { type DeadLetterStatus, STATUSES } from '../dead-letters/life-cycle.ts'
import { systemClock } from '../lib/clock.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { FAULT_CODES, type FaultCode, type Stage } from '../line-items/fault.ts'

// The options that several `sluice dlq` commands share. What is misspelt is told with what there is.

export type FilterFlags = {
  code?: FaultCode[]
  stage?: Stage[]
  user?: string
  invoice?: string
  topic?: string
  status?: DeadLetterStatus[]
  since?: Date
  until?: Date
}

/** One more of `--code A B`. */
export const oneOf =
  <T extends string>(known: readonly T[], spelt: (text: string) => string = (text) => text.toLowerCase()) =>
  (text: string, earlier: readonly T[] = []): T[] => {
    const found = known.find((each) => each === spelt(text))
    if (found === undefined) throw new InvalidArgumentError(`known are: ${known.join(', ')}.`)
    return [...new Set([...earlier, found])]
  }

const moment = (text: string): Date => {
  const found = parseMoment(text, systemClock.wall())
  if (found === null) throw new InvalidArgumentError('a time such as 2026-01-31T08:00Z, or 2h, 7d for that long ago.')
  return found
}

export const duration = (text: string): number => {
  const ms = parseDuration(text)
  if (ms === null) throw new InvalidArgumentError('a duration such as 12h, 90d or 6w.')
  return ms
}

export const atLeastOne = (text: string): number => {
  const value = Number(text)
  if (/^\d{1,9}$/.test(text) && value >= 1) return value
  throw new InvalidArgumentError('a whole number of at least 1.')
}

const LEAST_DIGITS = 6

export const idPrefix = (text: string): string => {
  const id = text.toLowerCase()
  if (/^[0-9a-f]{1,64}$/.test(id) && id.length >= LEAST_DIGITS) return id
  throw new InvalidArgumentError(`an id of a dead letter, or its first ${LEAST_DIGITS} hex digits or more.`)
}

export const idPrefixes = (text: string, earlier: readonly string[] = []): string[] => [...earlier, idPrefix(text)]

export const some = (text: string): string => {
  if (text === '') throw new InvalidArgumentError('it is empty.')
  return text
}
export const statusOption = oneOf(STATUSES)

export const withFilters = (command: Command): Command =>
  command
    .option(
      '--code <code...>',
      'why it failed, such as ROW_REJECTED',
      oneOf(FAULT_CODES, (text) => text.toUpperCase()),
    )
    .option('--stage <stage...>', STAGES.join(', '), oneOf(STAGES))
    .option('--user <id>', 'userId of the event (a record that could not be read has none)', some)
    .option('--invoice <id>', 'invoiceId of the event, or the key of a record that could not be read', some)
    .option('--topic <topic>', 'the topic it came from', some)
    .option('--status <status...>', STATUSES.join(', '), statusOption)
    .option('--since <time>', 'first failed at this time or later: 2h, 7d (ago), or ISO 8601 with a zone', moment)
    .option('--until <time>', 'first failed before this time', moment)

export const filterOf = (flags: FilterFlags): LetterFilter => ({
  ...ALL_LETTERS,
  codes: flags.code ?? null,
  stages: flags.stage ?? null,
  statuses: flags.status ?? null,
  userId: flags.user ?? null,
  invoiceId: flags.invoice ?? null,
  topic: flags.topic ?? null,
  since: flags.since ?? null,
  until: flags.until ?? null,
})

const FILTERS = ['code', 'stage', 'user', 'invoice', 'topic', 'status', 'since', 'until'] as const

export const givenFilters = (flags: FilterFlags): string[] => FILTERS.filter((name) => flags[name] !== undefined)

/** Ids name letters, filters describe them: together they would say two things. */
export const refuseBoth = (ids: readonly string[], flags: FilterFlags): void => {
  const given = givenFilters(flags)
  if (ids.length > 0 && given.length > 0)
    throw new OperatorError(
      `ids and --${given.join(', --')} cannot be given together`,
      'name letters by id, or describe them by filters',
      ExitCode.usage,
    )
}
