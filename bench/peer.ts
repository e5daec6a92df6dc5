// Kafka Connect with the Debezium JDBC sink, from the same topic into the same columns, beside `sluice consume`. Usage:
//   npm run bench -- peer [--records N] [--rounds N] [--retail FILE.csv.gz]
// Without --records: the retail file, where it is.
import { setTimeout as sleep } from 'node:timers/promises'
import { OperatorError } from '../src/lib/operator-error.ts'
import { startPeer } from './peer/connect.ts'
import { CONNECT_VERSION, peerJars, SINK_VERSION } from './peer/jars.ts'
import { DEFAULTS, type Mode, SAFE, TABLE, UNSAFE } from './peer/modes.ts'
import { retailFile } from './support/retail.ts'
import { type Backlog, generatedBacklog, retailBacklog } from './support/backlog.ts'
import { cpuOf, cpuOfFamily } from './support/cpu.ts'
import { drain } from './support/drain.ts'
import { type Base, type Ground, openGround } from './support/ground.ts'
import { optionsOf } from './support/options.ts'
import { goals, markdownTable, median, preamble, spread, times, writeSection } from './results.ts'

type Run = { rate: number; client: number; postgres: number; broker: number; all: number; rss: number }
type Contestant = { name: string; run: () => Promise<Run>; runs: Run[] }

export async function benchPeer(args: readonly string[]): Promise<void> {
  const options = optionsOf(args, ['records', 'retail'])
  const missing = await peerJars().then(
    () => null,
    (error: unknown) => error,
  )
  if (missing instanceof OperatorError) return console.log(`peer: NOT RUN: ${missing.message}. ${missing.remedy}`)
  if (missing instanceof Error) throw missing
  const ground = await openGround()
  try {
    const given = options.text('retail')
    const file = options.quick || (options.text('records') && !given) ? null : retailFile(given)
    const backlog = file
      ? await retailBacklog(ground, file)
      : await generatedBacklog(ground, { records: options.number('records', 600_000, 5_000) })
    const ours = (members: number): Contestant => ({
      name: `sluice, ${members} member${members > 1 ? 's' : ''}`,
      run: async () => {
        const run = await drain(ground, backlog, { members })
        return { ...run, client: run.node, all: run.node + run.postgres + run.broker }
      },
      runs: [],
    })
    const theirs = (mode: Mode): Contestant => ({
      name: mode.name,
      run: () => drainByPeer(ground, backlog, mode),
      runs: [],
    })
    const all = options.quick
      ? [ours(1), theirs(SAFE(1))]
      : [ours(1), theirs(DEFAULTS), theirs(SAFE(1)), ours(2), theirs(SAFE(2)), theirs(UNSAFE(2))]
    for (let round = 0; round < options.rounds; round++)
      for (const { name, run, runs } of all) {
        runs.push(await run())
        console.log(`round ${round + 1}: ${name}: ${Math.round(runs.at(-1)?.rate ?? 0)} rows/s`)
      }
    const text = report(ground.version, all, {
      rounds: options.rounds,
      what: `${backlog.records.toLocaleString('en-US')} ${file ? 'lines of the retail file' : 'generated events'}`,
    })
    console.log(text)
    if (!options.quick) await writeSection('peer', text)
  } finally {
    await ground.close()
  }
}

