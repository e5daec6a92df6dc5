// What the demo works in: services, an own database, own topics, a folder for logs; each released again in reverse order.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, loadConfig } from '../config.ts'
import { createAdmin, type KafkaAdmin } from '../kafka/admin.ts'
import { OperatorError } from '../lib/operator-error.ts'
import { findStack } from '../local-stack/local-stack.ts'
import { createDatabase, type Database } from '../sink/database.ts'
import { migrate } from '../sink/migrate.ts'
import { sqlstateOf } from '../sink/classify.ts'
import { explainDatabaseError } from '../sink/explain.ts'
import { createScratchDatabase } from '../sink/scratch-database.ts'
import { createLog } from '../telemetry/log.ts'

export type World = { config: Config; env: NodeJS.ProcessEnv; admin: KafkaAdmin; database: Database; folder: string }
export type Release = (() => Promise<unknown>)[]

const PARTITIONS = 4

export async function prepareWorld(
  { env: given, signal, say }: { env: NodeJS.ProcessEnv; signal: AbortSignal; say: (text: string) => void },
  release: Release,
): Promise<World> {
  const stack = await findStack({ env: given, log: say, signal })
  release.push(() => stack.stop())
  const scratch = await createScratchDatabase(stack.postgres.url).catch((error: unknown) => {
    throw explainScratch(error, stack.postgres.url)
  })
  release.push(() => scratch.drop())
  const env = {
    ...given,
    KAFKA_BROKERS: stack.kafka.brokers.join(','),
    KAFKA_TOPIC: scratch.name.replaceAll('_', '-'),
    KAFKA_DLQ_TOPIC: `${scratch.name.replaceAll('_', '-')}.dlq`,
    KAFKA_GROUP_ID: scratch.name.replaceAll('_', '-'),
    DATABASE_URL: scratch.url,
  }
  const config = loadConfig(env, ['kafka', 'database'])
  const { applied } = await migrate(config.databaseUrl)
  say(`migrated database ${scratch.name} (${applied.length} applied)`)
  const admin = createAdmin(config.kafka, createLog('silent'))
  await admin.connect()
  release.push(() => admin.disconnect())
  const { topic, dlqTopic } = config
  release.push(() => admin.deleteTopics([topic, dlqTopic]))
  await admin.createTopics({ topic, dlqTopic, partitions: PARTITIONS, replicationFactor: 1 })
  say(`created topics ${topic} and ${dlqTopic} (${PARTITIONS} partitions each)`)
  const database = createDatabase({ url: config.databaseUrl, poolSize: 3, writer: 'fast' })
  release.push(() => database.close())
  const folder = await mkdtemp(join(tmpdir(), 'sluice-demo-'))
  release.push(() => rm(folder, { recursive: true, force: true }))
  signal.throwIfAborted()
  return { config, env, admin, database, folder }
}

/** DATABASE_URL may be left from a demo that has ended. */
function explainScratch(error: unknown, url: string): unknown {
  if (sqlstateOf(error) === '42501')
    return new OperatorError(
      'the user of DATABASE_URL may not create databases, and the demo wants one of its own',
      'give it CREATEDB, or unset DATABASE_URL: then the demo starts a PostgreSQL itself',
    )
  const known = explainDatabaseError(error, url)
  return known
    ? new OperatorError(known.message, `${known.remedy}; or unset it: then the demo starts a PostgreSQL itself`)
    : error
}
