// Where a fault is played: a PostgreSQL of our own, a proxy in front of it, a topic, a database, and members that work
// as a role without any right too many.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { ProofLine } from '../../src/demo/proof.ts'
import { freePorts } from '../../src/local-stack/free-ports.ts'
import { migrate } from '../../src/sink/migrate.ts'
import { evict } from '../support/group.ts'
import { type Member, QUICK_SESSION } from '../support/member.ts'
import { openProxy } from '../support/proxy.ts'
import { type OwnOptions, type OwnPostgres, startOwnPostgres } from '../support/own-postgres.ts'
import { until } from '../support/until.ts'
import { openWorld } from '../support/world.ts'
import { RETRYING } from './words.ts'

export type StageOptions = {
  readonly brokers: readonly string[]
  readonly server: Server
  readonly seed: number
  /** Parameters of the members' DATABASE_URL. */
  readonly parameters?: Readonly<Record<string, string>>
  readonly partitions?: number
  readonly replicationFactor?: number
  /** Of the members alone, where `brokers` is the way past the proxies. */
  readonly memberBrokers?: readonly string[]
  readonly say: (line: string) => void
}
export type Server = Awaited<ReturnType<typeof startServer>>
export type Stage = Awaited<ReturnType<typeof openStage>>

const ROLES = fileURLToPath(new URL('../../ops/roles.sql', import.meta.url))
/** At once. */
const MOST_MEMBERS = 16
const TEMPLATE = 'sluice_template'
export const MEMBER_ROLE = 'member'
export const MEMBER_PASSWORD = 'of-a-member'

/** A PostgreSQL of our own with a migrated template and the members' role. Some connections are ours in any need. */
export const startServer = async (options: OwnOptions = {}) => {
  const settings = {
    superuser_reserved_connections: '10',
    max_connections: '60',
    deadlock_timeout: '500ms',
    ...options.settings,
  }
  const postgres = await startOwnPostgres({ ...options, settings })
  await onServer(postgres, async (client) => {
    await client.query(`CREATE DATABASE ${TEMPLATE}`)
    await migrate(postgres.urlOf(TEMPLATE))
    await client.query(`CREATE ROLE ${MEMBER_ROLE} LOGIN PASSWORD '${MEMBER_PASSWORD}'`)
  })
  await onServer(postgres, async (client) => void (await client.query(await readFile(ROLES, 'utf8'))), TEMPLATE)
  await onServer(postgres, async (client) => void (await client.query(`GRANT sluice_consumer TO ${MEMBER_ROLE}`)))
  return {
    postgres,
    /** Outside of any test's database, as the superuser. */
    run: (sql: string) => onServer(postgres, async (client) => void (await client.query(sql))),
    end: () => postgres.end(),
  }
}

