// From the call of the producer's send to the COMMIT that makes the row visible. Usage:
//   npm run bench -- latency [--seconds N] [--rounds N] [--rates 10,100,…] [--variants 'FLUSH_MIN_AGE_MS=5;FLUSH_MIN_AGE_MS=0']
import { setTimeout as sleep } from 'node:timers/promises'
import { build, type Histogram } from 'hdr-histogram-js'
import { createProducer } from '../src/kafka/producer.ts'
import { eventsOf, everyItem, load, newItem, type Pace, prepare, type Prepared, type Sent } from './latency/load.ts'
import { observe, seenAt } from './latency/observe.ts'
import { type Open, openPeer, openSluice, type Subject } from './latency/subjects.ts'
import { createTopic } from './support/backlog.ts'
import { type Base, type Ground, openGround } from './support/ground.ts'
import { optionsOf, variantsOf } from './support/options.ts'
import { goals, markdownTable, median, preamble, spread, writeSection } from './results.ts'

const WARM_UP = { rate: 500, seconds: 5, seed: 1_001 }
const FLUSH = `SELECT coalesce(sum(fsyncs), 0)::float8 AS count, coalesce(sum(coalesce(fsync_time, 0) + coalesce(write_time, 0)), 0)::float8 AS ms
  FROM pg_stat_io WHERE object = 'wal' AND backend_type = 'client backend'`

type Run = { p50: number; p99: number; p999: number; max: number; cpu: number; ack: number; seen: number | null }
type Entry = {
  name: string
  pace: Pace
  shape?: typeof newItem
  open: Open
  ours: boolean
  observed: boolean
  runs: Run[]
}

export async function benchLatency(args: readonly string[]): Promise<void> {
  const options = optionsOf(args, ['seconds', 'rates', 'variants'])
  const seconds = options.number('seconds', 10, 2)
  const rates = (options.text('rates') ?? (options.quick ? '100' : '10,100,500,1000,10000')).split(',').map(Number)
  const steady = (rate: number): Entry => ({
    ...{ name: `sluice, ${rate.toLocaleString('en-US')}/s`, pace: { rate, seconds }, open: openSluice({}), runs: [] },
    ours: true,
    observed: rate === 500,
  })
  const variants = variantsOf(options.text('variants'))
  const entries = rates.flatMap((rate) =>
    variants.map(({ name, env }): Entry => ({
      ...steady(rate),
      name: steady(rate).name + name,
      open: openSluice(env),
    })),
  )
  if (!options.quick) {
    const burst = { events: 5_000, everySeconds: 2 }
    entries.push({ ...steady(100), name: 'sluice, 100/s and 5,000 at once every 2 s', pace: { rate: 100, seconds, burst } }) // prettier-ignore
    if (rates.includes(100))
      entries.push({ ...steady(100), name: 'sluice, 100/s, each line of a new item', shape: newItem, ours: false })
    if (rates.includes(500)) entries.push({ ...steady(500), name: 'the peer (upsert, its defaults), 500/s', open: openPeer, ours: false, observed: false }) // prettier-ignore
  }
  const ground = await openGround()
  try {
    for (let round = 0; round < options.rounds; round++)
      for (const entry of entries) {
        const run = await measure(ground, entry, { seed: round + 2, warmUp: !options.quick })
        entry.runs.push(run)
        console.log(
          `round ${round + 1}: ${entry.name}: p50 ${run.p50.toFixed(1)} ms, p99 ${run.p99.toFixed(1)}, max ${run.max.toFixed(0)}, Kafka's acknowledgement p50 ${run.ack.toFixed(1)}; seen by an observer p50 ${run.seen?.toFixed(1) ?? '-'}`,
        )
      }
    const text = report(ground.version, entries, { rounds: options.rounds, seconds })
    console.log(text)
    if (!options.quick) await writeSection('latency', text)
  } finally {
    await ground.close()
  }
}

