// A PostgreSQL of one's own, to be stopped, killed and started again on the same data and the same port: for faults that
// nobody else may feel. Its keeper ends it, and removes its data, when this process dies.
import { randomBytes } from 'node:crypto'
import { chmod, chown, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { planPostgres } from '../../src/local-stack/embedded-postgres.ts'
import { freePorts } from '../../src/local-stack/free-ports.ts'
import { exitOf, type Keeper, startKeeper, type User } from '../../src/local-stack/keeper.ts'
import { findBinaries, readableFor, unprivilegedUser } from '../../src/local-stack/postgres-binaries.ts'

export type OwnOptions = {
  settings?: Record<string, string>
  initdbArguments?: readonly string[]
  /** PEM files; it answers with and without TLS then. */
  tls?: { cert: string; key: string }
  /** Instead of a new one: made of the data of another by this command, which finds its folder as the working directory. */
  copy?: { command: readonly [string, ...string[]]; password: string }
}
export type OwnPostgres = Awaited<ReturnType<typeof startOwnPostgres>>

/** How `pg_ctl stop -m …` says it. */
const SIGNALS = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT', kill: 'SIGKILL' } as const
export type StopMode = keyof typeof SIGNALS

const READY_MS = 60_000
const never = new AbortController().signal

export const startOwnPostgres = async (options: OwnOptions = {}) => {
  const env = process.env
  const temp = env['TMPDIR'] || tmpdir()
  const user = await unprivilegedUser()
  const { native } = await findBinaries()
  const binaries = await readableFor(user, { native, temp, env, signal: never })
  const { tls, copy, ...given } = options
  const password = copy?.password ?? randomBytes(12).toString('hex')
  let [port = 0] = await freePorts(1)
  const settings = { ...given.settings, ...(tls && (await tlsSettings(tls, user))) }
  const plan = planPostgres({ native: binaries.native, temp, env, user, password, port, ...given, settings })
  const urlOf = (database: string) => `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`

  let keeper = startKeeper({ ...plan, command: copy?.command ?? plan.prepare, stopSignal: 'TERM' })
  const end = async () => {
    await keeper.end()
    await binaries.stop()
  }
  if ((await exitOf(keeper, never)) !== 0) {
    const log = await keeper.log()
    await end()
    throw new Error(`its data could not be made:\n${log}`)
  }

  const serveAt = (at: number) =>
    plan.serve.map((argument) => (argument === String(plan.port) ? String(at) : argument)) as [string, ...string[]]

  /** Null while it runs. */
  let stopped: { code: number | null } | null = { code: 0 }
  const start = async () => {
    const deadline = performance.now() + READY_MS
    for (;;) {
      // The next keeper starts before the last lets go: somebody answers for the folder at any moment.
      const next = startKeeper({ ...plan, command: serveAt(port) })
      await keeper.release()
      keeper = next
      stopped = null
      void next.exited.then((code) => keeper === next && (stopped = { code }))
      if (await accepts(next, urlOf('postgres'), deadline)) return
      // The children of a killed postmaster may still be there for a moment, with its shared memory.
      if (performance.now() > deadline) throw new Error(`PostgreSQL does not start:\n${await tail(next)}`)
      await sleep(100)
    }
  }
  const postmaster = async () =>
    Number((await readFile(join(plan.folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
  try {
    await start()
  } catch (error) {
    await end()
    throw error
  }

  /** Resolves when its postmaster is gone. */
  const stop = async (mode: StopMode): Promise<void> => {
    process.kill(await postmaster(), SIGNALS[mode])
    await keeper.exited
  }

  return {
    /** Where its data are, its owner, and its superuser's password: for whoever copies them. */
    ...{ folder: plan.folder, user, password },
    get port() {
      return port
    },
    ...{ urlOf, start, stop },
    running: () => stopped === null,
    /** Stopped, and started again where another was: clients notice nothing but the interruption. */
    async moveTo(other: number): Promise<void> {
      await stop('fast')
      port = other
      await start()
    },
    log: () => keeper.log(),
    /** Ends it and removes its data. */
    end,
  }
}

/** PostgreSQL takes a key that nobody else may read, and that is its own. */
const tlsSettings = async ({ cert, key }: { cert: string; key: string }, user: User | undefined) => {
  await chmod(key, 0o600)
  if (user) await chown(key, user.uid, user.gid)
  return { ssl: 'on', ssl_cert_file: cert, ssl_key_file: key }
}

/** False: it ended. */
const accepts = async (keeper: Keeper, url: string, deadline: number): Promise<boolean> => {
  let ended = false
  void keeper.exited.then(() => (ended = true))
  while (!ended) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('SELECT 1')
      return true
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(50)
    } finally {
      await client.end().catch(() => {})
    }
  }
  return false
}

const tail = async (keeper: Keeper) => (await keeper.log()).trimEnd().split('\n').slice(-20).join('\n')
