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

const endingOf = ({ ending, line }: Outcome, unit: string): string | null => {
  switch (ending.kind) {
    case 'stopped':
      return `stopped after ${unit} ${number(line)}; publishing the file again is harmless`
    case 'file-fault':
      return `broken off at ${unit} ${number(ending.line)}: ${ending.message}; nothing after it was published`
    case 'send-failed':
      return `sending failed before ${unit} ${number(line)} was acknowledged; publishing the file again is harmless`
    case 'complete':
      return null
  }
}

export type ReportOptions = { readonly topic: string; readonly unit: string; readonly dryRun: boolean }

export const reportText = (outcome: Outcome, { topic, unit, dryRun }: ReportOptions): string => {
  const { published, faults, ms } = outcome
  const rate = `${(ms / 1000).toFixed(1)} s, ${number(perSecond(outcome))} events/s`
  const lines = [
    dryRun
      ? `would publish  ${number(published)} events (${rate}); nothing was sent`
      : `published  ${number(published)} events to ${topic} (${rate})`,
    `faults     ${number(faults)}${faults === 0 ? '' : ' rows became no event'}`,
  ]
  const ending = endingOf(outcome, unit)
  if (ending !== null) lines.push(ending)
  return lines.join('\n')
}

export const reportJson = (outcome: Outcome, { topic, dryRun }: ReportOptions): string => {
  const { published, faults, line, ms, ending } = outcome
  const told = ending.kind === 'file-fault' ? ending.message : undefined
  return JSON.stringify({
    topic,
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
