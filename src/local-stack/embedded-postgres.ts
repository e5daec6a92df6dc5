// A real PostgreSQL 18 on this machine, data in a temporary folder.
import { randomBytes, randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'
import { REMEDY } from './java.ts'
import type { User } from './keeper.ts'
import { findBinaries, readableFor, unprivilegedUser } from './postgres-binaries.ts'
import { postgresSettings } from './postgres-settings.ts'
import { startService, withFreshPorts, type Plan } from './start-service.ts'

export type EmbeddedOptions = { env: NodeJS.ProcessEnv; log: (line: string) => void; signal: AbortSignal }

/** Checks what it needs before anything is started; `start` does the rest. */
export const prepareEmbeddedPostgres = async ({ env, log, signal }: EmbeddedOptions) => {
  const installed = await findBinaries()
  const user = await unprivilegedUser()
  const temp = env['TMPDIR'] || tmpdir()
  const start = async (): Promise<{ url: string; stop(): Promise<void> }> => {
    const binaries = await readableFor(user, { native: installed.native, temp, env, signal })
    const password = randomBytes(12).toString('hex')
    try {
      return await withFreshPorts(
        async () => {
          const [port = 0] = await freePorts(1)
          const running = await startService(
            planPostgres({ native: binaries.native, temp, env, user, password, port }),
            signal,
          )
          const stopAll = async () => {
            await running.stop()
            await binaries.stop()
          }
          return { url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`, stop: stopAll }
        },
        REMEDY,
        log,
      )
    } catch (error) {
      await binaries.stop()
      throw error
    }
  }
  return { version: installed.version, start }
}

export type PostgresPlanOptions = {
  native: string
  temp: string
  env: NodeJS.ProcessEnv
  user: User | undefined
  password: string
  port: number
  /** Beside, or instead of, our own. */
  settings?: Record<string, string>
  /** Further arguments of initdb. */
  initdbArguments?: readonly string[]
}

export const planPostgres = ({ native, temp, env, user, password, port, ...more }: PostgresPlanOptions): Plan => {
  const folder = join(temp, `sluice-postgres-${randomUUID()}`)
  const data = join(folder, 'data')
  // No socket file in /tmp; TCP on the loopback address only.
  const settings = {
    ...{ ...postgresSettings, listen_addresses: '127.0.0.1', unix_socket_directories: '' },
    ...more.settings,
  }
  const initdb = [
    join(native, 'bin', 'initdb'),
    `--pgdata=${data}`,
    '--username=postgres',
    '--pwfile=password',
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale-provider=builtin', // needs no locale of the operating system
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-sync',
    ...(more.initdbArguments ?? []),
  ] as const
  return {
    name: 'PostgreSQL',
    folder,
    // The password is not an argument: those are for everybody to read. LC_ALL: we look for an English line in the log.
    env: { ...env, SLUICE_PASSWORD: password, LC_ALL: 'C' },
    ...(user && { user }),
    prepare: ['/bin/sh', '-c', 'printf %s "$SLUICE_PASSWORD" >password; exec "$@"', 'sh', ...initdb],
    serve: [
      join(native, 'bin', 'postgres'),
      ...['-D', data, '-p', String(port)],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    stopSignal: 'QUIT', // immediate: its data go with it, and unlike SIGKILL it frees its shared memory
    readyLine: 'database system is ready to accept connections',
    port,
  }
}
