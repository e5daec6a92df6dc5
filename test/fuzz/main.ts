// `npm run fuzz -- --cases 100000 --seed 7`: hostile records through decode, and what comes of them through PostgreSQL.
import process from 'node:process'
import Table from 'cli-table3'
import { Command } from 'commander'
import { findStack } from '../../src/local-stack/local-stack.ts'
import { migrate } from '../../src/sink/migrate.ts'
import { createScratchDatabase } from '../../src/sink/scratch-database.ts'
import { openFuzzDatabase } from './database.ts'
import { LIMIT_MS } from './decode-laws.ts'
import { fuzz, FuzzFailure, type Summary } from './fuzz.ts'

type Flags = { cases: string; seed: string; path?: string }

const say = (line: string): void => console.log(line)
const number = (value: number) => value.toLocaleString('en')

const show = ({ cases, accepted, ignored, rejected, slowest }: Summary, seconds: number): void => {
  const table = new Table({ head: ['outcome', 'cases', '%'], style: { head: [], border: [] } })
  const row = (what: string, count: number) => table.push([what, number(count), ((100 * count) / cases).toFixed(1)])
  row('accepted, stored as sent', accepted)
  for (const [code, count] of [...rejected].sort(([, a], [, b]) => b - a)) row(code, count)
  row('ignored (tombstone)', ignored)
  const { ms, bytes, outcome } = slowest
  say(table.toString())
  say(`slowest: ${ms.toFixed(1)} ms of ${LIMIT_MS} (${number(bytes)} bytes, ${outcome})`)
  say(`${number(cases)} cases in ${seconds.toFixed(0)} s, no law broken`)
}

const run = async ({ cases, seed, path }: Flags): Promise<void> => {
  const stack = await findStack({ env: process.env, log: say, signal: new AbortController().signal })
  const scratch = await createScratchDatabase(stack.postgres.url)
  try {
    await migrate(scratch.url)
    const database = await openFuzzDatabase(scratch.url)
    const began = performance.now()
    say(`fuzz, ${cases} cases, seed ${seed}${path === undefined ? '' : `, path ${path}`}`)
    try {
      const replayed = path === undefined ? {} : { path }
      const summary = await fuzz({ count: Number(cases), seed: Number(seed), ...replayed, database, say })
      show(summary, (performance.now() - began) / 1_000)
    } finally {
      await database.close()
    }
  } catch (error) {
    if (!(error instanceof FuzzFailure)) throw error
    say(error.message)
    process.exitCode = 1
  } finally {
    await scratch.drop()
    await stack.stop()
  }
}

await new Command('fuzz')
  .description('hostile records: decode holds its laws, and PostgreSQL stores what it accepts and what it refuses')
  .option('--cases <n>', 'how many', '100000')
  .option('--seed <n>', 'of the cases', String(Math.floor(Math.random() * 1e6)))
  .option('--path <path>', 'replays one failed case of this seed')
  .action(run)
  .parseAsync()
