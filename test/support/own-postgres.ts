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
  const password = randomBytes(12).toString('hex')
  const [port = 0] = await freePorts(1)
  const { tls, ...given } = options
  const settings = { ...given.settings, ...(tls && (await tlsSettings(tls, user))) }
  const plan = planPostgres({ native: binaries.native, temp, env, user, password, port, ...given, settings })
  const urlOf = (database: string) => `postgresql://postgres:${password}@127.0.0.1:${port}/${database}`

  let keeper = startKeeper({ ...plan, command: plan.prepare, stopSignal: 'TERM' })
  const end = async () => {
    await keeper.end()
    await binaries.stop()
  }
  if ((await exitOf(keeper, never)) !== 0) {
    const log = await keeper.log()
    await end()
    throw new Error(`initdb failed:\n${log}`)
  }

  /** Null while it runs. */
  let stopped: { code: number | null } | null = { code: 0 }
  const start = async () => {
    const deadline = performance.now() + READY_MS
    for (;;) {
      // The next keeper starts before the last lets go: somebody answers for the folder at any moment.
      const next = startKeeper({ ...plan, command: plan.serve })
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

  return {
    port,
    urlOf,
    start,
    running: () => stopped === null,
    /** Resolves when its postmaster is gone. */
    async stop(mode: StopMode): Promise<void> {
      process.kill(await postmaster(), SIGNALS[mode])
      await keeper.exited
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
