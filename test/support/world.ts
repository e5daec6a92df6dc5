// One topic with its DLQ topic, one group, one migrated database, and the members that work on them. Everything is looked
// at from outside: with pg, with Kafka's admin, and with the proof of `sluice demo`, which recomputes from the topic.
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { execa, type Options } from 'execa'
import kafkajs from 'kafkajs'
import pg from 'pg'
import { type Config, loadConfig } from '../../src/config.ts'
import { createAdmin } from '../../src/kafka/admin.ts'
import { createKafka } from '../../src/kafka/client.ts'
import { createProducer, type OutRecord } from '../../src/kafka/producer.ts'
import { createDatabase } from '../../src/sink/database.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { sluicePath } from './built.ts'
import { type Member, startMember } from './member.ts'
import { until } from './until.ts'

export type WorldOptions = {
  brokers: readonly string[]
  databaseUrl: string
  partitions?: number
  replicationFactor?: number
  /** How the world itself, and whoever does not say otherwise, gets into Kafka. */
  access?: NodeJS.ProcessEnv
  /** Members that run answer there, each at one of its own. None: they have no HTTP. */
  httpPorts?: readonly number[]
}
export type World = Awaited<ReturnType<typeof openWorld>>

/** Per partition: where PostgreSQL stands, what Kafka has committed, where the log ends. */
export type Standing = { partition: number; next: bigint; committed: bigint; end: bigint; start: bigint }
export type Totals = { inserted: number; duplicate: number; deadLettered: number; ignored: number }

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const log = createLog('silent')

