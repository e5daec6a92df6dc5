// How the rate grows with members, and how the cost grows with hot items, with many items and with the ledger. Usage:
//   npm run bench -- scale [--records N] [--rounds N] [--prefill ROWS]
import type { LineItemEvent } from '../src/publish/row.ts'
import { type Backlog, type BacklogOptions, generatedBacklog } from './support/backlog.ts'
import { type Drained, drain, type DrainOptions } from './support/drain.ts'
import { type Ground, openGround } from './support/ground.ts'
import { optionsOf } from './support/options.ts'
import { prefilled } from './support/prefill.ts'
import { markdownTable, preamble, spread, writeSection } from './results.ts'

const PARTITIONS = 8
/** Prime: it visits every item before it comes again. */
const STRIDE = 7_919

type Entry = { name: string; backlog: Backlog; options: DrainOptions; runs: Drained[] }
type Shape = NonNullable<BacklogOptions['shape']>

/** One user, so that there are so many items and not so many for each. */
const withItem = (event: LineItemEvent, item: number): LineItemEvent => ({
  ...{ ...event, userId: 'u-1' },
  vendorItem: { sku: `S-${item}`, description: `ITEM NUMBER ${item}` },
})
const evenly =
  (items: number): Shape =>
  (event, index) =>
    withItem(event, (index * STRIDE) % items)
/** Every second line is of one item. */
const oneHot =
  (items: number): Shape =>
  (event, index) =>
    withItem(event, index % 2 === 0 ? 0 : (index * STRIDE) % items)

export async function benchScale(args: readonly string[]): Promise<void> {
  const options = optionsOf(args, ['records', 'prefill'])
  const records = options.number('records', 200_000, 3_000)
  const prefill = options.number('prefill', 2_000_000, 10_000)
  const ground = await openGround()
  try {
    const entries = await enter(ground, { records, prefill, quick: options.quick })
    for (let round = 0; round < options.rounds; round++)
      for (const { name, backlog, options: how, runs } of entries) {
        runs.push(await drain(ground, backlog, how))
        console.log(`round ${round + 1}: ${name}: ${Math.round(runs.at(-1)?.rate ?? 0)} rows/s`)
      }
    const rows = entries.map(({ name, runs }) => {
      const of = (field: keyof Drained) => spread(runs.map((run) => run[field]))
      return [name, of('rate'), of('node'), of('postgres'), of('rss'), of('batch')]
    })
    const what = `${records.toLocaleString('en-US')} events in ${PARTITIONS} partitions into an empty ledger, if nothing else is said; ${options.rounds} rounds, taking turns; **median** (min–max). µs: of CPU, a row.
Two cores for members, PostgreSQL and broker together: more members than two cannot be faster here.`
    const head = ['what', 'rows/s', 'node µs', 'PostgreSQL µs', 'RSS MiB', 'rows of a flush']
    const text = `${preamble(what, ground.version)}\n\n${markdownTable(head, rows)}`
    console.log(text)
    if (!options.quick) await writeSection('scale', text)
  } finally {
    await ground.close()
  }
}

async function enter(
  ground: Ground,
  { records, prefill, quick }: { records: number; prefill: number; quick: boolean },
) {
  const filled = (shape: Shape) => generatedBacklog(ground, { records, partitions: PARTITIONS, shape })
  const thousand = await filled(evenly(1_000))
  const entries: Entry[] = []
  const add = (name: string, backlog: Backlog, how: DrainOptions = {}) =>
    void entries.push({ name, backlog, options: how, runs: [] })
  for (const members of quick ? [2] : [1, 2, 4]) add(`${members} member(s), 1,000 items`, thousand, { members })
  add('2 members, one item in every second line', await filled(oneHot(1_000)), { members: 2 })
  if (!quick) {
    add('1 member, 10 items', await filled(evenly(10)))
    add('1 member, 1,000,000 items: every line a new one', await filled(evenly(1_000_000)))
  }
  const before = `${prefill.toLocaleString('en-US')} rows before`
  add(`1 member, 1,000 items, ${before}`, thousand, { template: await prefilled(ground, prefill) })
  return entries
}
