// Faults of the server and of the way to it.
import { join } from 'node:path'
import type { Member } from '../support/member.ts'
import type { StopMode } from '../support/own-postgres.ts'
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'
import { until } from '../support/until.ts'
import pg from 'pg'
import { probeOutage } from './probes.ts'
import type { Heal, Scenario } from './scenario.ts'
import { backendsOf, MEMBER_ROLE, retriedFor, type Stage, terminate, untilRetried } from './stage.ts'

const since = (member: Member) => member.lines().length

/** It is not ready when PostgreSQL has said nothing for half a minute; a statement that hangs takes as long to be given up. */
const NOT_READY_MS = 90_000

const outage = (name: string, what: string, cut: (stage: Stage) => unknown): Scenario => ({
  ...{ number: 1, name, what, holdMs: [180_000, 2_000] },
  async strike(stage, member) {
    const from = since(member)
    const before = stage.proxy.did()
    cut(stage)
    // Cut in silence, it hears of it only when its wait for an answer ends: half a minute, or when it is over.
    if (name === 'outage') await untilRetried(member, from)
    else await until('something is swallowed', () => stage.proxy.did().swallowed > before.swallowed)
    const cutAt = performance.now()
    return async () => {
      if (performance.now() - cutAt > NOT_READY_MS)
        stage.answers.push(...(await probeOutage(member, 'without PostgreSQL')))
      stage.proxy.up()
      await untilRetried(member, from)
    }
  },
})

const flapping: Scenario = {
  ...{ number: 1, name: 'flapping' },
  what: 'every connection is cut five times a second for 5 s, while new ones work',
  async strike({ proxy }, member) {
    const from = since(member)
    const timer = setInterval(proxy.cut, 200)
    await untilRetried(member, from)
    const began = performance.now()
    await until('5 s are over, or the process', () => performance.now() - began > 5_000 || !member.running())
    return async () => clearInterval(timer)
  },
}

const restart = (number: number, name: string, mode: StopMode, what: string): Scenario => ({
  ...{ number, name, what, holdMs: [5_000, 1_000] },
  async strike({ postgres }, member) {
    const from = since(member)
    await postgres.stop(mode)
    await untilRetried(member, from)
    return () => postgres.start()
  },
})

/** Sessions of a stranger who takes what there is, until told to let go. */
const takeAllConnections = async ({ postgres, database }: Stage): Promise<Heal> => {
  const url = new URL(postgres.urlOf(database))
  url.username = 'hoarder'
  url.password = 'of-a-hoarder'
  const sessions: pg.Client[] = []
  for (;;) {
    const client = new pg.Client({ connectionString: url.href })
    client.on('error', () => {})
    try {
      await client.connect()
      sessions.push(client)
    } catch (error) {
      if ((error as { code?: string }).code !== '53300') throw error
      return async () => void (await Promise.all(sessions.map((session) => session.end())))
    }
  }
}

const connections: Scenario = {
  ...{ number: 6, name: 'connections', holdMs: [10_000, 2_000], codes: ['53300'] },
  what: "the member's sessions are killed and every connection (max_connections) is taken by strangers",
  async strike(stage, member) {
    const from = since(member)
    await stage.server.run(`DO $$ BEGIN CREATE ROLE hoarder LOGIN PASSWORD 'of-a-hoarder';
      EXCEPTION WHEN duplicate_object THEN NULL; END $$`)
    let release = await takeAllConnections(stage)
    // A session that is killed frees its place a moment later, and the member may be quicker than we: until it says that it was not.
    await until(
      'the member to be refused',
      async () => {
        await terminate(stage, await backendsOf(stage, member))
        const more = await takeAllConnections(stage)
        const held = release
        release = async () => void (await Promise.all([held(), more()]))
        return retriedFor(member, from).includes('53300')
      },
      { describe: member.tail },
    )
    return release
  },
}

const SMALL_DISK_MIB = 192
/** By stage: the disk that `prepare` mounted. */
const disks = new WeakMap<Stage, SmallDisk>()

