// One member of the group: the real command, `sluice consume`, in a process of its own. Its log is kept in a file and
// read for the display. The member leads its own process group, so that Ctrl-C reaches it through us, once; its IPC
// channel closes when we die, for whatever reason, and it ends with us (cli/io.ts).
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'

/** The last flush of a member, as its log tells it. */
export type FlushLine = { records: number; reason: string; durationMs: number; limits: { records: number } }

export type Member = {
  readonly name: string
  readonly pid: number | undefined
  readonly flush: () => FlushLine | null
  readonly partitions: () => number
  /** SIGTERM; resolves with the exit code, or the signal that ended it. */
  readonly stop: () => Promise<number | string>
  /** SIGKILL: as when its machine is gone. */
  readonly kill: () => Promise<number | string>
  /** Rejects when it ends without having been asked to. */
  readonly failed: Promise<never>
}

const SAID = 2_000
const SLUICE = fileURLToPath(new URL('../../bin/sluice.js', import.meta.url))

export function startMember(name: string, env: NodeJS.ProcessEnv, logFile: string): Member {
  const child = spawn(process.execPath, [...process.execArgv, SLUICE, 'consume'], {
    env: { ...env, LOG_LEVEL: 'debug', KAFKA_CLIENT_ID: name },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  })
  let flush: FlushLine | null = null
  let partitions = 0
  let stopping = false
  const log = createWriteStream(logFile)
  /** What a person is to read, if it fails; the log goes with the demo's folder. */
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    log.write(chunk)
    said = `${said}${chunk.toString()}`.slice(-SAID)
  })
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.write(`${line}\n`)
      const entry = parse(line)
      if (entry?.msg === 'flushed') flush = entry as FlushLine
      if (entry?.msg === 'partitions assigned') partitions += entry.partitions?.length ?? 0
      if (entry?.msg === 'partitions revoked') partitions -= entry.partitions?.length ?? 0
    })
  }
  const ended = endOf(child)
  const failed = ended.then((how): Promise<never> => {
    if (stopping) return new Promise(() => {})
    throw new OperatorError(`${name} ended by itself (${how})`, said.trim() || 'it said nothing', ExitCode.fatal)
  })
  failed.catch(() => {}) // whoever waits for the group hears of it
  return {
    name,
    pid: child.pid,
    flush: () => flush,
    partitions: () => partitions,
    failed,
    stop() {
      // A second signal would end it at once, undrained.
      if (!stopping) child.kill('SIGTERM')
      stopping = true
      return ended
    },
    kill() {
      stopping = true
      child.kill('SIGKILL')
      return ended
    },
  }
}

type Entry = Partial<FlushLine> & { msg?: string; partitions?: number[] }

function parse(line: string): Entry | null {
  try {
    return JSON.parse(line) as Entry
  } catch {
    return null // not ours: a warning of Node's
  }
}

const endOf = (child: ChildProcess) =>
  new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
