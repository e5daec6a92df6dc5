// Dead letters as JSON, for `sluice dlq … --json` and for HTTP: the same names in both.
import { ADVICE } from '../dead-letters/advice.ts'
import type { DeadLetterRow } from '../dead-letters/dead-letter.ts'
import { STATUSES } from '../dead-letters/life-cycle.ts'
import { isFaultCode } from '../line-items/fault.ts'
import type { LetterStats } from './letter-store.ts'

type Named = Pick<DeadLetterRow, 'recordOffset' | 'recordTimestamp' | 'seenCount' | 'replayCount'>

/** The names that machines know them by. */
export const summaryJson = <T extends Named>({
  recordOffset,
  recordTimestamp,
  seenCount,
  replayCount,
  ...rest
}: T) => ({
  ...rest,
  offset: recordOffset,
  timestamp: recordTimestamp,
  seen: seenCount,
  replays: replayCount,
})

export const adviceFor = (code: string, id: string): string =>
  isFaultCode(code)
    ? ADVICE[code].replace(/\bID\b/g, id.slice(0, 12))
    : 'This release does not know the code: it was written by a newer one.'

const NOTHING: LetterStats = {
  ...{ code: '', stage: '', topic: '', total: 0, lastHour: 0, hourBefore: 0, unpublished: 0 },
  ...{ oldestOpen: null, oldestUnresolved: null },
  ...{ open: 0, replayed: 0, resolved: 0, parked: 0, discarded: 0 },
}

export const older = (a: Date | null, b: Date | null): Date | null =>
  a === null ? b : b === null ? a : a.getTime() <= b.getTime() ? a : b

export const totalOf = (rows: readonly LetterStats[]): LetterStats =>
  rows.reduce((sum, row) => {
    const counts = [...STATUSES, 'total', 'lastHour', 'hourBefore', 'unpublished'] as const
    const added = Object.fromEntries(counts.map((name) => [name, sum[name] + row[name]]))
    return {
      ...sum,
      ...added,
      oldestOpen: older(sum.oldestOpen, row.oldestOpen),
      oldestUnresolved: older(sum.oldestUnresolved, row.oldestUnresolved),
    }
  }, NOTHING)

export const statsJson = ({ code, stage, topic, ...counts }: LetterStats, by: 'code' | 'topic' | 'total') => ({
  ...(by === 'code' ? { code, stage } : by === 'topic' ? { topic } : {}),
  ...counts,
})
