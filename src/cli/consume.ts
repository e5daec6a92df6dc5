import { Command } from 'commander'
import { runConsumer } from '../app.ts'
import { loadConfig } from '../config.ts'
import { systemClock } from '../lib/clock.ts'
import type { ExitCode } from '../lib/operator-error.ts'
import { version } from '../lib/version.ts'
import { createLog } from '../telemetry/log.ts'
import type { Io } from './io.ts'

export const consumeCommand = (io: Io, exit: (code: ExitCode) => void): Command =>
  new Command('consume')
    .description('work as one member of the consumer group until SIGTERM or SIGINT; start it again to scale')
    .addHelpText(
      'after',
      `
Logs are JSON lines on stdout. The first SIGTERM or SIGINT drains: what is buffered is written and committed, exit code 0.
A second one ends at once (exit code 130); nothing is lost, the next owner reads the rest again.

Environment, of all in docs/configuration.md:
  KAFKA_BROKERS, DATABASE_URL           needed; each variable with a secret also as <NAME>_FILE
  KAFKA_TOPIC, KAFKA_GROUP_ID           what is read, and as which group: members of one group share the partitions
  HTTP_PORT, HTTP_HOST, ADMIN_TOKEN     the dashboard, /metrics and /health; without HTTP_PORT nothing listens
  LOG_LEVEL                             debug tells of every flush

Example:
  KAFKA_BROKERS=localhost:9092 DATABASE_URL=postgres://sluice:secret@localhost/sluice sluice consume`,
    )
    .action(async () => {
      const config = loadConfig(io.env, ['kafka', 'database'])
      const log = createLog(config.logLevel)
      const { groupId, topic } = config
      log.info({ version, groupId, topic, clientId: config.kafka.clientId }, 'starting')
      try {
        exit(await runConsumer(config, io.drain, { clock: systemClock, random: Math.random, log }))
      } catch (error) {
        log.fatal({ err: error }, 'ended by a fault; nothing is lost')
        throw error
      }
    })