export const openWorld = async ({
  brokers,
  databaseUrl,
  partitions = 4,
  replicationFactor = 1,
  access = {},
  httpPorts = [],
}: WorldOptions) => {
  const topic = `lines-${randomUUID().slice(0, 8)}`
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    KAFKA_BROKERS: brokers.join(','),
    KAFKA_TOPIC: topic,
    KAFKA_DLQ_TOPIC: `${topic}.dlq`,
    KAFKA_GROUP_ID: `${topic}-group`,
    DATABASE_URL: databaseUrl,
    NO_COLOR: '1',
    ...access,
  }
  const config: Config = loadConfig(env)
  const admin = createAdmin(config.kafka, log)
  await admin.connect()
  await admin.createTopics({ topic, dlqTopic: config.dlqTopic, partitions, replicationFactor })
  const producer = createProducer(config.kafka, log)
  await producer.connect()
  const database = createDatabase({ url: databaseUrl, poolSize: 2, writer: 'fast' })
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 })
  pool.on('error', () => {})
  const members: Member[] = []
  const holders: pg.PoolClient[] = []

  const http = (): NodeJS.ProcessEnv => {
    if (httpPorts.length === 0) return {}
    const taken = members.filter((member) => member.running()).map((member) => member.httpPort)
    const free = httpPorts.find((port) => !taken.includes(port))
    if (free === undefined) throw new Error(`more members at once than ports (${httpPorts.length})`)
    return { HTTP_PORT: String(free) }
  }

  const query = async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> =>
    (await pool.query<Row>(sql, values)).rows

  /** Database first, Kafka second: the lag is never too small. */
  const standing = async (): Promise<Standing[]> => {
    const rows = await query<{ partition: number; next: string; start: string }>(
      `SELECT partition, next_offset AS next, start_offset AS start FROM consumer_offset WHERE group_id = $1`,
      [config.groupId],
    )
    const [ends, committed] = await Promise.all([
      admin.endOffsets(topic),
      admin.committedOffsets(config.groupId, topic),
    ])
    return [...ends].map(([partition, { high }]) => {
      const row = rows.find((each) => each.partition === partition)
      const [next, start] = [BigInt(row?.next ?? 0), BigInt(row?.start ?? 0)]
      return { partition, next, start, committed: committed.get(partition) ?? 0n, end: high }
    })
  }
  const totals = async (): Promise<Totals> => {
    const [row] = await query<Totals>(
      `SELECT coalesce(sum(inserted), 0)::int AS inserted, coalesce(sum(duplicate), 0)::int AS duplicate,
              coalesce(sum(dead_lettered), 0)::int AS "deadLettered", coalesce(sum(ignored), 0)::int AS ignored
         FROM consumer_offset WHERE group_id = $1`,
      [config.groupId],
    )
    return row!
  }
  const unpublished = async () =>
    (await query('SELECT 1 FROM dead_letter WHERE group_id = $1 AND published_at IS NULL LIMIT 1', [config.groupId]))
      .length

  return {
    ...{ config, env, admin, database, query, standing, totals, members },
    /** A second connection of its own, to hold locks with. */
    async connect(): Promise<pg.PoolClient> {
      const client = await pool.connect()
      client.on('error', () => {})
      holders.push(client)
      return client
    },
    /** `sluice`: the command of another version. */
    start(name: string, extra: NodeJS.ProcessEnv = {}, sluice?: string): Member {
      const member = startMember(name, { ...env, ...http(), ...extra }, sluice)
      members.push(member)
      return member
    },
    send: (records: readonly OutRecord[]) => producer.send(topic, records),
    /** `sluice …` in this world. */
    sluice: (args: readonly string[], options: Options = {}) =>
      execa('node', [sluicePath(options.env), ...args], { cwd: ROOT, env, reject: false, ...options }),
    /** How many records are settled. */
    async settled(): Promise<number> {
      const { inserted, duplicate, deadLettered, ignored } = await totals()
      return inserted + duplicate + deadLettered + ignored
    },
    /** Until PostgreSQL and Kafka's commits are at the end of every partition, and every dead letter is published. */
    async drained(timeoutMs = 60_000): Promise<void> {
      let last: Standing[] = []
      const atEnd = async () => {
        // In the middle of an election nobody knows.
        const now = await standing().catch(() => null)
        last = now ?? last
        return (
          now !== null &&
          last.every(({ next, committed, end }) => next === end && committed === end) &&
          (await unpublished()) === 0
        )
      }
      const describe = () =>
        [
          ...last.map((at) => `partition ${at.partition}: ${at.next} committed ${at.committed} of ${at.end}`),
          ...members
            .filter((member) => member.running())
            .map(
              (m) =>
                `${m.name}:\n${m
                  .lines()
                  .slice(-4)
                  .map((line) => JSON.stringify(line))
                  .join('\n')}`,
            ),
        ].join('\n')
      await until('everything settled, committed and published', atEnd, { timeoutMs, describe })
    },
    /** Ends what is left of the members, and removes the topics. The database belongs to whoever made it. */
    async close(): Promise<void> {
      for (const member of members) if (member.running()) member.kill('SIGKILL')
      await Promise.all(members.map((member) => member.ended))
      // Of a test that failed: the pool would wait for them.
      for (const holder of holders) letGo(holder)
      try {
        await admin.deleteTopics([topic, config.dlqTopic])
      } finally {
        await Promise.allSettled([producer.disconnect(), admin.disconnect(), database.close(), pool.end()])
      }
    },
  }
}

const letGo = (client: pg.PoolClient) => {
  try {
    client.release(true)
  } catch {
    // it was released long ago
  }
}

/** Changes settings of a topic, that of line items when no other is named. */
export const alterTopic = async (
  { config }: World,
  settings: Readonly<Record<string, string>>,
  topic = config.topic,
): Promise<void> => {
  const client = createKafka(config.kafka, log).admin()
  await client.connect()
  await client.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name: topic,
        configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
      },
    ],
  })
  await client.disconnect()
}

/** Blocks every flush after its ledger rows are written and before its COMMIT, until released. */
export const holdFlushes = async ({ connect, query }: Pick<World, 'connect' | 'query'>) => {
  const holder = await connect()
  await holder.query('BEGIN; LOCK TABLE inventory IN SHARE MODE')
  return {
    /** Until a flush of this member waits at the lock, all of its ledger rows written. */
    blocked: (member: Member): Promise<number> =>
      until(`a flush of ${member.name} waits at the lock`, async () => {
        const rows = await query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = $1 AND wait_event_type = 'Lock'`,
          [member.name],
        )
        return rows[0]?.pid
      }),
    async release(): Promise<void> {
      await holder.query('ROLLBACK')
      holder.release()
    },
  }
}
