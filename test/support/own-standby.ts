// An asynchronous streaming standby of an own PostgreSQL. The embedded binaries have no pg_basebackup, so its data are copied
// between pg_backup_start and pg_backup_stop; it streams through a proxy, and when that is cut it misses the tail.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import pg from 'pg'
import { type OwnPostgres, startOwnPostgres } from './own-postgres.ts'
import { openProxy } from './proxy.ts'
import { until } from './until.ts'

export type Standby = Awaited<ReturnType<typeof startStandby>>

const NAME = 'standby'
const CLONED = '"$1/data"'
/** Files may vanish under the copy; the log of what happens meanwhile comes by streaming. */
const CLONE = `cp -a "$2/data" ${CLONED} 2>/dev/null; cd ${CLONED} && rm -rf postmaster.* pg_wal/* pg_replslot/*
  mkdir -p pg_wal/archive_status pg_wal/summaries && touch standby.signal`
const NOTES = `printf %s "$LABEL" >${CLONED}/backup_label && printf %s "$CONNINFO" >${CLONED}/postgresql.auto.conf`

export const startStandby = async (primary: OwnPostgres) => {
  const proxy = await openProxy('127.0.0.1', primary.port)
  const { user, password } = primary
  const notes = await mkdtemp(join(tmpdir(), 'sluice-standby-'))
  if (user) await execa('chown', [`${user.uid}:${user.gid}`, notes])
  const shell = (script: string, env: NodeJS.ProcessEnv = {}) =>
    execa('/bin/sh', ['-c', script, 'sh', notes, primary.folder], { ...user, env, cwd: '/' })
  const session = new pg.Client({ connectionString: primary.urlOf('postgres') })
  await session.connect()
  const query = async <Row extends pg.QueryResultRow>(sql: string) => (await session.query<Row>(sql)).rows[0]
  const close = async () => {
    await session.end().catch(() => {})
    await proxy.close()
    await rm(notes, { recursive: true, force: true })
  }
  session.on('error', () => {}) // the primary will be killed
  try {
    await query(`SELECT pg_create_physical_replication_slot('${NAME}', true)`)
    await query(`SELECT pg_backup_start('${NAME}', true)`)
    await shell(CLONE)
    const backup = await query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)')
    const address = `host=127.0.0.1 port=${proxy.port} user=postgres password=${password} application_name=${NAME}`
    const conninfo = `primary_conninfo = '${address}'\nprimary_slot_name = '${NAME}'\n`
    await shell(NOTES, { LABEL: backup!.labelfile, CONNINFO: conninfo })
    const command = ['/bin/sh', '-c', 'mv "$1/data" data', 'sh', notes] as const
    const postgres = await startOwnPostgres({ copy: { command, password } })
    const streams = async () =>
      (await query<{ state: string }>(`SELECT state FROM pg_stat_replication WHERE application_name = '${NAME}'`))
        ?.state === 'streaming'
    await until('the standby streams', streams, { timeoutMs: 60_000 })
    return {
      postgres,
      /** From now on it gets nothing more, and the primary does not mind. */
      cut: () => proxy.down(),
      /** It becomes a primary, at its own port. */
      async promote(): Promise<void> {
        const client = new pg.Client({ connectionString: postgres.urlOf('postgres') })
        await client.connect()
        await client.query('SELECT pg_promote(true)')
        await client.end()
      },
      async end(): Promise<void> {
        await postgres.end()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}