async function measure(ground: Ground, entry: Entry, how: { seed: number; warmUp: boolean }): Promise<Run> {
  const base = await ground.database()
  const { topic, drop } = await createTopic(ground, 4)
  const producer = createProducer(ground.kafka, ground.log)
  await producer.connect()
  const subject = await entry.open(ground, base, topic)
  try {
    // What is compiled and connected at first is none of it.
    const acks: number[] = []
    const send = (pace: Pace, events: Prepared, acknowledged?: (ms: number) => void) =>
      load({ producer, topic }, pace, events, acknowledged)
    if (how.warmUp) {
      const items = everyItem()
      await settled(base, subject, await send({ rate: items.length, seconds: 1 }, items))
      await settled(base, subject, await send(WARM_UP, prepare(eventsOf(WARM_UP), WARM_UP.seed)))
    }
    const observer = entry.observed ? await observe(base.url) : null
    const flushBefore = (await base.query<{ count: number; ms: number }>(FLUSH))[0]
    const cpu = await subject.cpu()
    const sent = await send(entry.pace, prepare(eventsOf(entry.pace), how.seed, entry.shape), (ms) => acks.push(ms))
    await settled(base, subject, sent)
    const spent = (await subject.cpu()) - cpu
    const looks = observer ? await observer.stop() : null
    await subject.stop()
    const flushAfter = (await base.query<{ count: number; ms: number }>(FLUSH))[0]
    // PostgreSQL takes the time of a commit before it writes it to disk.
    const flushMs = ((flushAfter?.ms ?? 0) - (flushBefore?.ms ?? 0)) / Math.max(1, (flushAfter?.count ?? 0) - (flushBefore?.count ?? 0)) // prettier-ignore
    const rows = await committed(base, subject)
    const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000 })
    const bySight = build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000 })
    for (const { id, at, partition, offset } of rows) {
      const from = sent.get(id)
      if (from === undefined) continue
      record(histogram, at + flushMs - from)
      const seen = looks && partition !== null ? seenAt(looks, partition, offset ?? 0) : undefined
      if (seen !== undefined) record(bySight, seen - from)
    }
    if (histogram.totalCount !== sent.size) throw new Error(`${histogram.totalCount} of ${sent.size} events were measured`) // prettier-ignore
    const at = (percentile: number) => histogram.getValueAtPercentile(percentile) / 1000
    return {
      ...{ p50: at(50), p99: at(99), p999: at(99.9), max: histogram.maxValue / 1000 },
      ack: median(acks),
      cpu: (spent / entry.pace.seconds) * 100,
      seen: bySight.totalCount > 0 ? bySight.getValueAtPercentile(50) / 1000 : null,
    }
  } finally {
    await subject.stop()
    await producer.disconnect()
    await Promise.all([drop(), base.drop()])
  }
}

const record = (histogram: Histogram, ms: number) => histogram.recordValue(Math.max(1, Math.round(ms * 1000)))

type Seen = { id: string; at: number; partition: number | null; offset: number | null }
const committed = ({ query }: Base, { table, id }: Subject) =>
  query<Seen>(
    `SELECT ${id}::text AS id, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000)::float8 AS at,
       ${table === 'ledger_entry' ? 'partition, record_offset::int AS offset' : 'NULL::int AS partition, NULL::int AS offset'}
     FROM ${table}`,
  )

/** How many rows a ledger must hold by now. */
const expected = new WeakMap<Base, number>()
async function settled(base: Base, { table }: Subject, sent: Sent): Promise<void> {
  const goal = (expected.get(base) ?? 0) + sent.size
  expected.set(base, goal)
  const deadline = performance.now() + 120_000
  for (;;) {
    const [found] = await base.query<{ rows: number }>(`SELECT count(*)::int AS rows FROM ${table}`)
    if (found?.rows === goal) return
    if (performance.now() > deadline) throw new Error(`${found?.rows} of ${goal} rows`)
    await sleep(200)
  }
}

function report(version: string, entries: readonly Entry[], { rounds, seconds }: { rounds: number; seconds: number }) {
  const rows = entries.map(({ name, runs }) => {
    const of = (field: 'p50' | 'p99' | 'p999' | 'max' | 'cpu' | 'ack') => spread(runs.map((run) => run[field]))
    const seen = runs.flatMap((run) => run.seen ?? [])
    return [
      name,
      of('p50'),
      of('p99'),
      of('p999'),
      of('max'),
      of('ack'),
      seen.length > 0 ? spread(seen) : '',
      `${of('cpu')} %`,
    ]
  })
  const worst = (field: 'p50' | 'p99', from: number, to: number) =>
    Math.max(
      ...entries
        .filter(({ ours, pace }) => ours && !pace.burst && pace.rate >= from && pace.rate <= to)
        .map(({ runs }) => median(runs.map((run) => run[field]))),
    )
  const goal = (what: string, most: number, found: number) => [what, `≤ ${most} ms`, `${found.toFixed(1)} ms`, found <= most] as const // prettier-ignore
  const lines = [
    goal('p50 up to 1,000/s', 5, worst('p50', 1, 1_000)),
    goal('p99 up to 1,000/s', 20, worst('p99', 1, 1_000)),
    goal('p99 at 10,000/s', 100, worst('p99', 10_000, 10_000)),
  ]
  const what = `From the producer's send to the COMMIT, in ms, with one member at its defaults, 4 partitions, ${seconds} s each after a warm-up in which every item came once; ${rounds} rounds, taking turns; **median** (min–max) of the rounds.
The moment of a COMMIT is PostgreSQL's own (\`pg_xact_commit_timestamp\`) plus the mean time that the run took to write WAL to disk, which follows it; nobody looks meanwhile. **seen**: p50 as an observer sees it that
looks at the positions every millisecond. **ack**: p50 until Kafka has acknowledged the send, which is no work of the consumer's. CPU: of one core, by the consumer.`
  const head = ['who', 'p50', 'p99', 'p99.9', 'max', 'ack', 'seen', 'CPU']
  return `${preamble(what, version)}\n\n${markdownTable(head, rows)}\n\n${goals(lines)}`
}
