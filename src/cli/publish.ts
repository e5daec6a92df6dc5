import { Command, InvalidArgumentError } from 'commander'
import { loadConfig, type Config } from '../config.ts'
import { createAdmin } from '../kafka/admin.ts'
import { createThreadedProducer } from '../kafka/threaded-producer.ts'
import { systemClock } from '../lib/clock.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { createCheck } from '../publish/check.ts'
import { parseColumnOption, type Field } from '../publish/csv-columns.ts'
import { createFaultList } from '../publish/fault-list.ts'
import type { Send } from '../publish/lanes.ts'
import { createProgress } from '../publish/progress.ts'
import { publish, type FaultRow, type Outcome } from '../publish/publish.ts'
import { exitCodeOf, reportJson, reportText } from '../publish/report.ts'
import type { Row, Rows } from '../publish/row.ts'
import { generatedSource, openSource, type PublishSource } from '../publish/source.ts'
import { createLog, printable } from '../telemetry/log.ts'
import type { Io } from './io.ts'

type Flags = {
  format?: string
  raw: boolean
  user?: string
  currency?: string
  column?: ReadonlyMap<Field, string>
  dateFormat?: string
  timeZone: string
  delimiter?: string
  encoding: string
  decimalComma: boolean
  generate?: number
  seed: number
  users: number
  invoices?: number
  bad: number
  rate?: number
  topic?: string
  dryRun: boolean
  faults?: string
  json: boolean
}

const whole =
  (least: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value
    throw new InvalidArgumentError(`a whole number of at least ${least} is needed.`)
  }

const EXAMPLES = `
Event ids are UUIDv5 of user, invoice and line number: publishing a file twice changes nothing.
Exit codes: 0 all published · 1 some rows became no event, or the file broke off · 2 wrong arguments · 3 Kafka · 130 stopped.

Examples:
  sluice publish events.ndjson.gz
  sluice publish invoice.json --user u-1
  sluice publish online-retail.csv.gz --user u-1 --currency GBP \\
    --column invoiceId=InvoiceNo --column sku=StockCode --column description=Description \\
    --column quantity=Quantity --column unitPrice=UnitPrice --column occurredAt=InvoiceDate
  zcat events.gz | sluice publish - --format ndjson --rate 500
  sluice publish --generate 100000 --seed 7
  sluice publish spoiled.ndjson --raw        each line as it is, for trying out dead letters`

const define = (): Command =>
  new Command('publish')
    .description('publish line items: NDJSON events, invoice documents, CSV, or generated ones')
    .argument('[file]', 'a file (.gz is read directly), or - for standard input')
    .option('--format <format>', 'ndjson, json or csv (default: by the name of the file)')
    .option('--raw', 'NDJSON: publish each line as it is, unchecked', false)
    .option('--user <id>', 'userId where the file has none')
    .option('--currency <code>', 'currency where the file has none')
    .option('--column <field=name>', 'CSV: the column of a field (repeat)', parseColumnOption)
    .option('--date-format <format>', "CSV: such as 'd/M/yyyy H:mm' (default: ISO 8601 or yyyy-MM-dd HH:mm:ss)")
    .option('--time-zone <zone>', 'CSV: zone of dates without one', 'UTC')
    .option('--delimiter <character>', 'CSV: default , (tab for .tsv)')
    .option('--encoding <encoding>', 'CSV: utf8 or latin1', 'utf8')
    .option('--decimal-comma', 'CSV: 2,55 means 2.55', false)
    .option('--generate <records>', 'publish generated records instead of a file', whole(1))
    .option('--seed <number>', 'generator: the same seed gives the same records', whole(0), 1)
    .option('--users <number>', 'generator: users', whole(1), 8)
    .option('--invoices <number>', 'generator: about how many invoices (default: one for 35 records)', whole(1))
    .option('--bad <number>', 'generator: records that must become dead letters', whole(0), 20)
    .option('--rate <records>', 'at most this many records a second', whole(1))
    .option('--topic <topic>', 'default: KAFKA_TOPIC')
    .option('--dry-run', 'check and count; show the first three events; needs no Kafka', false)
    .option('--faults <file>', 'write all faults to this file as NDJSON')
    .option('--json', 'the report as JSON', false)
    .addHelpText('after', EXAMPLES)

