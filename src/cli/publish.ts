import type { Command } from 'commander'
import { loadConfig, type Config } from '../config.ts'
import { createAdmin } from '../kafka/admin.ts'
import { createThreadedProducer } from '../kafka/threaded-producer.ts'
import { systemClock } from '../lib/clock.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { printable } from '../lib/printable.ts'
import { createCheck } from '../publish/check.ts'
import type { Field } from '../publish/csv-columns.ts'
import { createFaultList } from '../publish/fault-list.ts'
import type { Send } from '../publish/lanes.ts'
import { formatOf } from '../publish/input.ts'
import { optionFault, type Kind } from '../publish/option-use.ts'
import { publish, type FaultRow, type Outcome } from '../publish/publish.ts'
import { exitCodeOf, reportJson, reportText } from '../publish/report.ts'
import type { Row, Rows } from '../publish/row.ts'
import { generatedSource, openSource, type PublishSource } from '../publish/source.ts'
import { createLog } from '../telemetry/log.ts'
import type { Io } from './io.ts'
import { createProgress } from './progress.ts'
import { definePublish, type Flags } from './publish-options.ts'

/** `given`: names of the options that stand on the command line. */
const requireUse = (file: string | undefined, flags: Flags, given: readonly string[]): void => {
  const count = flags.generate
  if ((file === undefined) === (count === undefined))
    throw new OperatorError(
      'publish needs a file or --generate, and not both',
      'see sluice publish --help',
      ExitCode.usage,
    )
  const kindOfFile = (name: string): Kind => (flags.raw ? 'raw' : formatOf(name, flags.format))
  const kind = file === undefined ? 'generated' : kindOfFile(file)
  const fault = optionFault(kind, given)
  if (fault !== null) throw new OperatorError(fault, 'leave out what does not apply', ExitCode.usage)
}

const sourceOf = async (file: string | undefined, flags: Flags, io: Io): Promise<PublishSource> => {
  const { generate: count, seed, users, invoices, bad } = flags
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
    await admin.checkRights({ topics: { [topic]: ['WRITE'] } })
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
  definePublish().action(async (file: string | undefined, flags: Flags, command: Command) => {
    const given = Object.keys(flags).filter((name) => command.getOptionValueSource(name) === 'cli')
    requireUse(file, flags, given)
    exit(exitCodeOf(await run(file, flags, io)))
  })
