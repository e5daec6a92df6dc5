import { Command } from 'commander'
import { cell } from '../lib/cell.ts'
import type { Named } from '../line-items/mapping-name.ts'
import { ExitCode } from '../lib/operator-error.ts'
import { shellWord } from '../lib/shell-word.ts'
import { itemOf, keyOf } from '../mapping-jobs.ts'
import { changeText, itemText, keyText, quantityText, rowsText, score, totalOf, pendingText } from '../mapping-text.ts'
import type { MappingChange } from '../sink/mapping-change-statements.ts'
import type { Brought, MappingView } from '../sink/mapping-reads.ts'
import { jsonLine, table, time, writeOut } from './dlq-text.ts'
import type { Io } from './io.ts'
import { connected } from './mapping-connect.ts'
import { nameArgument, NAMES } from './mapping-options.ts'

export const mappingShow = (io: Io, exit: (code: ExitCode) => void): Command =>
  new Command('show')
    .description('one vendor key or item: why it is mapped so, what came by it, and what people changed')
    .argument('<user>', 'whose')
    .argument('<name>', 'a key, or item:<number>', nameArgument)
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
${NAMES}
The rows of each key are counted in the ledger: the user's rows are read for it.

Examples:
  sluice mapping show u-1 85123A
  sluice mapping show u-1 'White hanging heart'
  sluice mapping show u-1 item:17 --json`,
    )
    .action(async (user: string, named: Named, { json }: { json?: true }) => {
      await show(io, user, named, json ?? false)
      exit(ExitCode.ok)
    })

const KEYS = 50
const CHANGES = 10

const show = (io: Io, user: string, named: Named, json: boolean): Promise<void> =>
  connected(io, async (all) => {
    const mapping = named.kind === 'key' ? await keyOf(all.reads, user, named) : null
    const item = await itemOf(all.reads, user, mapping ? { kind: 'item', itemId: mapping.itemId } : named)
    const filter = { userId: user, itemId: item.id, methods: null, scoreBelow: null, text: null }
    const keys = await all.reads.page(filter, null, KEYS + 1)
    const brought = await all.reads.brought(user, item.id)
    const history = await all.reads.history(user, item.id, CHANGES)
    const pending = await all.reads.pending(user)
    if (json) return writeOut(io, jsonLine(io, { mapping, item, keys: keys.slice(0, KEYS), brought, history, pending }))
    const lines = [
      ...(mapping ? [...aboutKey(mapping), ''] : []),
      `${itemText(item)}, user ${cell(user)}, sku ${cell(item.sku)}, since ${time(item.createdAt)}`,
      `on hand ${item.onHand === null ? 'nothing' : quantityText(item.onHand)}, ${rowsText(totalOf(brought).rows)}`,
      keysTable(keys.slice(0, KEYS), brought, mapping),
      ...(keys.length > KEYS ? [`and more: sluice mapping list --user ${shellWord(user)} --item ${item.id}`] : []),
      ...(history.length > 0 ? ['', historyTable(history)] : []),
      ...(pending ? [pendingText(pending)] : []),
    ]
    await writeOut(io, `${lines.join('\n')}\n`)
  })

function aboutKey(mapping: MappingView): string[] {
  const by = mapping.score === null ? mapping.method : `${mapping.method}, score ${score(mapping.score)}`
  return [
    `${keyText(mapping)} (mapping ${mapping.id}): ${by}, rule version ${mapping.ruleVersion}, since ${time(mapping.createdAt)}`,
    ...(mapping.sourceText === null ? [] : [`from the text ${JSON.stringify(cell(mapping.sourceText, 500))}`]),
  ]
}

const HEAD = [
  ['mapping', 'right'],
  ['vendor key', 'left'],
  ['method', 'left'],
  ['score', 'right'],
  ['ledger rows', 'right'],
  ['quantity', 'right'],
] as const

function keysTable(keys: readonly MappingView[], brought: readonly Brought[], asked: MappingView | null): string {
  const by = new Map(brought.map((each) => [each.mappingId, each]))
  const counted = (id: bigint | null) => {
    const { rows, quantity } = by.get(id) ?? { rows: 0n, quantity: '0' }
    return [rows.toLocaleString('en-US'), quantityText(quantity)]
  }
  const rows = keys.map((key) => [
    `${key.id === asked?.id ? '→ ' : ''}${key.id}`,
    cell(key.vendorKey, 60),
    key.method,
    score(key.score),
    ...counted(key.id),
  ])
  if (by.has(null)) rows.push(['–', 'older rows, by which key is not known', '–', '–', ...counted(null)])
  return rows.length === 0 ? 'no key stands for it' : table(HEAD, rows)
}

const HISTORY = [
  ['change', 'right'],
  ['at (UTC)', 'left'],
  ['who', 'left'],
  ['what', 'left'],
  ['ledger rows', 'right'],
  ['quantity', 'right'],
  ['reason', 'left'],
] as const

const historyTable = (history: readonly MappingChange[]): string =>
  table(
    HISTORY,
    history.map((change) => [
      String(change.id),
      time(change.at),
      cell(change.actor),
      changeText(change),
      change.movedRows === null ? 'not moved yet' : change.movedRows.toLocaleString('en-US'),
      quantityText(change.quantity),
      cell(change.reason, 40),
    ]),
  )
