import { Command } from 'commander'
import { cell } from '../lib/cell.ts'
import type { Cursor, LetterSummary } from '../dead-letters/letter-filter.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { resolveId } from '../letter-jobs.ts'
import { summaryJson } from '../sink/letter-json.ts'
import { connected, type Connected } from './dlq-connect.ts'
import { atLeastOne, type FilterFlags, filterOf, idPrefix, withFilters } from './dlq-options.ts'
import { count, shortId, table, time, writeOut } from './dlq-text.ts'
import type { Io } from './io.ts'
import { writeJsonPages } from './json-pages.ts'

type Flags = FilterFlags & { limit?: number; after?: string; json?: true }

const PAGE = 50
const MAX_TABLE = 1_000

export const dlqList = (io: Io, exit: (code: ExitCode) => void): Command =>
  withFilters(new Command('list').description('dead letters of the group, newest first'))
    .option('--limit <n>', `at most this many (default: ${PAGE}; with --json all)`, atLeastOne)
    .option('--after <id>', 'the page behind this letter', idPrefix)
    .option('--json', 'one JSON object a line, without the bytes of the record')
    .addHelpText(
      'after',
      `
Filters given together must all fit; several codes, stages or statuses mean any of them.

Examples:
  sluice dlq list --status open parked --since 2h
  sluice dlq list --code ROW_REJECTED --json | jq -r .invoiceId | sort | uniq -c`,
    )
    .action(async (flags: Flags) => {
      if (!flags.json && (flags.limit ?? 0) > MAX_TABLE)
        throw new OperatorError(
          `a table holds ${count(MAX_TABLE)} letters at most`,
          'add --json, or page with --after',
          ExitCode.usage,
        )
      await connected(io, (all) => (flags.json ? listJson(io, all, flags) : listTable(io, all, flags)))
      exit(ExitCode.ok)
    })

async function cursorOf(all: Connected, { after }: Flags): Promise<Cursor | null> {
  return after === undefined ? null : all.store.get(await resolveId(all, after))
}

async function listJson(io: Io, all: Connected, flags: Flags): Promise<void> {
  const filter = filterOf(flags)
  await writeJsonPages<LetterSummary, Cursor>(io, {
    ...{ limit: flags.limit ?? Infinity, after: await cursorOf(all, flags), json: summaryJson },
    page: (after, limit) => all.store.page(filter, after, limit),
    cursorOf: (last) => last,
  })
}

const HEAD = [
  ['id', 'left'],
  ['first failed (UTC)', 'left'],
  ['code', 'left'],
  ['stage', 'left'],
  ['origin', 'left'],
  ['user', 'left'],
  ['invoice / line', 'left'],
  ['seen', 'right'],
  ['replays', 'right'],
  ['status', 'left'],
  ['published', 'left'],
] as const

async function listTable(io: Io, all: Connected, flags: Flags): Promise<void> {
  const { groupId, topic } = all.config
  const limit = flags.limit ?? PAGE
  const found = await all.store.page(filterOf(flags), await cursorOf(all, flags), limit + 1)
  const page = found.slice(0, limit)
  const last = page.at(-1)
  if (!last) {
    await writeOut(io, `group ${groupId} has no dead letters that fit${flags.after ? ' behind that one' : ''}\n`)
    return
  }
  await writeOut(io, `${table(HEAD, page.map((letter) => rowOf(letter, topic)))}\n`) // prettier-ignore
  if (found.length > limit) await writeOut(io, `there are more: the same command with --after ${shortId(last.id)}\n`)
}

const rowOf = (letter: LetterSummary, topic: string): string[] => [
  shortId(letter.id),
  time(letter.createdAt),
  letter.code,
  letter.stage,
  `${letter.topic === topic ? '' : `${cell(letter.topic, 40)} `}${letter.partition}@${letter.recordOffset}`,
  cell(letter.userId),
  letter.invoiceId === null ? '–' : `${cell(letter.invoiceId)} / ${letter.lineNumber ?? '–'}`,
  count(letter.seenCount),
  count(letter.replayCount),
  letter.status,
  letter.publishedAt === null ? 'no' : 'yes',
]
