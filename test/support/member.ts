// A member of the group as an operator runs it: `sluice consume` in a process of its own, known by its log.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { sluicePath } from './built.ts'
import { until } from './until.ts'

export type LogLine = { readonly msg?: string; readonly level?: string } & { readonly [field: string]: unknown }
export type Ending = { readonly code: number | null; readonly signal: NodeJS.Signals | null }

export type Member = {
  readonly name: string
  readonly pid: number
  /** Where it answers; null: nowhere. */
  readonly httpPort: number | null
  /** All lines of its log so far, or those with this text. */
  lines(msg?: string): LogLine[]
  /** The first line, an earlier one too, that fits. Throws when the member ends without it. */
  logged(msg: string, fits?: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>
  kill(signal: NodeJS.Signals): void
  /** Every signal that it was sent, in their order. */
  readonly told: readonly NodeJS.Signals[]
  readonly ended: Promise<Ending>
  readonly running: () => boolean
  /** Everything it wrote to stdout and stderr. */
  output(): string
  /** The end of it, for the text of a failed expectation. */
  readonly tail: () => string
}

/** The group gives a killed member up after 6 s (the least that brokers allow), not 30. */
export const QUICK_SESSION = { KAFKA_SESSION_TIMEOUT_MS: '6000' }

/** The IPC channel makes it end with us, whatever ends us; the group of its own keeps Ctrl-C from reaching it. */
export const startMember = (name: string, env: NodeJS.ProcessEnv, sluice = sluicePath(env)): Member => {
  const child = spawn(process.execPath, [sluice, 'consume'], {
    env: { LOG_LEVEL: 'debug', ...env, KAFKA_CLIENT_ID: name },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  })
  const lines: LogLine[] = []
  const text: string[] = []
  const told: NodeJS.Signals[] = []
  const collect = (line: string, parsed: boolean) => {
    text.push(line)
    if (parsed && line.startsWith('{')) lines.push(JSON.parse(line) as LogLine)
  }
  createInterface({ input: child.stdout! }).on('line', (line) => collect(line, true))
  createInterface({ input: child.stderr! }).on('line', (line) => collect(line, false))
  const ended = endOf(child)
  let ending: Ending | null = null
  void ended.then((how) => (ending = how))
  const tail = () => `${name}, last lines of its log:\n${text.slice(-15).join('\n')}`
  return {
    name,
    pid: child.pid!,
    httpPort: env['HTTP_PORT'] ? Number(env['HTTP_PORT']) : null,
    lines: (msg) => (msg === undefined ? lines : lines.filter((line) => line.msg === msg)),
    logged: (msg, fits = () => true, timeoutMs = 60_000) =>
      until(
        `${name} logs "${msg}"`,
        () => {
          const found = lines.find((line) => line.msg === msg && fits(line))
          if (!found && ending) throw new Error(`ended (${JSON.stringify(ending)}) without "${msg}". ${tail()}`)
          return found
        },
        { timeoutMs, describe: tail },
      ),
    kill(signal) {
      told.push(signal)
      child.kill(signal)
    },
    told,
    ended,
    running: () => ending === null,
    output: () => text.join('\n'),
    tail,
  }
}

/** After its output was read to the end. */
const endOf = (child: ChildProcess) =>
  new Promise<Ending>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