const sourceOf = async (file: string | undefined, flags: Flags, io: Io): Promise<PublishSource> => {
  const { generate: count, seed, users, invoices, bad } = flags
  if ((file === undefined) === (count === undefined))
    throw new OperatorError(
      'publish needs a file or --generate, and not both',
      'see sluice publish --help',
      ExitCode.usage,
    )
  if (count !== undefined)
    return generatedSource({ count, seed, users, bad, ...(invoices === undefined ? {} : { invoices }) })
  const defaults = {
    ...(flags.user === undefined ? {} : { userId: flags.user }),
    ...(flags.currency === undefined ? {} : { currency: flags.currency }),
  }
  const options = { ...flags, file: file ?? '-', defaults, columns: flags.column ?? new Map<Field, string>() }
  return openSource(options, { check: createCheck(() => systemClock.wall()), stdin: process.stdin, signal: io.drain })
}

type Target = { readonly send: Send; readonly close: () => Promise<void>; readonly topic: string | null }

/** Asked first: the producer finds a missing topic out only after its retries, 15 s later. */
const requireTopic = async (config: Config, topic: string): Promise<void> => {
  const admin = createAdmin(config.kafka, createLog('silent'))
  await admin.connect()
  try {
    if ((await admin.describeTopic(topic)) !== null) return
  } finally {
    await admin.disconnect()
  }
  throw new OperatorError(
    `there is no topic ${topic}`,
    `create it: ${topic === config.topic ? '' : `KAFKA_TOPIC=${topic} `}sluice topics create`,
  )
}

const kafkaTarget = async (config: Config, topic: string): Promise<Target> => {
  await requireTopic(config, topic)
  const producer = createThreadedProducer(config.kafka)
  await producer.connect()
  return { topic, send: (records) => producer.send(topic, records), close: () => producer.disconnect() }
}

const SHOWN = 3

/** Counts as sent. */
const dryTarget = (): Target => ({ topic: null, send: async () => undefined, close: async () => undefined })

async function* showingFirst(rows: Rows, show: (event: string) => void): AsyncGenerator<readonly Row[]> {
  let shown = 0
  for await (const some of rows) {
    for (const row of shown < SHOWN ? some : [])
      if ('record' in row && shown++ < SHOWN) show(row.record.value?.toString() ?? 'null')
    yield some
  }
}

const run = async (file: string | undefined, flags: Flags, io: Io): Promise<Outcome> => {
  const { dryRun, json } = flags
  const source = await sourceOf(file, flags, io)
  const config = dryRun ? null : loadConfig(io.env, ['kafka'])
  const target = config === null ? dryTarget() : await kafkaTarget(config, flags.topic ?? config.topic)
  let published = 0
  const progress = createProgress({
    stderr: io.stderr,
    now: () => systemClock.now(),
    total: source.total,
    done: source.done ?? (() => published),
  })
  const tell = (text: string): void => progress.line(io.stderr, printable(text))
  const show = (event: string): void => progress.line(io.stdout, io.stdout.isTTY ? printable(event) : event)
  const faults = createFaultList({ unit: source.unit, file: flags.faults ?? null, tell })
  const onProgress = (count: number): void => progress.update((published = count))
  const rows = dryRun && !json ? showingFirst(source.rows, show) : source.rows
  const { send } = target
  const rate = flags.rate ?? null
  const onFault = (fault: FaultRow): void => faults.add(fault)
  let outcome: Outcome
  try {
    outcome = await publish({ rows, send, clock: systemClock, signal: io.drain, rate, onFault, onProgress })
  } finally {
    faults.close()
    progress.stop()
    await target.close()
  }
  const options = { topic: target.topic, unit: source.unit, dryRun }
  io.stdout.write(`${json ? reportJson(outcome, options) : reportText(outcome, options)}\n`)
  if (outcome.ending.kind === 'send-failed') throw sendFault(outcome.ending.error, target.topic ?? '')
  return outcome
}

/** kafka/explain.ts has put into words what it knows. */
const sendFault = (error: unknown, topic: string): OperatorError =>
  error instanceof OperatorError
    ? error
    : new OperatorError(
        `sending to ${topic} failed: ${error instanceof Error ? error.message : String(error)}`,
        'check the brokers; publishing again is harmless',
        ExitCode.unavailable,
        { cause: error },
      )

/** `sluice publish`. Faults a person can mend are thrown as OperatorError, out of parseAsync; every other end is an exit code. */
export const publishCommand = (io: Io, exit: (code: ExitCode) => void): Command =>
  define().action(async (file: string | undefined, flags: Flags) => exit(exitCodeOf(await run(file, flags, io))))
