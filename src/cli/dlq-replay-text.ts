import { cell } from '../lib/cell.ts'
import type { LetterFilter } from '../dead-letters/letter-filter.ts'
import { MAX_REPLAYS, statusesThatTake } from '../dead-letters/life-cycle.ts'
import type { ReplayOutcome } from '../dead-letters/replay.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { foundOf } from '../letter-jobs.ts'
import type { ReplayCount } from '../sink/letter-replay.ts'
import type { LetterDetail } from '../sink/letter-store.ts'
import type { Connected } from './dlq-connect.ts'
import type { FilterFlags } from './dlq-options.ts'
import { count, letters, shortId, table, time } from './dlq-text.ts'

// What `sluice dlq replay` says before and after.

export const refuseStatuses = ({ status = [] }: FilterFlags): void => {
  const possible = statusesThatTake('replay')
  const never = status.filter((each) => !possible.includes(each))
  if (never.length > 0)
    throw new OperatorError(`letters that are ${never.join(' or ')} are never replayed`, `possible are: ${possible.join(', ')}`, ExitCode.usage) // prettier-ignore
}

const lostText = (lost: number): string =>
  lost === 0
    ? ''
    : `${letters(lost)} cannot be replayed: the value could not be stored (\`sluice dlq replay ID --edit FILE\` can)\n`

export function dryRunText(counts: readonly ReplayCount[], wanted: number, isDry: boolean): string {
  const { ready, lost } = foundOf(counts)
  if (ready === 0) return `${lostText(lost)}no dead letters to replay fit\n`
  const rows = counts.filter((each) => each.ready > 0).map(({ topic, code, ready: n }) => [code, cell(topic, 60), count(n)]) // prettier-ignore
  const head = [['code', 'left'], ['to topic', 'left'], ['letters', 'right']] as const // prettier-ignore
  const limited = wanted < ready ? `, the oldest ${count(wanted)} of ${count(ready)}` : ''
  const closing = isDry ? `would replay ${letters(wanted)}${limited}; nothing was sent\n` : ''
  return `${table(head, rows)}\n${lostText(lost)}${closing}`
}

export function outcomeText(
  { sent, tooLarge, unsent, ending }: ReplayOutcome,
  { ms, hint, lost, wanted }: { ms: number; hint: string; lost: number; wanted: number },
): string {
  const missed = wanted - sent - tooLarge
  const lines = [
    `replayed ${letters(sent)} in ${(ms / 1_000).toFixed(1)} s`,
    ...(tooLarge > 0
      ? [`${letters(tooLarge)} refused by the topic as too large; raise max.message.bytes of the topic`]
      : []),
    ...(unsent > 0
      ? [`${letters(unsent)} marked, but not acknowledged by the brokers: the next replay sends them`]
      : []),
    ...(ending.kind === 'stopped' ? [`stopped: ${count(missed)} of ${count(wanted)} are left as they were`] : []),
    ...(ending.kind === 'done' && missed > 0
      ? [`${letters(missed)} were changed by others meanwhile, or in their hands: look again with --dry-run`]
      : []),
  ]
  return `${lines.join('\n')}\n${lostText(lost)}${sent === 0 ? '' : `${hint}\n`}`
}

/** Why each of the named letters that cannot be replayed now cannot. */
export async function whyNot(
  { store }: Connected,
  ids: readonly string[],
  { again, edit, began }: { again: boolean; edit: Buffer | null; began: Date } & { filter: LetterFilter },
): Promise<string[]> {
  const lines: string[] = []
  for (const id of ids) {
    const letter = await store.get(id)
    const reason = letter ? reasonAgainst(letter, { again, edit, now: began }) : 'is gone'
    if (reason) lines.push(`${shortId(id)} ${reason}`)
  }
  return lines
}

function reasonAgainst(
  letter: LetterDetail,
  { again, edit, now }: { again: boolean; edit: Buffer | null; now: Date },
): string | null {
  const { status, replaySentAt, replayClaimedUntil, replayCount } = letter
  if (!statusesThatTake('replay').includes(status)) return `is ${status}: it is never replayed`
  if (letter.valueSha256 !== null && edit === null) return 'cannot be replayed: its value could not be stored; send another one with --edit FILE' // prettier-ignore
  if (status !== 'replayed') return null
  if (replaySentAt === null)
    return replayClaimedUntil !== null && replayClaimedUntil > now
      ? `is being sent by another replay; if that one was killed, try again after ${time(replayClaimedUntil)}`
      : null
  if (again) return null
  return `was sent ${time(replaySentAt)} (replay ${replayCount} of ${MAX_REPLAYS}) and its outcome is not known yet: --again sends it once more` // prettier-ignore
}
