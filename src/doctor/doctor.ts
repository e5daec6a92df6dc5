// Everything that a member relies on when it starts, and some that it relies on later, looked at one by one. A part that
// cannot be looked at does not keep the others from it.
import type { Config } from '../config.ts'
import type { KafkaAdmin } from '../kafka/admin.ts'
import { explainKafkaError } from '../kafka/explain.ts'
import type { Group } from '../kafka/group.ts'
import type { Clock } from '../lib/clock.ts'
import type { Database } from '../sink/database.ts'
import { explainDatabaseError } from '../sink/explain.ts'
import { createGateStore } from '../sink/gate-store.ts'
import { createOffsetStore } from '../sink/offset-store.ts'
import { createOutbox } from '../sink/outbox.ts'
import { serverFacts } from '../sink/server-facts.ts'
import { type Checked, type Checks, type Explain, type Finding, ok, runChecks, skipped } from './check.ts'
import { databaseStages } from './database.ts'
import { groupChecks } from './group.ts'
import { kafkaStages } from './kafka.ts'
import { machineChecks } from './machine.ts'

/** What is read of the environment for a part of the checks, or why it cannot be. */
export type Read = { readonly config: Config } | { readonly fault: Finding }
export type DoctorDeps = {
  readonly clock: Clock
  readonly nodeVersion: string
  /** Neither has been connected. */
  readonly openAdmin: (config: Config) => KafkaAdmin
  readonly openDatabase: (config: Config) => Database
}

/** `whole`: with all that `sluice consume` needs; the others with what a part of the checks needs. */
export async function examine(
  read: { whole: Read; kafka: Read; database: Read },
  deps: DoctorDeps,
): Promise<Checked[]> {
  const { clock, nodeVersion } = deps
  const { whole } = read
  const variables = () => ('fault' in whole ? whole.fault : ok('complete, and without contradictions'))
  const plain = [
    ...(await runChecks('configuration', { variables }, () => null, clock)),
    ...(await runChecks('machine', machineChecks(configOf(whole), nodeVersion), () => null, clock)),
  ]
  const kafkaConfig = configOf(read.kafka)
  const databaseConfig = configOf(read.database)
  const admin = kafkaConfig && deps.openAdmin(kafkaConfig)
  const database = databaseConfig && deps.openDatabase(databaseConfig)
  try {
    const kafka = kafkaConfig && admin ? await kafkaArea(kafkaConfig, admin, clock) : missing('Kafka')
    const group = await groupOf(kafkaConfig, admin, kafka)
    const postgres =
      databaseConfig && database
        ? await databaseArea(databaseConfig, database, group?.members.length ?? 0, clock)
        : missing('PostgreSQL')
    const config = configOf(whole)
    const together =
      config && admin && database && group && usable(kafka) && usable(postgres)
        ? await groupArea(config, { admin, database, group }, clock)
        : skipped('group', ['all'], 'not looked at: needs both of the above')
    return [...plain, ...kafka, ...postgres, ...together]
  } finally {
    await Promise.race([Promise.allSettled([admin?.disconnect(), database?.close()]), clock.sleep(2_000)])
  }
}

const configOf = (read: Read): Config | null => ('config' in read ? read.config : null)
const missing = (area: string) => skipped(area, ['all'], 'not looked at: the configuration comes first')
/** That nothing on which others rest has failed. */
const usable = (checks: readonly Checked[]) => checks.every(({ status }) => status !== 'skip')

/** What comes after a check that failed would fail for the same reason: the last of a stage decides about the next. */
async function area(name: string, stages: readonly Checks[], explain: Explain, clock: Clock): Promise<Checked[]> {
  const done: Checked[] = []
  let barrier: string | null = null
  for (const stage of stages) {
    if (barrier !== null) done.push(...skipped(name, Object.keys(stage), `not looked at: "${barrier}" fails`))
    else {
      done.push(...(await runChecks(name, stage, explain, clock)))
      const last = done.at(-1)
      if (last?.status === 'fail') barrier = last.check
    }
  }
  return done
}

const kafkaExplain =
  ({ kafka, topic, groupId }: Config): Explain =>
  (error) =>
    explainKafkaError(error, kafka, { topic, group: groupId })

const databaseExplain =
  ({ databaseUrl }: Config): Explain =>
  (error) =>
    explainDatabaseError(error, databaseUrl)

function kafkaArea(config: Config, admin: KafkaAdmin, clock: Clock): Promise<Checked[]> {
  const { brokers, securityProtocol } = config.kafka
  const reachable = async () => {
    await admin.connect()
    return ok(`${brokers.join(', ')} (${securityProtocol})`)
  }
  return area('Kafka', [{ reachable }, ...kafkaStages(config, admin, clock.wall)], kafkaExplain(config), clock)
}

function databaseArea(config: Config, database: Database, members: number, clock: Clock): Promise<Checked[]> {
  const { hostname, port, pathname } = new URL(config.databaseUrl)
  const reachable = async () => {
    await serverFacts(database, clock.wall)
    return ok(`${hostname}:${port || '5432'}${decodeURIComponent(pathname)}`)
  }
  const stages = databaseStages(config, database, clock.wall, members)
  return area('PostgreSQL', [{ reachable }, ...stages], databaseExplain(config), clock)
}

async function groupOf(
  config: Config | null,
  admin: KafkaAdmin | null,
  kafka: readonly Checked[],
): Promise<Group | null> {
  if (!config || !admin || kafka[0]?.status !== 'ok') return null
  // Told by the check of rights.
  return admin.group(config.groupId, config.topic).catch(() => ({ state: 'unknown', members: [] }))
}

function groupArea(
  config: Config,
  { admin, database, group }: { admin: KafkaAdmin; database: Database; group: Group },
  clock: Clock,
): Promise<Checked[]> {
  const { groupId, topic } = config
  const checks = groupChecks(config, {
    ...{ admin, group },
    store: createOffsetStore({ database, groupId, topic }),
    gate: createGateStore({ database, groupId }),
    outbox: createOutbox({ database, groupId }),
  })
  return runChecks('group', checks, (error) => databaseExplain(config)(error) ?? kafkaExplain(config)(error), clock)
}
