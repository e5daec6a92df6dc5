// A backlog drained by one and by two members, into an empty ledger or a large one; the retail file too, where it is. Usage:
//   npm run bench -- throughput [--records N] [--rounds N] [--prefill ROWS] [--retail FILE.csv.gz] [--members 1,2] [--variants 'FLUSH_LANES=1;FLUSH_LANES=2'] [--profile FOLDER]
import { retailFile } from './support/retail.ts'
import { type Backlog, generatedBacklog, retailBacklog } from './support/backlog.ts'
import { type Drained, drain, type DrainOptions } from './support/drain.ts'
import { type Ground, openGround } from './support/ground.ts'
import { optionsOf, variantsOf } from './support/options.ts'
import { prefilled } from './support/prefill.ts'
import { hottest } from './support/profile.ts'
import { markdownTable, percent, preamble, spread, writeSection } from './results.ts'

type Contestant = { name: string; backlog: Backlog; options: DrainOptions; runs: Drained[] }

export async function benchThroughput(args: readonly string[]): Promise<void> {
  const options = optionsOf(args, ['records', 'prefill', 'retail', 'variants', 'profile', 'members'])
  const ground = await openGround()
  try {
    const contestants = await enter(ground, options)
    for (let round = 0; round < options.rounds; round++)
      for (const { name, backlog, options: how, runs } of contestants) {
        const run = await drain(ground, backlog, how)
        runs.push(run)
        console.log(`round ${round + 1}: ${name}: ${describe(run)}`)
      }
    const text = report(ground, contestants, options.rounds)
    console.log(text)
    const profile = options.text('profile')
    // Under the profiler everything takes longer: its shares count, the figures do not.
    if (profile)
      for (const [place, share] of await hottest(profile, 40)) console.log(`${(share * 100).toFixed(1)} %  ${place}`)
    else if (!options.quick) await writeSection('throughput', text)
  } finally {
    await ground.close()
  }
}

export const describe = ({ rate, node, postgres, broker, gcShare, batch }: Drained) =>
  `${Math.round(rate)} rows/s; µs a row: node ${node.toFixed(1)}, PostgreSQL ${postgres.toFixed(1)}, broker ${broker.toFixed(1)}; flushes of ${batch}; ${percent(gcShare)} in GC`

async function enter(ground: Ground, options: ReturnType<typeof optionsOf>): Promise<Contestant[]> {
  const backlog = await generatedBacklog(ground, { records: options.number('records', 1_000_000, 10_000) })
  console.log(`a backlog of ${backlog.records} events of ${backlog.bytes} bytes`)
  const prefill = options.number('prefill', 0)
  const large = prefill > 0 ? await prefilled(ground, prefill) : null
  const retail = options.quick ? null : retailFile(options.text('retail'))
  const ofRetail = retail ? await retailBacklog(ground, retail) : null
  const profile = options.text('profile')
  const members = (options.text('members') ?? (options.quick ? '2' : '1,2')).split(',').map(Number)
  const entries: Contestant[] = []
  const add = (name: string, of: Backlog, how: DrainOptions) =>
    entries.push({ name, backlog: of, options: { ...how, ...(profile && { profile }) }, runs: [] })
  for (const count of members)
    for (const variant of variantsOf(options.text('variants'))) {
      const who = `${count} ${count === 1 ? 'member' : 'members'}${variant.name}`
      const how = { members: count, env: variant.env }
      add(who, backlog, how)
      if (large) add(`${who}, ${millions(prefill)} rows before`, backlog, { ...how, template: large })
      if (ofRetail) add(`${who}, the retail file`, ofRetail, how)
    }
  return entries
}

const millions = (rows: number) => (rows < 1_000_000 ? String(rows) : `${rows / 1_000_000} million`)

function report(ground: Ground, contestants: readonly Contestant[], rounds: number): string {
  const head = ['who', 'records', 'rows/s', 'rows/s from the start of the process', 'node µs', 'PostgreSQL µs', 'broker µs', 'RSS MiB', 'rows of a flush', 'GC'] // prettier-ignore
  const rows = contestants.map(({ name, backlog, runs }) => {
    const of = (field: keyof Drained) => spread(runs.map((run) => run[field]))
    const flush = `${of('batch')}, at most ${Math.max(...runs.map(({ largest }) => largest)).toLocaleString('en-US')}`
    const gc = spread(runs.map(({ gcShare }) => gcShare * 100))
    const records = backlog.records.toLocaleString('en-US')
    return [name, records, of('rate'), of('rateFromStart'), of('node'), of('postgres'), of('broker'), of('rss'), flush, `${gc} %`] // prettier-ignore
  })
  const bytes = contestants[0]?.backlog.bytes
  const what = `A backlog of events of ${bytes} bytes in 4 partitions, drained by \`sluice consume\`; ${rounds} rounds, the contestants taking turns; **median** (min–max). µs: of CPU, a row.
Rates run from the start of the first transaction to the last COMMIT. After each run every event is a row, and the inventory is the sum of the ledger.`
  return `${preamble(what, ground.version)}\n\n${markdownTable(head, rows)}`
}
