// Applies prisma/migrations with Prisma's own schema engine, in its WebAssembly form, as the native one is a download.
// It takes Prisma's advisory lock and writes _prisma_migrations as `prisma migrate deploy` does; either can be used next.
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import type * as SchemaEngineModule from '@prisma/schema-engine-wasm'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { type Database, adapterOf } from './database.ts'
import { explainDatabaseError } from './explain.ts'

/** The same path from src/sink (tsx) and from dist/sink. */
const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations', import.meta.url))
const TIMEOUT_MS = 10 * 60_000

export async function migrate(url: string): Promise<{ applied: string[] }> {
  const factory = wholeScripts(url)
  try {
    // The engine hides SQLSTATEs, so what is wrong with the connection is found out before it starts.
    const session = await factory.connect()
    await session.queryRaw({ sql: 'SELECT 1', args: [], argTypes: [] }).finally(() => session.dispose())
    const { SchemaEngine } = await loadEngine()
    const schemaEngine = await SchemaEngine.new(
      { datamodels: undefined },
      () => {},
      bindMigrationAwareSqlAdapterFactory(factory),
    )
    const filters = { externalTables: [], externalEnums: [] }
    try {
      const { appliedMigrationNames } = await schemaEngine.applyMigrations({
        migrationsList: await listMigrations(),
        filters,
      })
      return { applied: appliedMigrationNames }
    } finally {
      schemaEngine.free()
    }
  } catch (error) {
    throw explainDatabaseError(error, url) ?? failed(error)
  } finally {
    await factory.end()
  }
}

/** Are the tables there, and no migration of this build missing? A newer database is welcome: deploys roll. */
export async function checkSchema(database: Database): Promise<void> {
  const wanted = (await listMigrations()).migrationDirectories.map((directory) => directory.path)
  const sql = 'SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL'
  const rows = await database
    .client()
    .$queryRawUnsafe<{ migration_name: string }[]>(sql)
    .catch((error: unknown) => {
      throw explainDatabaseError(error, database.url) ?? error
    })
  const [server] = await database.client().$queryRawUnsafe<{ server_encoding: string }[]>('SHOW server_encoding')
  if (server?.server_encoding !== 'UTF8')
    throw new OperatorError(
      `the database stores text as ${server?.server_encoding ?? 'unknown'}, which cannot hold every description`,
      "create it anew with ENCODING 'UTF8'",
    )
  const applied = new Set(rows.map((row) => row.migration_name))
  const missing = wanted.filter((name) => !applied.has(name))
  if (missing.length === 0) return
  throw new OperatorError(
    `the database lacks ${missing.length} migration(s): ${missing.join(', ')}`,
    'run `sluice migrate`',
  )
}

type Glue = typeof SchemaEngineModule & { __wbg_set_wasm(exports: object): void }
/** The compiler's library has no DOM, and so no WebAssembly. */
type Wasm = { instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: WasmExports } }> }
type WasmExports = { __wbindgen_start(): void }

/** Once a process: the glue is a module and keeps views of one memory; a second instance under it never returns. */
let engine: Promise<Glue> | undefined
const loadEngine = () => (engine ??= instantiateEngine())

async function instantiateEngine(): Promise<Glue> {
  // Its entry point imports the .wasm file as a module, which Node 20 cannot: load both halves by hand.
  const folder = path.dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'))
  const glue = (await import(pathToFileURL(path.join(folder, 'schema_engine_bg.js')).href)) as Glue
  const bytes = await readFile(path.join(folder, 'schema_engine_bg.wasm'))
  const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: Wasm }
  const { instance } = await wasm.instantiate(bytes, { './schema_engine_bg.js': { ...glue } })
  glue.__wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start()
  return glue
}

async function listMigrations() {
  const entries = await readdir(MIGRATIONS, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return {
    baseDir: MIGRATIONS,
    shadowDbInitScript: '',
    lockfile: {
      path: 'migration_lock.toml',
      content: await readFile(path.join(MIGRATIONS, 'migration_lock.toml'), 'utf8'),
    },
    migrationDirectories: await Promise.all(names.sort().map(readMigration)),
  }
}

async function readMigration(name: string) {
  const value = await readFile(path.join(MIGRATIONS, name, 'migration.sql'), 'utf8')
  return { path: name, migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value } } }
}

/**
 * The adapter runs a script split at every semicolon, each piece in its own transaction. Sent whole, as the native
 * engine does, a migration is applied or not, and may hold functions. One connection: the engine's lock is a session's.
 */
function wholeScripts(url: string) {
  const timeouts = { statementTimeoutMs: TIMEOUT_MS, lockTimeoutMs: 60_000, idleInTransactionTimeoutMs: TIMEOUT_MS }
  const factory = adapterOf({ url, poolSize: 1, applicationName: 'sluice-migrate', ...timeouts })
  const connect = factory.connect.bind(factory)
  const sessions: Awaited<ReturnType<typeof connect>>[] = []
  factory.connect = async () => {
    const session = await connect()
    sessions.push(session)
    session.executeScript = async (script) => {
      await session.underlyingDriver().query(script)
    }
    return session
  }
  const end = async () => {
    const open = sessions.filter((session) => !session.underlyingDriver().ended)
    await Promise.all(open.map((session) => session.dispose()))
  }
  return Object.assign(factory, { end })
}

function failed(error: unknown) {
  const message = error instanceof Error ? (error.message.trim().split('\n')[0] ?? '') : String(error)
  const remedy = 'mend the migration; if it is marked as failed, see `npx prisma migrate resolve --help`'
  return new OperatorError(`the migration did not succeed: ${message}`, remedy, ExitCode.fatal, { cause: error })
}
