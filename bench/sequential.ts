// The same work one event at a time, and as the classic `createMany` with an update for each item, beside `sluice consume`. Usage:
//   npm run bench -- sequential [--records N] [--rounds N] [--one N] [--many N]
import { preparedBatches } from './ceiling/batches.ts'
import { createItems, createManyAndUpdates, type Line, oneAtATime, type Sequential } from './sequential/contestants.ts'
import { generatedBacklog } from './support/backlog.ts'
import { cpuOfFamily } from './support/cpu.ts'
import { drain } from './support/drain.ts'
import { type Ground, openGround } from './support/ground.ts'
import { optionsOf } from './support/options.ts'
import { goals, markdownTable, median, preamble, spread, times, writeSection } from './results.ts'

type Run = { rate: number; node: number; postgres: number }
/** Events before the clock starts. */
const WARM_UP = 500
const TOPIC = 'bench-sequential'

export async function benchSequential(args: readonly string[]): Promise<void> {
  const options = optionsOf(args, ['records', 'one', 'many'])
  const records = options.number('records', 400_000, 5_000)
  const ground = await openGround()
  try {
    const backlog = await generatedBacklog(ground, { records })
    const others = [
      ['one event at a time', options.number('one', 2_000, 50), oneAtATime],
      ['`createMany` + one update per item, 500 at once', options.number('many', 20_000, 500), createManyAndUpdates],
    ] as const
    const runs = new Map<string, Run[]>([['`sluice consume`', []], ...others.map(([name]) => [name, [] as Run[]] as const)]) // prettier-ignore
    for (let round = 0; round < options.rounds; round++) {
      runs.get('`sluice consume`')?.push(await drain(ground, backlog))
      for (const [name, count, open] of others) {
        const run = await measure(ground, linesOf(count + WARM_UP), open)
        runs.get(name)?.push(run)
        console.log(`round ${round + 1}: ${name}: ${Math.round(run.rate)} rows/s`)
      }
    }
    const text = report(ground.version, runs, options.rounds)
    console.log(text)
    if (!options.quick) await writeSection('sequential', text)
  } finally {
    await ground.close()
  }
}

const linesOf = (records: number): Line[] =>
  preparedBatches({ records, batch: records, partitions: 1, lanes: 1, processes: 1, process: 0 })
    .flat()
    .flatMap(({ entries }) => entries)
    .flatMap(({ record, decoded }) =>
      decoded.kind === 'line-item' ? [{ line: decoded.lineItem, offset: record.offset }] : [],
    )

async function measure(
  ground: Ground,
  lines: readonly Line[],
  open: (url: string, topic: string) => Sequential,
): Promise<Run> {
  const base = await ground.database()
  const measured = lines.length - WARM_UP
  await createItems(base.url, lines)
  const contestant = open(base.url, TOPIC)
  try {
    await contestant.write(lines.slice(0, WARM_UP)) // connects, and is compiled
    const cpu = process.cpuUsage()
    const postgres = await cpuOfFamily(await ground.postmaster())
    const began = performance.now()
    await contestant.write(lines.slice(WARM_UP))
    const seconds = (performance.now() - began) / 1000
    const { user, system } = process.cpuUsage(cpu)
    const [found] = await base.query<{ rows: number; wrong: number }>(
      `SELECT (SELECT count(*) FROM ledger_entry)::int AS rows, (SELECT count(*) FROM inventory i
        FULL JOIN (SELECT item_id, sum(quantity) AS quantity FROM ledger_entry GROUP BY item_id) l USING (item_id)
        WHERE i.quantity IS DISTINCT FROM l.quantity)::int AS wrong`,
    )
    if (found?.rows !== lines.length || found.wrong !== 0) throw new Error(`wrong: ${JSON.stringify(found)}`)
    return {
      rate: measured / seconds,
      node: (user + system) / measured,
      postgres: (((await cpuOfFamily(await ground.postmaster())) - postgres) * 1e6) / measured,
    }
  } finally {
    await contestant.close()
    await base.drop()
  }
}

function report(version: string, runs: ReadonlyMap<string, readonly Run[]>, rounds: number): string {
  const ours = median(runs.get('`sluice consume`')?.map(({ rate }) => rate) ?? [])
  const ratioOf = (name: string) => ours / median(runs.get(name)?.map(({ rate }) => rate) ?? [])
  const rows = [...runs].map(([name, all]) => {
    const of = (field: keyof Run) => spread(all.map((run) => run[field]))
    return [name, of('rate'), of('node'), of('postgres'), times(ratioOf(name))]
  })
  const [one = '', many = ''] = [...runs.keys()].slice(1)
  const what = `One process and one connection each; ${rounds} rounds, the contestants taking turns; **median** (min–max). µs: of CPU, a row. The others are given decoded events and commit nothing to Kafka,
find every item created already, know no duplicates, no dead letters and no positions; \`sluice consume\` reads them from Kafka and does all of it.`
  const table = markdownTable(['how', 'rows/s', 'node µs', 'PostgreSQL µs', 'sluice is faster by'], rows)
  const goal = [
    [`sluice / ${one}`, '80 ×', times(ratioOf(one)), ratioOf(one) >= 80] as const,
    [`sluice / ${many}`, '10 ×', times(ratioOf(many)), ratioOf(many) >= 10] as const,
  ]
  return `${preamble(what, version)}\n\n${table}\n\n${goals(goal)}`
}
