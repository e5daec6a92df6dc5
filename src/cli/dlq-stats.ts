import { Command, Option } from 'commander'
import { cell } from '../lib/cell.ts'
import { formatAge } from '../dead-letters/duration.ts'
import { STATUSES } from '../dead-letters/life-cycle.ts'
import { ExitCode } from '../lib/operator-error.ts'
import type { LetterStats } from '../sink/letter-store.ts'
import { statsJson, totalOf } from '../sink/letter-json.ts'
import { connected } from './dlq-connect.ts'
import { type FilterFlags, filterOf, withFilters } from './dlq-options.ts'
import { count, jsonLine, letters, table, writeOut } from './dlq-text.ts'
import type { Io } from './io.ts'

type Flags = FilterFlags & { by: 'code' | 'topic'; json?: true }

export const dlqStats = (io: Io, exit: (code: ExitCode) => void): Command =>
  withFilters(new Command('stats').description('how many dead letters, of which code, in which state, and the trend'))
    .addOption(new Option('--by <what>', 'one line for each').choices(['code', 'topic']).default('code'))
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExamples:\n  sluice dlq stats\n  sluice dlq stats --by topic --since 7d')
    .action(async (flags: Flags) => {
      const { rows, now, groupId, dlqTopic } = await connected(io, async ({ store, config }) => {
        const found = await store.stats(filterOf(flags), flags.by)
        return { rows: found, now: (await store.now()).getTime(), ...config }
      })
      const total = totalOf(rows)
      if (flags.json)
        await writeOut(io, jsonLine(io, { groupId, by: flags.by, rows: rows.map((row) => statsJson(row, flags.by)), total: statsJson(total, 'total') })) // prettier-ignore
      else if (rows.length === 0) await writeOut(io, `group ${groupId} has no dead letters that fit\n`)
      else await writeOut(io, text(rows, total, { by: flags.by, now, dlqTopic }))
      exit(ExitCode.ok)
    })

export const trend = ({ lastHour, hourBefore }: LetterStats): string =>
  lastHour > hourBefore ? '↑' : lastHour < hourBefore ? '↓' : '='

type Shown = { by: 'code' | 'topic'; now: number; dlqTopic: string }

function text(rows: readonly LetterStats[], total: LetterStats, { by, now, dlqTopic }: Shown): string {
  const numbers = [...STATUSES, 'total', 'oldest open', 'last hour', 'hour before']
  const names = by === 'code' ? ['code', 'stage'] : ['topic']
  const head = [
    ...names.map((name) => [name, 'left'] as const),
    ...numbers.map((name) => [name, 'right'] as const),
    ['trend', 'left'] as const,
  ]
  const rowOf = (row: LetterStats, named: string[]) => [
    ...named,
    ...STATUSES.map((status) => count(row[status])),
    count(row.total),
    row.oldestOpen === null ? '–' : formatAge(now - row.oldestOpen.getTime()),
    count(row.lastHour),
    count(row.hourBefore),
    trend(row),
  ]
  const lines = rows.map((row) => rowOf(row, by === 'code' ? [row.code, row.stage] : [cell(row.topic, 60)]))
  const last = rowOf(total, by === 'code' ? ['all', ''] : ['all'])
  const waiting =
    total.unpublished === 0
      ? `all of them are on ${dlqTopic}`
      : `${letters(total.unpublished)} still ${total.unpublished === 1 ? 'waits' : 'wait'} for ${dlqTopic}`
  return `${table(head, [...lines, last])}\n${waiting}\n`
}