const onServer = async <T>(server: OwnPostgres, work: (client: pg.Client) => Promise<T>, database = 'postgres') => {
  const client = new pg.Client({ connectionString: server.urlOf(database) })
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

export const openStage = async (options: StageOptions) => {
  const { server, brokers, seed, partitions = 4, replicationFactor = 1, memberBrokers = brokers } = options
  const { postgres } = server
  const database = `faults_${randomUUID().slice(0, 8)}`
  await server.run(`CREATE DATABASE ${database} TEMPLATE ${TEMPLATE}`)
  const world = await openWorld({
    ...{ brokers, databaseUrl: postgres.urlOf(database), partitions, replicationFactor },
    httpPorts: await freePorts(MOST_MEMBERS),
  })
  const proxy = await openProxy('127.0.0.1', postgres.port)
  const url = new URL(postgres.urlOf(database))
  url.host = `127.0.0.1:${proxy.port}`
  url.username = MEMBER_ROLE
  url.password = MEMBER_PASSWORD
  for (const [name, value] of Object.entries(options.parameters ?? {})) url.searchParams.set(name, value)
  const cleanUp: (() => Promise<unknown>)[] = []
  /** That the fault of now takes place, as a scenario has seen it: lines of its proof. */
  const evidence: ProofLine[] = []
  /** What members answered to an orchestrator meanwhile. */
  const answers: ProofLine[] = []
  let members = 0

  return {
    ...{ server, postgres, world, proxy, database, seed, say: options.say, evidence, answers },
    /** As the superuser, past the proxy. */
    query: world.query,
    start(name = 'member', extra: NodeJS.ProcessEnv = {}, sluice?: string): Member {
      const ways = { DATABASE_URL: url.href, KAFKA_BROKERS: memberBrokers.join(',') }
      return world.start(`${name}-${++members}`, { ...QUICK_SESSION, ...ways, ...extra }, sluice)
    },
    /** The group is told at once that it is gone, and does not wait for its session time-out. */
    evict: (member: Member) => evict(world.config, member.name),
    /** What is settled, or null while PostgreSQL does not say. */
    settled: (): Promise<number | null> => world.settled().catch(() => null),
    /** To be done at the end, the last first, the database already gone. */
    atEnd: (work: () => Promise<unknown>) => void cleanUp.unshift(work),
    async close(): Promise<void> {
      await world.close()
      await proxy.close()
      await server.run(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
      for (const work of cleanUp) await work()
    },
  }
}

/**
 * Generated records at a steady rate, through `sluice publish`: some are copies of earlier ones, and none must become a dead
 * letter, or `bad` of 20,000,000.
 */
export const startLoad = ({ world, seed }: Stage, rate: number, bad = 0) =>
  start(world, ['--seed', String(seed), '--rate', String(rate), '--bad', String(bad)])
export type Load = ReturnType<typeof startLoad>

/** At least so many, as fast as it goes; other records than those of the load. */
export const preload = async ({ world, seed }: Stage, records: number): Promise<void> => {
  const load = start(world, ['--seed', String(seed + 1), '--bad', '0'])
  const sent = async () => (await world.standing()).reduce((sum, { end }) => sum + Number(end), 0)
  await until(`${records} records are in the topic`, async () => (await sent()) >= records)
  await load.stop()
}

/** So many that the end is never met: of a smaller number some would conflict, whatever `--bad` says. */
const start = (world: Stage['world'], options: readonly string[]) => {
  const publishing = world.sluice(['publish', '--generate', '20000000', ...options])
  return {
    async stop(): Promise<void> {
      publishing.kill('SIGTERM')
      await publishing
    },
  }
}

/** The codes that a member retried for, from the `since`th line of its log on. */
export const retriedFor = (member: Member, since: number): string[] => [
  ...new Set(
    member
      .lines()
      .slice(since)
      .filter(({ msg }) => msg === RETRYING)
      .map(({ code }) => String(code)),
  ),
]

/** Until the member retried for one of these codes, or for any. */
export const untilRetried = (member: Member, since: number, ...codes: string[]): Promise<string> =>
  until(
    `${member.name} retries${codes.length > 0 ? ` for ${codes.join(' or ')}` : ''}`,
    () => retriedFor(member, since).find((code) => codes.length === 0 || codes.includes(code)),
    { describe: member.tail },
  )

/** The backends of a member for which `condition` holds. */
export const backendsOf = async ({ query }: Pick<Stage, 'query'>, member: Member, condition = 'true') => {
  const sql = `SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = $1 AND (${condition})`
  return (await query<{ pid: number }>(sql, [member.name])).map(({ pid }) => pid)
}

/** How many there were to be ended. */
export const terminate = async ({ query }: Pick<Stage, 'query'>, pids: readonly number[]): Promise<number> => {
  const sql = 'SELECT count(*)::int AS ended FROM unnest($1::int[]) AS pid WHERE pg_terminate_backend(pid)'
  return (await query<{ ended: number }>(sql, [pids]))[0]!.ended
}