const diskFull: Scenario = {
  ...{ number: 7, name: 'disk-full', holdMs: [10_000, 2_000], codes: ['53100'] },
  what: 'the ledger lies on a disk of its own (tmpfs), and that fills up',
  async prepare(stage) {
    const disk = await mountSmallDisk(SMALL_DISK_MIB)
    const space = `small_${stage.database}`
    stage.atEnd(() => disk.unmount())
    stage.atEnd(() => stage.server.run(`DROP TABLESPACE IF EXISTS ${space}`))
    await stage.server.run(`CREATE TABLESPACE ${space} LOCATION '${disk.path}'`)
    await stage.query(`ALTER TABLE ledger_entry SET TABLESPACE ${space}`)
    disks.set(stage, disk)
  },
  async strike(stage, member) {
    const disk = disks.get(stage)!
    const from = since(member)
    await disk.fill()
    await untilRetried(member, from, '53100')
    return disk.free
  },
}

let walDisk: SmallDisk | null = null

const walFull: Scenario = {
  ...{ number: 7, name: 'wal-full', holdMs: [10_000, 2_000] },
  what: 'the disk of the write-ahead log (tmpfs) fills up: PANIC, and again at every recovery; then there is room and it is started',
  async ownServer() {
    const disk = (walDisk = await mountSmallDisk(64))
    const settings = { min_wal_size: '2MB', max_wal_size: '8MB', wal_recycle: 'off' }
    const initdbArguments = [`--waldir=${join(disk.path, 'wal')}`, '--wal-segsize=1']
    return { options: { settings, initdbArguments }, release: () => disk.unmount() }
  },
  async strike({ postgres }, member) {
    const from = since(member)
    await walDisk!.fill()
    await until('PostgreSQL panics', async () => /PANIC: .*No space left on device/.test(await postgres.log()))
    await untilRetried(member, from)
    return async () => {
      await walDisk!.free()
      // It may have given up, or be in one of its recoveries.
      await until(
        'it runs, or has ended',
        async () => !postgres.running() || (await answers(postgres.urlOf('postgres'))),
      )
      if (!postgres.running()) await postgres.start()
    }
  },
}

const answers = async (url: string): Promise<boolean> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 })
  client.on('error', () => {})
  const works = await client
    .connect()
    .then(() => client.query('SELECT 1'))
    .then(
      () => true,
      () => false,
    )
  await client.end().catch(() => {})
  return works
}

const readOnly: Scenario = {
  ...{ number: 8, name: 'read-only', holdMs: [10_000, 2_000], codes: ['25006'] },
  what: 'the server turns read-only under open sessions, as a demoted primary does (default_transaction_read_only)',
  async strike({ server }, member) {
    const from = since(member)
    await server.run('ALTER SYSTEM SET default_transaction_read_only = on')
    await server.run('SELECT pg_reload_conf()')
    await untilRetried(member, from, '25006')
    return async () => {
      await server.run('ALTER SYSTEM RESET default_transaction_read_only')
      await server.run('SELECT pg_reload_conf()')
    }
  },
}

const idleSession: Scenario = {
  ...{ number: 13, name: 'idle-session', holdMs: [5_000, 2_000], codes: ['57P05'] },
  what: 'the server ends every session that is idle for 20 ms (57P05, idle_session_timeout)',
  async strike({ query, database }, member) {
    const from = since(member)
    await query(`ALTER ROLE ${MEMBER_ROLE} IN DATABASE ${database} SET idle_session_timeout = 20`)
    const old = await backendsOf({ query }, member)
    await terminate({ query }, old) // the next ones have it
    const ended = async () =>
      (await backendsOf({ query }, member)).length > 0 &&
      !(await backendsOf({ query }, member)).some((pid) => old.includes(pid))
    await until('the member has sessions that end when they are idle', ended)
    await untilRetried(member, from, '57P05')
    return async () =>
      void (await query(`ALTER ROLE ${MEMBER_ROLE} IN DATABASE ${database} RESET idle_session_timeout`))
  },
}

export const serverScenarios: readonly Scenario[] = [
  outage('outage', 'PostgreSQL cannot be reached: connections reset, new ones refused', ({ proxy }) => proxy.down()),
  outage('outage-silent', 'the network swallows everything, without a word', ({ proxy }) => proxy.silent()),
  flapping,
  restart(2, 'restart-fast', 'fast', 'PostgreSQL is restarted with `-m fast` (57P01, 57P03)'),
  restart(
    2,
    'restart-immediate',
    'immediate',
    'PostgreSQL is restarted with `-m immediate`: no shutdown, crash recovery',
  ),
  restart(3, 'restart-kill', 'kill', 'kill -9 of the postmaster, then a start: crash recovery'),
  connections,
  diskFull,
  walFull,
  readOnly,
  idleSession,
]
