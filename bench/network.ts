// A network between `sluice consume` and PostgreSQL: what each added round-trip time costs. Usage:
//   npm run bench -- network [--records N] [--rounds N] [--delays 0,1,5,20]
import { type Drained, drain } from './support/drain.ts'
import { generatedBacklog } from './support/backlog.ts'
import { openGround } from './support/ground.ts'
import { optionsOf } from './support/options.ts'
import { openToxicProxy } from '../test/support/toxic-proxy.ts'
import { goals, markdownTable, median, percent, preamble, spread, writeSection } from './results.ts'

const GOAL = 0.7

export async function benchNetwork(args: readonly string[]): Promise<void> {
  const options = optionsOf(args, ['records', 'delays'])
  const delays = (options.text('delays') ?? (options.quick ? '0,5' : '0,1,5,20')).split(',').map(Number)
  const ground = await openGround()
  const proxy = await openToxicProxy('127.0.0.1', ground.postgres.port, Math.random)
  const via = (url: string) => url.replace(`:${ground.postgres.port}/`, `:${proxy.port}/`)
  try {
    const backlog = await generatedBacklog(ground, { records: options.number('records', 300_000, 5_000) })
    const runs = new Map<number, Drained[]>(delays.map((delay) => [delay, []]))
    for (let round = 0; round < options.rounds; round++)
      for (const [delay, all] of runs) {
        proxy.set({ latencyMs: delay, ways: ['up'] })
        all.push(await drain(ground, backlog, { via }))
        console.log(`round ${round + 1}: ${delay} ms: ${Math.round(all.at(-1)?.rate ?? 0)} rows/s`)
      }
    const rateAt = (delay: number) => median(runs.get(delay)?.map(({ rate }) => rate) ?? [])
    const rows = [...runs].map(([delay, all]) => {
      const of = (field: keyof Drained) => spread(all.map((run) => run[field]))
      return [`${delay} ms`, of('rate'), percent(rateAt(delay) / rateAt(0)), of('node'), of('postgres'), of('batch')]
    })
    const what = `${backlog.records.toLocaleString('en-US')} events drained by one member at its defaults through a TCP proxy that holds back what goes to PostgreSQL for so long: so much is added to each round trip; ${options.rounds} rounds, taking turns; **median** (min–max).`
    const table = markdownTable(['added', 'rows/s', 'of 0 ms', 'node µs', 'PostgreSQL µs', 'rows of a flush'], rows)
    const share = rateAt(5) / rateAt(0)
    const met = goals([['throughput at 5 ms / at 0 ms', percent(GOAL), percent(share), share >= GOAL]])
    const text = `${preamble(what, ground.version)}\n\n${table}\n\n${met}`
    console.log(text)
    if (!options.quick) await writeSection('network', text)
  } finally {
    await proxy.close()
    await ground.close()
  }
}