async function drainByPeer(ground: Ground, backlog: Backlog, mode: Mode): Promise<Run> {
  const base = await ground.database()
  const peer = await startPeer(ground, base, backlog.topic, mode)
  const spent = async () => {
    const [client, postgres, broker] = await Promise.all([cpuOf(peer.pid), cpuOfFamily(await ground.postmaster()), cpuOf(ground.broker)]) // prettier-ignore
    return { client, postgres, broker }
  }
  try {
    await grown(base, 0, peer.check)
    const [first] = await base.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM ${TABLE}`)
    const before = await spent()
    await complete(base, backlog.records, peer.check)
    const after = await spent()
    const rss = peer.memory.max()
    const [found] = await base.query<{ rows: number; began: number; ended: number; quantity: string }>(
      `SELECT sum(rows)::int AS rows, (extract(epoch FROM min(began)) * 1000)::float8 AS began, sum(quantity)::text AS quantity,
         (extract(epoch FROM max(pg_xact_commit_timestamp(xid))) * 1000)::float8 AS ended
       FROM (SELECT xmin AS xid, min(created_at) AS began, count(*) AS rows, sum(quantity) AS quantity FROM ${TABLE} GROUP BY xmin) t`,
    )
    if (found?.rows !== backlog.records || BigInt(found.quantity.replace('.', '')) !== backlog.quantity)
      throw new Error(`wrong: ${JSON.stringify(found)}`)
    const micros = (who: keyof typeof before) =>
      ((after[who] - before[who]) * 1e6) / (backlog.records - (first?.rows ?? 0))
    const costs = { client: micros('client'), postgres: micros('postgres'), broker: micros('broker') }
    const all = costs.client + costs.postgres + costs.broker
    return { rate: (backlog.records * 1000) / (found.ended - found.began), ...costs, all, rss }
  } finally {
    await peer.stop()
    await base.drop()
  }
}

const bytesOf = async ({ query }: Base) =>
  (await query<{ bytes: number }>(`SELECT pg_relation_size('${TABLE}')::int AS bytes`))[0]?.bytes ?? 0

const POLL_MS = 50
const PATIENCE_MS = 180_000

/** Until its table is larger than so many bytes: cheap to ask. */
async function grown(base: Base, bytes: number, check: () => Promise<void>) {
  const deadline = performance.now() + PATIENCE_MS
  while ((await bytesOf(base)) <= bytes) {
    if (performance.now() > deadline) throw new Error('the peer wrote nothing')
    await check()
    await sleep(POLL_MS)
  }
}

/** Until all rows are there. They are counted only when the table stands still. */
async function complete(base: Base, records: number, check: () => Promise<void>) {
  let last = { bytes: 0, at: performance.now() }
  for (;;) {
    await sleep(POLL_MS)
    const bytes = await bytesOf(base)
    if (bytes !== last.bytes) last = { bytes, at: performance.now() }
    const still = performance.now() - last.at
    if (still < 4 * POLL_MS) continue
    const [found] = await base.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM ${TABLE}`)
    if (found?.rows === records) return
    await check()
    if (still > PATIENCE_MS) throw new Error(`the peer stopped at ${found?.rows} of ${records} rows`)
  }
}

function report(version: string, all: readonly Contestant[], { rounds, what }: { rounds: number; what: string }) {
  const rows = all.map(({ name, runs }) => {
    const of = (field: keyof Run) => spread(runs.map((run) => run[field]))
    return [name, of('rate'), of('client'), of('postgres'), of('broker'), of('all'), of('rss')]
  })
  const text = `${what} in 4 partitions, from the same topic into the same columns with the same indexes; ${rounds} rounds, the contestants taking turns; **median** (min–max). µs: of CPU, a row.
The peer: Kafka Connect ${CONNECT_VERSION} standalone with the Debezium JDBC sink ${SINK_VERSION}, a heap of 4 GB. Rates run from the start of the first transaction to the last COMMIT, for both.
**The peer does less**: it maps no items, keeps no inventory, no positions in the database and no hash of what it wrote; it writes no dead letters, and its task dies of the first row that the database refuses and of a crash of the database.`
  const head = ['who', 'rows/s', 'client µs', 'PostgreSQL µs', 'broker µs', 'all µs', 'RSS MiB']
  return `${preamble(text, version)}\n\n${markdownTable(head, rows)}\n\n${goals(goalsOf(all))}`
}

function goalsOf(all: readonly Contestant[]) {
  const of = (name: string, field: keyof Run = 'rate') =>
    median((all.find((each) => each.name === name)?.runs ?? []).map((run) => run[field]))
  const best = (mode: Mode) => of(mode.name)
  const one = of('sluice, 1 member')
  const machine = Math.max(one, of('sluice, 2 members') || 0)
  const ratio = (what: string, goal: number, found: number) => [what, times(goal), times(found), found >= goal] as const
  const leastCpu = Math.min(of('sluice, 1 member', 'all'), of('sluice, 2 members', 'all') || Infinity)
  const theirCpu = Math.min(of(SAFE(1).name, 'all'), of(SAFE(2).name, 'all') || Infinity)
  return [
    ratio('one member / one task, its best safe mode', 1.4, one / best(SAFE(1))),
    ratio('the whole machine / its best safe mode', 1.25, machine / Math.max(best(SAFE(1)), best(SAFE(2)) || 0)),
    ratio('the whole machine / its best unsafe mode', 1, machine / best(UNSAFE(2))),
    ratio('the whole machine / its defaults', 3.5, machine / best(DEFAULTS)),
    ['CPU µs a row in all: less than its best safe mode', theirCpu.toFixed(1), leastCpu.toFixed(1), leastCpu < theirCpu] as const, // prettier-ignore
  ]
}
