// A batch of which the database refuses some rows: our halving under savepoints, beside what JDBC sinks do (every record by
// itself, each committed) and beside a savepoint for every record. On real PostgreSQL; counted on the wire. Usage:
//   npm run bench -- isolation [ROUNDS [same-work]]
import { createHash } from 'node:crypto'
import { loadavg } from 'node:os'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { findStack } from '../src/local-stack/local-stack.ts'
import { migrate } from '../src/sink/migrate.ts'
import { createScratchDatabase } from '../src/sink/scratch-database.ts'
import { openContestants } from './isolation/contestants.ts'
import { type Counts, counted } from './isolation/count.ts'
import { BAD_PRICE, type BenchLine } from './isolation/lines.ts'
import { machine, markdownTable, median, writeSection } from './results.ts'

const LINES = 10_000
const BAD = [0, 1, 10, 100]
const ITEMS = 500

type Run = Counts & { ms: number }

/** The same lines for every contestant and round; `bad` of them at places that a seed chose. */
function linesWith(bad: number, count: number): BenchLine[] {
  const random = xoroshiro128plus(bad + 1)
  const places = new Set<number>()
  while (places.size < bad) places.add(uniformInt(random, 0, count - 1))
  return Array.from({ length: count }, (_, index) => {
    const digest = createHash('md5').update(`${bad}/${index}`).digest()
    const hex = digest.toString('hex')
    const eventId = hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-5$3-8$4-$5')
    const unitPrice = places.has(index) ? BAD_PRICE : '2.55'
    return { eventId, invoiceId: `I-${Math.floor(index / 20)}`, lineNumber: (index % 20) + 1, sku: `S-${index % ITEMS}`, unitPrice, digest } // prettier-ignore
  })
}

export async function benchIsolation(args: readonly string[]): Promise<void> {
  const quick = args.includes('--quick')
  const [rounds = quick ? '1' : '5', option] = args.filter((each) => each !== '--quick')
  const count = quick ? 300 : LINES
  const signal = new AbortController().signal
  const stack = await findStack({ env: process.env, log: (line) => console.log(line), signal, kafka: false })
  const scratch = await createScratchDatabase(stack.postgres.url)
  try {
    await migrate(scratch.url)
    const { contestants, version, close } = await openContestants(scratch.url, { sameWork: option === 'same-work' })
    const runs = new Map<string, Run[]>()
    // Round 0 warms caches and plans and is not counted. All contestants take turns, so that what else the machine does
    // meets all of them.
    for (let round = 0; round <= Number(rounds); round++) {
      for (const bad of BAD) {
        const lines = linesWith(bad, count)
        for (const contestant of contestants) {
          const { name, only } = contestant
          if (only !== undefined && only !== bad) continue
          await contestant.prepare(lines)
          const run = await counted(() => contestant.write())
          await contestant.check(count - bad, bad)
          console.log(`round ${round}: ${bad} bad, ${name}: ${Math.round(run.ms)} ms`)
          if (round > 0) runs.set(`${bad} ${name}`, [...(runs.get(`${bad} ${name}`) ?? []), run])
        }
      }
    }
    await close()
    const names = contestants.map(({ name }) => name)
    const text = report({ runs, names, version, rounds: Number(rounds) })
    console.log(text)
    if (!quick) await writeSection('isolation', text)
  } finally {
    await scratch.drop()
    await stack.stop()
  }
}

const SAME_WORK = `- **our work, one by one**: the sink itself, all that it writes, but after a refused batch (whose failing try is not even counted) every record is a batch of
  its own, as with the fallback of the JDBC sinks: only the way of finding the bad rows differs.`

type Report = { runs: ReadonlyMap<string, readonly Run[]>; names: readonly string[]; version: string; rounds: number }

function report({ runs, names, version, rounds }: Report): string {
  const count = (value: number) => value.toLocaleString('en-US')
  const rows = BAD.flatMap((bad) => {
    const ours = median((runs.get(`${bad} ${names[0]}`) ?? []).map(({ ms }) => ms))
    return names.flatMap((name) => {
      const all = runs.get(`${bad} ${name}`)
      if (!all) return []
      const times = all.map(({ ms }) => ms)
      const of = (field: keyof Run) => count(Math.round(median(all.map((run) => run[field]))))
      const time = `${of('ms')} ms (${count(Math.round(Math.min(...times)))}–${count(Math.round(Math.max(...times)))})`
      const ratio = median(times) / ours
      return [[String(bad), name, of('inserts'), of('savepoints'), of('rollbacks'), of('commits'), of('roundTrips'), time, `${ratio.toFixed(ratio < 10 ? 1 : 0)} ×`]] // prettier-ignore
    })
  })
  const head = ['bad', 'how', 'insert attempts', 'savepoints', 'rollbacks to one', 'commits', 'round trips', 'time (min–max)', 'time, sluice = 1'] // prettier-ignore
  return `
${LINES.toLocaleString('en-US')} line items in one batch, of which a CHECK refuses some; ${rounds} rounds, the contestants taking turns; counts and times are medians.
${new Date().toISOString().slice(0, 10)}, ${machine()}, load average ${loadavg()[1]?.toFixed(1)}, ${version}, fsync and synchronous_commit on, one connection over loopback.

${markdownTable(head, rows)}

- **sluice**: the sink as \`sluice consume\` uses it: ledger, dead letters, inventory and offsets. Past its budget of attempts a batch is given back and cut
  into smaller ones: more commits, and each of them whole.
- **one by one**: what Confluent's JDBC sink does (\`unrollAndRetry\`), at its best: the ledger rows alone, a prepared statement, one round trip for each row and its commit,
  nothing written about the bad ones, without its 10 repetitions 3 s apart and its reconnect after each bad record.
- **savepoint each**: the same in one transaction, with a savepoint for every row.
${names.includes('our work, one by one') ? SAME_WORK : ''}
`
}
