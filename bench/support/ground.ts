// What the benches stand on: a PostgreSQL of their own, tuned alike for every contestant, and a Kafka as `sluice demo` finds it.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { loadConfig } from '../../src/config.ts'
import { createAdmin } from '../../src/kafka/admin.ts'
import { findStack } from '../../src/local-stack/local-stack.ts'
import { migrate } from '../../src/sink/migrate.ts'
import { createScratchDatabase } from '../../src/sink/scratch-database.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { buildSluice } from '../../test/support/built.ts'
import { type OwnPostgres, startOwnPostgres } from '../../test/support/own-postgres.ts'
import { treeOf } from '../../test/support/processes.ts'

/** For every contestant. `track_commit_timestamp` tells afterwards when each row was committed. */
const SETTINGS = {
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  fsync: 'on',
  track_commit_timestamp: 'on',
  track_wal_io_timing: 'on',
}

export type Ground = Awaited<ReturnType<typeof prepareGround>>
export type Base = { readonly url: string; readonly query: Query; readonly drop: () => Promise<void> }
export type Query = <Row extends pg.QueryResultRow>(sql: string, values?: unknown[]) => Promise<Row[]>

let held: Promise<Ground> | null = null

/** One ground for all benches of this process, until `letGo`. */
export const holdGround = () => {
  held = prepareGround()
  return { letGo: async () => (await held)?.close() }
}

export const openGround = async (): Promise<Ground> =>
  held === null ? prepareGround() : { ...(await held), close: async () => {} }

const prepareGround = async () => {
  await buildSluice()
  const log = createLog('silent')
  const signal = new AbortController().signal
  const postgres = await startOwnPostgres({ settings: SETTINGS })
  // The broker runs here too, or its CPU time could not be read.
  const { KAFKA_BROKERS: _, ...env } = process.env
  const stack = await findStack({ env, log: (line) => console.log(line), signal, postgres: false })
  const { kafka } = loadConfig({ KAFKA_BROKERS: stack.kafka.brokers.join(',') }, ['kafka'])
  const admin = createAdmin(kafka, log)
  await admin.connect()
  const tree = await treeOf(process.pid)
  const broker = tree.find(({ command }) => /(^|\/)java /.test(command))?.pid ?? null
  const { rows } = await withClient(postgres.urlOf('postgres'), (client) =>
    client.query<{ version: string }>(`SELECT current_setting('server_version') AS version`),
  )

  return {
    ...{ postgres, kafka, admin, broker, log },
    brokers: stack.kafka.brokers,
    /** Another one after a restart. */
    postmaster: () => postmasterOf(postgres),
    version: `PostgreSQL ${rows[0]?.version}, ${SETTINGS.shared_buffers} shared_buffers, fsync and synchronous_commit on`,
    /** An empty, migrated database; or a copy of `template`. */
    database: (template?: Base): Promise<Base> => openDatabase(postgres.urlOf('postgres'), template),
    async close(): Promise<void> {
      await admin.disconnect()
      await Promise.all([stack.stop(), postgres.end()])
    },
  }
}

const postmasterOf = async ({ folder }: OwnPostgres): Promise<number> =>
  Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])

const withClient = async <T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const openDatabase = async (server: string, template?: Base): Promise<Base> => {
  const scratch = template ? await copyOf(server, template) : await createScratchDatabase(server)
  if (!template) await migrate(scratch.url)
  // What the last contestant left to be written is not this one's work.
  await withClient(server, (client) => client.query('CHECKPOINT'))
  const pool = new pg.Pool({ connectionString: scratch.url, max: 2 })
  pool.on('error', () => {})
  return {
    url: scratch.url,
    query: async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
      (await pool.query<Row>(sql, values)).rows,
    async drop() {
      await pool.end()
      await scratch.drop()
    },
  }
}

let copies = 0
const copyOf = async (server: string, template: Base) => {
  const name = `bench_copy_${process.pid}_${++copies}`
  const from = new URL(template.url).pathname.slice(1)
  await withClient(server, async (client) => {
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()`,
      [from],
    )
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${from} STRATEGY FILE_COPY`)
  })
  const url = new URL(server)
  url.pathname = `/${name}`
  const drop = () => withClient(server, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`))
  return { url: url.href, drop: async () => void (await drop()) }
}
