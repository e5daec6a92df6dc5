import { ExitCode } from '../lib/operator-error.ts'
import type { Outcome } from './publish.ts'

export const perSecond = ({ published, ms }: Pick<Outcome, 'published' | 'ms'>): number =>
  Math.round((published * 1000) / Math.max(ms, 1))

export const exitCodeOf = ({ ending, faults }: Outcome): ExitCode => {
  switch (ending.kind) {
    case 'stopped':
      return ExitCode.aborted
    case 'file-fault':
      return ExitCode.partial
    case 'send-failed':
      return ExitCode.unavailable
    case 'complete':
      return faults > 0 ? ExitCode.partial : ExitCode.ok
  }
}

const number = (value: number): string => value.toLocaleString('en')

export type ReportOptions = { readonly topic: string | null; readonly unit: string; readonly dryRun: boolean }

const endingOf = ({ ending, line }: Outcome, { unit, dryRun }: ReportOptions): string | null => {
  const again = `publishing ${unit === 'record' ? 'the same seed' : 'the file'} again is harmless`
  const after = `nothing after it ${dryRun ? 'would be' : 'was'} published`
  switch (ending.kind) {
    case 'stopped':
      return `stopped ${line === 0 ? `before the first ${unit}` : `after ${unit} ${number(line)}`}${dryRun ? '' : `; ${again}`}`
    case 'file-fault':
      return `broken off ${ending.line === 0 ? `before the first ${unit}` : `at ${unit} ${number(ending.line)}`}: ${ending.message}; ${after}`
    case 'send-failed':
      return `sending failed before ${unit} ${number(line)} was acknowledged; ${again}`
    case 'complete':
      return null
  }
}

const counted = (count: number, one: string, many: string): string => `${number(count)} ${count === 1 ? one : many}`

/** A rate over less than a second says more about starting up than about the topic. */
const timing = (outcome: Outcome): string => {
  const seconds = `${(outcome.ms / 1000).toFixed(1)} s`
  return outcome.ms < 1000 ? seconds : `${seconds}, ${number(perSecond(outcome))} events/s`
}

export const reportText = (outcome: Outcome, options: ReportOptions): string => {
  const { published, faults } = outcome
  const events = counted(published, 'event', 'events')
  const lines = [
    options.dryRun
      ? `would publish  ${events} (${timing(outcome)}); nothing was sent`
      : `published  ${events} to ${options.topic ?? ''} (${timing(outcome)})`,
    `faults     ${faults === 0 ? '0' : `${counted(faults, 'row', 'rows')} became no event`}`,
  ]
  const ending = endingOf(outcome, options)
  if (ending !== null) lines.push(ending)
  return lines.join('\n')
}

export const reportJson = (outcome: Outcome, { topic, dryRun }: ReportOptions): string => {
  const { published, faults, line, ms, ending } = outcome
  const told = ending.kind === 'file-fault' ? ending.message : undefined
  return JSON.stringify({
    topic: dryRun ? null : topic,
    dryRun,
    published,
    faults,
    lastLine: line,
    seconds: ms / 1000,
    eventsPerSecond: perSecond(outcome),
    ending: ending.kind,
    message: told,
  })
}
