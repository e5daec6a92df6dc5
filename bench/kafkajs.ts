// What the patches of kafkajs are worth: each beside kafkajs as it is published, in one run, taking turns, each in a process of
// its own. Usage: npm run bench -- kafkajs
import { execFile } from 'node:child_process'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { createAdmin } from '../src/kafka/admin.ts'
import { findStack } from '../src/local-stack/local-stack.ts'
import { createLog } from '../src/telemetry/log.ts'
import { section, type Shape } from './kafkajs/batches.ts'
import type { Measured, Task } from './kafkajs/subject.ts'
import { machine, markdownTable, median, writeSection } from './results.ts'

const ROUNDS = 3
const IDLE_SECONDS = 10
const SUBJECT = fileURLToPath(new URL('kafkajs/subject.ts', import.meta.url))

const run = (task: Task): Promise<Measured> =>
  new Promise((resolve, reject) => {
    const child = execFile(process.execPath, ['--import', 'tsx', SUBJECT], (error, stdout, stderr) =>
      error ? reject(new Error(stderr.slice(-500), { cause: error })) : resolve(JSON.parse(stdout) as Measured),
    )
    child.stdin?.end(JSON.stringify(task))
  })

const DECODES: [name: string, shape: Shape, times: number][] = [
  ['10,000 records of 200 bytes, no header', { records: 10_000, valueBytes: 200, headers: 0 }, 10],
  ['10,000 records of 200 bytes, 3 headers', { records: 10_000, valueBytes: 200, headers: 3 }, 10],
  ['1 record with 3,000 headers', { records: 1, valueBytes: 10, headers: 3_000 }, 3],
  ['150,000 records in one batch', { records: 150_000, valueBytes: 1, headers: 0, codec: 'gzip' }, 1],
  ['a gzip bomb of 100 MB', { records: 1, valueBytes: 100e6, headers: 0, codec: 'gzip', zeros: true }, 1],
  ['10,000 records, gzip', { records: 10_000, valueBytes: 200, headers: 0, codec: 'gzip' }, 10],
  ['10,000 records, snappy', { records: 10_000, valueBytes: 200, headers: 0, codec: 'snappy' }, 10],
  ['10,000 records, lz4', { records: 10_000, valueBytes: 200, headers: 0, codec: 'lz4' }, 10],
  ['10,000 records, zstd', { records: 10_000, valueBytes: 200, headers: 0, codec: 'zstd' }, 10],
]

type Row = [string, string, string, string, string, string]
const decodeRows = async ([name, shape, times]: (typeof DECODES)[number], rounds: number): Promise<Row[]> => {
  const bytes = section(shape).toString('base64')
  const found: Record<'patched' | 'published', Measured[]> = { published: [], patched: [] }
  for (let round = 0; round < rounds; round++)
    for (const who of ['published', 'patched'] as const)
      found[who].push(await run({ kind: 'decode', patched: who === 'patched', section: bytes, times }))
  return (['published', 'patched'] as const).map((who) => {
    const ms = found[who].map((each) => each.ms)
    const spread = `${Math.min(...ms).toFixed(1)}–${Math.max(...ms).toFixed(1)}`
    const rise = Math.round(median(found[who].map((each) => each.rise)))
    return [name, who, found[who][0]?.outcome ?? '', `${median(ms).toFixed(1)} ms (${spread})`, `${rise} MiB`, '']
  })
}

const idleRows = async (seconds: number, rounds: number): Promise<Row[]> => {
  const signal = new AbortController().signal
  const stack = await findStack({ env: process.env, log: (line) => console.log(line), signal, postgres: false })
  const { brokers } = stack.kafka
  const topic = `bench-kafkajs-${process.pid}`
  const none = { securityProtocol: 'PLAINTEXT', sasl: null, ssl: null } as const
  const admin = createAdmin({ brokers, clientId: 'bench', ...none }, createLog('silent'))
  try {
    await admin.connect()
    await admin.createTopics({ topic, dlqTopic: `${topic}.dlq`, partitions: 3, replicationFactor: 1 })
    const found: Record<'patched' | 'published', number[]> = { published: [], patched: [] }
    for (let round = 0; round < rounds; round++)
      for (const who of ['published', 'patched'] as const) {
        const task = { kind: 'idle', brokers, topic, seconds, patched: who === 'patched' } as const
        found[who].push((await run(task)).cpu)
      }
    await admin.deleteTopics([topic, `${topic}.dlq`])
    const percent = (share: number) => `${(share * 100).toFixed(1)} %`
    return (['published', 'patched'] as const).map((who) => {
      const [least = 0, most = 0] = [Math.min(...found[who]), Math.max(...found[who])]
      const share = `${percent(median(found[who]))} (${percent(least)}–${percent(most)})`
      return ['an idle consumer and producer', who, 'idle', '', '', share]
    })
  } finally {
    await admin.disconnect()
    await stack.stop()
  }
}

export async function benchKafkajs(args: readonly string[]): Promise<void> {
  const quick = args.includes('--quick')
  const rounds = quick ? 1 : ROUNDS
  const rows = await idleRows(quick ? 1 : IDLE_SECONDS, rounds)
  for (const each of quick ? DECODES.slice(0, 1) : DECODES) {
    rows.push(...(await decodeRows(each, rounds)))
    console.log(rows.slice(-2).map((row) => row.join('   ')).join('\n')) // prettier-ignore
  }
  const head = ['what', 'kafkajs 2.2.4', 'outcome', 'CPU time (min–max)', 'memory', 'of a core (min–max)']
  const where = `${machine()}, load average ${loadavg()[0]?.toFixed(1)}`
  const date = new Date().toISOString().slice(0, 10)
  const intro = `Each of ${ROUNDS} rounds in a process of its own, published and patched taking turns; medians. Decoding is of one section of a fetch response, checksum
included (published: none is checked); memory is what the peak rose by. ${date}, ${where}.`
  if (!quick) await writeSection('kafkajs', `${intro}\n\n${markdownTable(head, rows)}`)
}
