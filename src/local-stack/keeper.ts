// A keeper owns one folder and runs one command in it. It ends the command and removes the folder when its standard
// input closes: by `end()`, or by the kernel when this process dies, SIGKILL included. It leads a session of its own,
// so that Ctrl-C reaches us first, and Kafka and PostgreSQL only after we have drained.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * `read` returns at our word or at our death. The reader is killed before the child's pid can belong to another. PIPE is
 * ignored because after our death nobody listens to `echo`, and the folder must go all the same.
 */
const KEEPER = `
folder=$1 signal=$2; shift 2
mkdir -p -m 700 "$folder" && cd "$folder" || exit 1
exec 3<&0
"$@" </dev/null >>log 2>&1 3<&- &
child=$!
trap '' HUP INT TERM PIPE
{ read -r word <&3
  kill -s "$signal" "$child"
  n=0; while [ $n -lt 50 ] && kill -0 "$child"; do sleep 0.1; n=$((n+1)); done
  kill -s KILL "$child"
} >/dev/null 2>&1 &
reader=$!
wait "$child"; code=$?
{ kill -s KILL "$reader"; wait "$reader"; } 2>/dev/null
echo "$code" 2>/dev/null
read -r word <&3
[ "$word" = release ] && exit 0
kill -s TERM 0
cd /
n=0; until rm -rf "$folder" || [ $n -ge 20 ]; do sleep 0.1; n=$((n+1)); done
`

/** Who runs the command: PostgreSQL refuses to run as root. */
export type User = { uid: number; gid: number }

export type KeeperOptions = {
  folder: string
  command: readonly [string, ...string[]]
  env: NodeJS.ProcessEnv
  stopSignal: 'TERM' | 'KILL' | 'QUIT'
  user?: User | undefined
}

export type Keeper = {
  readonly folder: string
  /** Exit code of the command; null if the keeper itself could not start or was killed. */
  readonly exited: Promise<number | null>
  /** What the command (or the keeper) has printed so far. */
  log(): Promise<string>
  /** After the command has ended: leave the folder to the next keeper of it, which must be running by now. */
  release(): Promise<void>
  /** Ends the command, removes the folder. */
  end(): Promise<void>
}

/** Longer than the five seconds that the keeper gives its command to end by itself. */
const END_TIMEOUT_MS = 10_000

export const startKeeper = (options: KeeperOptions): Keeper => {
  const { folder, command, env, stopSignal, user } = options
  const child = spawn('/bin/sh', ['-c', KEEPER, 'sluice-keeper', folder, stopSignal, ...command], {
    ...user,
    env,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let complaint = ''
  const gone = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once('exit', (_code, signal) => resolve(signal))
    child.once('error', (error) => {
      complaint += error.message
      resolve(null)
    })
  })
  const exited = new Promise<number | null>((resolve) => {
    child.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())))
    void gone.then(() => resolve(null))
  })
  child.stderr.on('data', (text: Buffer) => (complaint += text.toString()))
  child.stdin.on('error', () => undefined) // it was killed before we wrote: `gone` says so

  const finish = async (word: string) => {
    child.stdin.end(word)
    const timer = setTimeout(() => killGroup(child.pid), END_TIMEOUT_MS)
    const signal = await gone
    clearTimeout(timer)
    if (signal !== null) killGroup(child.pid) // somebody killed the keeper: its command is an orphan now
  }
  return {
    folder,
    exited,
    log: async () => complaint + (await readFile(join(folder, 'log'), 'utf8').catch(() => '')),
    release: () => finish('release\n'),
    end: async () => {
      await finish('')
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const killGroup = (pid: number | undefined): void => {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // the group is empty: nothing to end
  }
}

/** Resolves with the exit code; ends the keeper and rejects with the reason when aborted. */
export const exitOf = async (keeper: Keeper, signal: AbortSignal): Promise<number | null> => {
  const settled = new AbortController()
  const aborted = once(signal, 'abort', { signal: settled.signal }).catch(() => undefined)
  try {
    signal.throwIfAborted()
    const code = await Promise.race([keeper.exited, aborted.then(() => 'aborted' as const)])
    signal.throwIfAborted()
    return code === 'aborted' ? null : code
  } catch (error) {
    await keeper.end()
    throw error
  } finally {
    settled.abort()
  }
}
