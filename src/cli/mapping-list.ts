import { Command, InvalidArgumentError } from 'commander'
import {
  cursorOf,
  cursorText,
  type MappingCursor,
  type MappingFilter,
  type Method,
  METHODS,
  parseCursor,
} from '../line-items/mapping-filter.ts'
import { cell } from '../lib/cell.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import type { MappingView } from '../sink/mapping-reads.ts'
import { atLeastOne, oneOf, some } from './dlq-options.ts'
import { count, table, time, writeOut } from './dlq-text.ts'
import type { Io } from './io.ts'
import { writeJsonPages } from './json-pages.ts'
import { connected, type Connected } from './mapping-connect.ts'
import { score } from '../mapping-text.ts'

type Flags = {
  user?: string
  method?: Method[]
  scoreBelow?: number
  text?: string
  item?: bigint
  limit?: number
  after?: MappingCursor
  json?: true
}

const PAGE = 50
const MAX_TABLE = 1_000

const share = (text: string): number => {
  const value = Number(text)
  if (/^\d*\.?\d+$/.test(text) && value > 0 && value <= 1) return value
  throw new InvalidArgumentError('a number above 0, at most 1, such as 0.8.')
}
const id = (text: string): bigint => {
  const [, digits] = /^(?:item:)?(\d{1,18})$/.exec(text) ?? []
  if (digits !== undefined) return BigInt(digits)
  throw new InvalidArgumentError('a whole number.')
}

const cursor = (text: string): MappingCursor => {
  const parsed = parseCursor(text)
  if (parsed) return parsed
  throw new InvalidArgumentError('what the page before ends with, such as 17 or 0.94:17.')
}

export const mappingList = (io: Io, exit: (code: ExitCode) => void): Command =>
  new Command('list')
    .description('which item each vendor key stands for, newest first')
    .option('--user <id>', 'of this user', some)
    .option('--method <method...>', `how it came about: ${METHODS.join(', ')}`, oneOf(METHODS))
    .option('--score-below <score>', 'fuzzy ones that are less certain; the least certain first', share)
    .option('--text <part>', "part of the vendor's text, of the key or of the item's name", some)
    .option('--item <id>', 'that stand for this item', id)
    .option('--limit <n>', `at most this many (default: ${PAGE}; with --json all)`, atLeastOne)
    .option('--after <mapping>', 'the page behind: what the page before ends with', cursor)
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      `
Filters given together must all fit; several methods mean any of them.

Examples:
  sluice mapping list --score-below 0.95             the least certain ones, to be reviewed
  sluice mapping list --user u-1 --text 'hanging heart'
  sluice mapping list --method manual --json | jq -r .vendorKey`,
    )
    .action(async (flags: Flags) => {
      if (!flags.json && (flags.limit ?? 0) > MAX_TABLE)
        throw new OperatorError(`a table holds ${count(MAX_TABLE)} mappings at most`, 'add --json, or page with --after', ExitCode.usage) // prettier-ignore
      if (flags.after && (flags.after.score === null) !== (flags.scoreBelow === undefined))
        throw new OperatorError('--after belongs to another order', 'give it beside the filters that it came from', ExitCode.usage) // prettier-ignore
      await connected(io, (all) => (flags.json ? listJson(io, all, flags) : listTable(io, all, flags)))
      exit(ExitCode.ok)
    })

const filterOf = ({ user, method, scoreBelow, text, item }: Flags): MappingFilter => ({
  userId: user ?? null,
  methods: method ?? null,
  scoreBelow: scoreBelow ?? null,
  text: text ?? null,
  itemId: item ?? null,
})

const listJson = (io: Io, { reads }: Connected, flags: Flags): Promise<void> =>
  writeJsonPages<MappingView, MappingCursor>(io, {
    ...{ limit: flags.limit ?? Infinity, after: flags.after ?? null, json: (mapping) => mapping },
    page: (after, limit) => reads.page(filterOf(flags), after, limit),
    cursorOf: (last) => cursorOf(filterOf(flags), last),
  })

const HEAD = [
  ['mapping', 'right'],
  ['user', 'left'],
  ['vendor key', 'left'],
  ['item', 'right'],
  ['name of the item', 'left'],
  ['method', 'left'],
  ['score', 'right'],
  ['since (UTC)', 'left'],
] as const

async function listTable(io: Io, { reads }: Connected, flags: Flags): Promise<void> {
  const limit = flags.limit ?? PAGE
  const found = await reads.page(filterOf(flags), flags.after ?? null, limit + 1)
  const page = found.slice(0, limit)
  const last = page.at(-1)
  if (!last) return writeOut(io, `no mappings fit${flags.after === undefined ? '' : ' behind that one'}\n`)
  await writeOut(io, `${table(HEAD, page.map(rowOf))}\n`)
  if (found.length > limit)
    await writeOut(io, `there are more: the same command with --after ${cursorText(cursorOf(filterOf(flags), last))}\n`)
}

const rowOf = (mapping: MappingView): string[] => [
  String(mapping.id),
  cell(mapping.userId),
  cell(mapping.vendorKey, 44),
  String(mapping.itemId),
  cell(mapping.itemName, 40),
  mapping.method,
  score(mapping.score),
  time(mapping.createdAt),
]
