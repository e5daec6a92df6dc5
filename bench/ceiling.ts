// What PostgreSQL takes of the same transactions when nothing else is to be done, beside what `sluice consume` reaches. Usage:
//   npm run bench -- ceiling [--records N] [--rounds N] [--lanes N] [--batch N]
import { rm } from 'node:fs/promises'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { write, type Written } from './ceiling/run.ts'
import { generatedBacklog } from './support/backlog.ts'
import { type Drained, drain } from './support/drain.ts'
import { openGround } from './support/ground.ts'
import { optionsOf } from './support/options.ts'
import { sharesOf } from './support/profile.ts'
import { goals, markdownTable, median, percent, preamble, spread, writeSection } from './results.ts'

const GOAL = 0.85
const PARTITIONS = 4

export async function benchCeiling(args: readonly string[]): Promise<void> {
  const options = optionsOf(args, ['records', 'lanes', 'batch'])
  const records = options.number('records', 400_000, 3_000)
  const lanes = options.number('lanes', 1)
  const batch = options.number('batch', 10_000, 1_000)
  const counts = options.quick ? [2] : [1, 2]
  const ground = await openGround()
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  try {
    const backlog = await generatedBacklog(ground, { records, partitions: PARTITIONS })
    const env = { FLUSH_LANES: String(lanes), DATABASE_POOL_SIZE: String(lanes + 5) }
    const found = { drained: new Map<number, Drained[]>(), sink: new Map<number, Written[]>(), copy: new Map<number, Written[]>() } // prettier-ignore
    const keep = <T>(runs: Map<number, T[]>, count: number, run: T) =>
      runs.set(count, [...(runs.get(count) ?? []), run])
    for (let round = 0; round < options.rounds; round++)
      for (const count of counts) {
        const plan = { records, batch, partitions: PARTITIONS, lanes, processes: count }
        keep(found.drained, count, await drain(ground, backlog, { members: count, env }))
        keep(found.sink, count, await write(ground, { ...plan, kind: 'sink' }))
        keep(found.copy, count, await write(ground, { ...plan, kind: 'copy' }))
        const rates = Object.values(found).map((runs) => Math.round(runs.get(count)?.at(-1)?.rate ?? 0))
        console.log(
          `round ${round + 1}, ${count}: sluice consume ${rates[0]}, its transactions alone ${rates[1]}, COPY ${rates[2]}`,
        )
      }
    // Of its own, as the profiler costs time: only the shares are taken from it.
    if (!options.quick) await drain(ground, backlog, { env, profile: folder })

    const shares = options.quick ? new Map<string, number>() : await sharesOf(folder)
    const text = report(ground.version, found, shares, { records, lanes, batch, rounds: options.rounds })
    console.log(text)
    if (!options.quick) await writeSection('ceiling', text)
  } finally {
    await rm(folder, { recursive: true, force: true })
    await ground.close()
  }
}

type Found = { drained: Map<number, Drained[]>; sink: Map<number, Written[]>; copy: Map<number, Written[]> }
type Plan = { records: number; lanes: number; batch: number; rounds: number }

function report(version: string, found: Found, shares: ReadonlyMap<string, number>, plan: Plan): string {
  const of = <T, K extends keyof T>(runs: readonly T[] | undefined, field: K) =>
    (runs ?? []).map((run) => run[field] as number)
  const rateOf = (who: keyof Found, count: number) =>
    median((found[who].get(count) as { rate: number }[] | undefined)?.map(({ rate }) => rate) ?? [])
  const rows = [1, 2].flatMap((count) => {
    const drained = found.drained.get(count)
    const line = (name: string, runs: readonly Written[] | undefined, broker = '') => [
      ...[
        String(count),
        name,
        spread(of(runs, 'rate')),
        spread(of(runs, 'node')),
        spread(of(runs, 'postgres')),
        broker,
      ],
    ]
    return [
      line('`sluice consume`', drained, spread(of(drained, 'broker'))),
      line('its transactions alone', found.sink.get(count)),
      line('COPY alone', found.copy.get(count)),
    ]
  })
  const head = ['processes', 'what', 'rows/s', 'node µs', 'PostgreSQL µs', 'broker µs']
  const goal = ([1, 2] as const).map((count) => {
    const share = rateOf('drained', count) / rateOf('sink', count)
    return [`\`sluice consume\` / its transactions alone, ${count} of each`, percent(GOAL), percent(share), share >= GOAL] as const // prettier-ignore
  })
  const what = `${plan.records.toLocaleString('en-US')} events in ${PARTITIONS} partitions, ${plan.lanes} lane(s) a process; ${plan.rounds} rounds, the contestants taking turns; **median** (min–max). µs: of CPU, a row.
- **its transactions alone**: the sink of \`sluice consume\` in processes of as many lanes, with batches of ${plan.batch.toLocaleString('en-US')} decoded before, items that are known: no Kafka, no decoding, no mapping.
- **COPY alone**: the same rows into the same table, as text made before, in transactions of the same size: no inventory, no offsets.`
  return `${preamble(what, version)}\n\n${markdownTable(head, rows)}\n\n${goals(goal)}\n\n${shares.size > 0 ? budget(found.drained, shares) : ''}`
}

/** Where the CPU time of a row goes, and what of two cores is left. */
function budget(drained: ReadonlyMap<number, readonly Drained[]>, shares: ReadonlyMap<string, number>): string {
  const runs = drained.get(1) ?? []
  const of = (field: keyof Drained) => median(runs.map((run) => run[field]))
  const node = of('node')
  const wall = (2 * 1e6) / of('rate')
  const parts = [...shares].map(([area, share]) => [`node: ${area}`, (share * node).toFixed(1)])
  const used = node + of('postgres') + of('broker')
  const rows = [
    ...parts,
    ['PostgreSQL', of('postgres').toFixed(1)],
    ['broker', of('broker').toFixed(1)],
    ['**in all**', used.toFixed(1)],
    ['idle, or used by others', (wall - used).toFixed(1)],
    ['two cores, at that rate', wall.toFixed(1)],
  ]
  return `The CPU budget of a row with one member, in µs (the shares of node by a profile of a run of its own):\n\n${markdownTable(['where', 'µs'], rows)}`
}
