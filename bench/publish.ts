// What one `sluice publish` does: generating, checking a CSV file, and sending it to a real Kafka. Usage:
//   npm run bench -- publish [--records N] [--rounds N] [--retail FILE.csv.gz]
import { createThreadedProducer } from '../src/kafka/threaded-producer.ts'
import { systemClock } from '../src/lib/clock.ts'
import { generateEvents } from '../src/publish/generate.ts'
import type { Send } from '../src/publish/lanes.ts'
import { publish } from '../src/publish/publish.ts'
import { generatedSource, type PublishSource } from '../src/publish/source.ts'
import { createTopic, retailSource } from './support/backlog.ts'
import { type Ground, openGround } from './support/ground.ts'
import { optionsOf } from './support/options.ts'
import { markdownTable, preamble, spread, writeSection } from './results.ts'

const PARTITIONS = 6

type Run = { rate: number; cpu: number }

export async function benchPublish(args: readonly string[]): Promise<void> {
  const options = optionsOf(args, ['records', 'retail'])
  const count = options.number('records', 200_000, 5_000)
  const retail = options.text('retail')
  const source = (): Promise<PublishSource> | PublishSource =>
    retail ? retailSource(retail) : generatedSource({ count, seed: 1 })
  const ground = await openGround()
  try {
    const runs = new Map<string, Run[]>()
    const keep = (name: string, run: Run) => {
      console.log(`${name}: ${Math.round(run.rate)}/s, ${run.cpu.toFixed(1)} µs of CPU each`)
      runs.set(name, [...(runs.get(name) ?? []), run])
    }
    for (let round = 0; round < options.rounds; round++) {
      if (!retail) keep('generated', await measured(async () => [...generateEvents({ count, seed: 1 })].length))
      const dryRun = async () => sent(await source(), async () => undefined)
      keep('read, checked and encoded (`--dry-run`)', await measured(dryRun))
      keep('published', await publishing(ground, source))
    }
    const rows = [...runs].map(([name, all]) => [name, spread(all.map(({ rate }) => rate)), spread(all.map(({ cpu }) => cpu))]) // prettier-ignore
    const what = `${retail ? 'The retail file' : `${count.toLocaleString('en-US')} generated records`}, to ${PARTITIONS} partitions of one broker; ${options.rounds} rounds; **median** (min–max). µs: of CPU of the publisher, a record.`
    const text = `${preamble(what, ground.version)}\n\n${markdownTable(['what', 'records/s', 'µs'], rows)}`
    console.log(text)
    if (!options.quick) await writeSection('publish', text)
  } finally {
    await ground.close()
  }
}

/** Throws unless all of it is on the topic afterwards. */
async function publishing(ground: Ground, source: () => Promise<PublishSource> | PublishSource): Promise<Run> {
  const { topic, drop } = await createTopic(ground, PARTITIONS)
  const producer = createThreadedProducer(ground.kafka)
  await producer.connect()
  try {
    let records = 0
    const run = await measured(async () => (records = await sent(await source(), (some) => producer.send(topic, some))))
    const ends = [...(await ground.admin.endOffsets(topic)).values()].reduce((sum, { high }) => sum + Number(high), 0)
    if (ends !== records) throw new Error(`the topic has ${ends} records, not ${records}`)
    return run
  } finally {
    await producer.disconnect()
    await drop()
  }
}

async function sent({ rows }: PublishSource, send: Send): Promise<number> {
  const signal = new AbortController().signal
  const { published } = await publish({ rows, send, clock: systemClock, signal, rate: null, onFault: () => {}, onProgress: () => {} }) // prettier-ignore
  return published
}

async function measured(work: () => Promise<number>): Promise<Run> {
  const cpu = process.cpuUsage()
  const began = performance.now()
  const records = await work()
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { rate: records / seconds, cpu: (user + system) / records }
}
