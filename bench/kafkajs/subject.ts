// kafkajs in a process of its own, with our patches or as it is published. Reads a task from stdin, prints what came of it.
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'

/** A section of a fetch response to decode so often, or brokers to stay connected with, doing nothing, for so long. */
export type Task =
  | { patched: boolean; kind: 'decode'; section: string; times: number }
  | { patched: boolean; kind: 'idle'; brokers: string[]; topic: string; seconds: number }
/** `ms`: of CPU, each time · `cpu`: share of one core · `rise`: of the resident memory at its peak, in MiB. */
export type Measured = { outcome: string; ms: number; cpu: number; rise: number }

type Decode = (decoder: unknown) => Promise<unknown[]>
const load = createRequire(import.meta.url)
const peak = () => process.resourceUsage().maxRSS / 1_024

const decode = async (section: Buffer, times: number): Promise<Pick<Measured, 'outcome' | 'ms' | 'rise'>> => {
  const Decoder = load('kafkajs/src/protocol/decoder.js') as new (buffer: Buffer) => unknown
  const decodeMessages = load('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js') as Decode
  const before = peak()
  const began = process.cpuUsage()
  let outcome = ''
  for (let time = 0; time < times; time++)
    outcome = await decodeMessages(new Decoder(section)).then(
      (records) => `${records.length} records`,
      (error: Error) =>
        `refused: ${error.name === 'RangeError' ? error.message : ((error.cause as Error | undefined)?.name ?? error.name)}`,
    )
  const { user, system } = process.cpuUsage(began)
  return { outcome, ms: (user + system) / 1_000 / times, rise: peak() - before }
}

const idle = async ({
  brokers,
  topic,
  seconds,
}: Extract<Task, { kind: 'idle' }>): Promise<Pick<Measured, 'outcome' | 'cpu'>> => {
  const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `${topic}-${process.pid}`, maxWaitTimeInMs: 500 })
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  const joined = new Promise<void>((resolve) => consumer.on('consumer.group_join', () => resolve()))
  await Promise.all([consumer.connect(), producer.connect()])
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({ eachBatch: async () => {} })
  await joined
  await sleep(2_000) // what is compiled at first is none of it
  const before = process.cpuUsage()
  await sleep(seconds * 1_000)
  const { user, system } = process.cpuUsage(before)
  return { outcome: `idle for ${seconds} s`, cpu: (user + system) / 1e6 / seconds }
}

const task = JSON.parse(await text(process.stdin)) as Task
if (task.patched) await import('../../src/kafka/patches.ts')
const nothing = { ms: 0, cpu: 0, rise: 0 }
let measured: Measured
if (task.kind === 'idle') measured = { ...nothing, ...(await idle(task)) }
else {
  await decode(Buffer.alloc(4), 1) // loads what a first decode loads
  measured = { ...nothing, ...(await decode(Buffer.from(task.section, 'base64'), task.times)) }
}
process.stdout.write(JSON.stringify(measured), () => process.exit(0))
