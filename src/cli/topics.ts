import { Command, InvalidArgumentError } from 'commander'
import { loadConfig } from '../config.ts'
import { createAdmin, type KafkaAdmin } from '../kafka/admin.ts'
import { deadLetterWarnings, type TopicReport } from '../kafka/topics.ts'
import { ExitCode } from '../lib/operator-error.ts'
import { createLog } from '../telemetry/log.ts'
import type { Io } from './io.ts'
import { topicsRecord } from './topics-record.ts'

type Exit = (code: ExitCode) => void
type Connected = { admin: KafkaAdmin; topic: string; dlqTopic: string }
type CreateOptions = { partitions: number; replicationFactor: number; json?: true }

const count = (max: number) => (text: string) => {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > max)
    throw new InvalidArgumentError(`a whole number from 1 to ${max}.`)
  return value
}

const withAdmin = async <T>(io: Io, work: (connected: Connected) => Promise<T>): Promise<T> => {
  const config = loadConfig(io.env, ['kafka'])
  const admin = createAdmin(config.kafka, createLog('silent'))
  try {
    await admin.connect()
    return await work({ admin, topic: config.topic, dlqTopic: config.dlqTopic })
  } finally {
    await admin.disconnect()
  }
}

const reportLine = ({ topic, outcome, partitions, maxMessageBytes, warnings }: TopicReport): string =>
  [
    `${outcome === 'created' ? 'created' : 'existed'}  ${topic}  (${partitions} partitions, max.message.bytes ${maxMessageBytes})`,
    ...warnings.map((warning) => `  warning: ${warning}`),
  ].join('\n')

const create = async (io: Io, { partitions, replicationFactor, json }: CreateOptions): Promise<ExitCode> => {
  const reports = await withAdmin(io, ({ admin, topic, dlqTopic }) =>
    admin.createTopics({ topic, dlqTopic, partitions, replicationFactor }),
  )
  io.stdout.write(json ? `${JSON.stringify(reports)}\n` : `${reports.map(reportLine).join('\n')}\n`)
  return ExitCode.ok
}

const check = async (io: Io, { json }: { json?: true }): Promise<ExitCode> => {
  const found = await withAdmin(io, async ({ admin, topic, dlqTopic }) => {
    const described = await admin.checkTopics({ topic, dlqTopic })
    const [source, dlq] = await Promise.all([topic, dlqTopic].map((each) => admin.settings(each)))
    const warnings = source && dlq ? deadLetterWarnings(source, dlq) : []
    return described.map((each, i) => ({ topic: [topic, dlqTopic][i], ...each, warnings: i === 0 ? [] : warnings }))
  })
  const lines = found.flatMap(({ topic, partitions, topicId, warnings }) => [
    `ok  ${topic}  (${partitions} partitions, id ${topicId ?? 'unknown'})`,
    ...warnings.map((warning) => `  warning: ${warning}`),
  ])
  io.stdout.write(json ? `${JSON.stringify(found)}\n` : `${lines.join('\n')}\n`)
  return ExitCode.ok
}

export const topicsCommand = (io: Io, exit: Exit): Command => {
  const command = new Command('topics').description(
    'the topic of line items and that of dead letters: create them, check them, look at a record',
  )
  command
    .command('create')
    .description('create what is missing; what exists is left as it is')
    .option('--partitions <n>', 'partitions of each topic', count(10_000), 4)
    .option('--replication-factor <n>', 'replicas of each partition', count(100), 1)
    .option('--json', 'one JSON array')
    .addHelpText('after', '\nExample:\n  sluice topics create --partitions 12 --replication-factor 3')
    .action(async (options: CreateOptions) => exit(await create(io, options)))
  command
    .command('check')
    .description('both topics exist, and the topic of line items is not compacted')
    .option('--json', 'one JSON array')
    .addHelpText('after', '\nExample:\n  sluice topics check')
    .action(async (options: { json?: true }) => exit(await check(io, options)))
  return command.addCommand(topicsRecord(io, exit, (work) => withAdmin(io, work)))
}
