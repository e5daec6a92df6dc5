// Prepares and starts one service under keepers, and waits until it is ready: its log says so and its port answers.
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { OperatorError } from '../lib/operator-error.ts'
import { exitOf, startKeeper, type Keeper, type KeeperOptions } from './keeper.ts'

type Command = KeeperOptions['command']

export type Plan = Omit<KeeperOptions, 'command'> & {
  name: string
  /** Runs to its end before `serve`: formats the folder. */
  prepare: Command
  serve: Command
  readyLine: string
  port: number
}

export type Running = { folder: string; stop(): Promise<void> }

const READY_TIMEOUT_MS = 120_000
const TAIL_LINES = 20

class StartFailure extends Error {
  readonly log: string
  constructor(message: string, log: string) {
    super(message)
    this.log = log
  }
}

export const startService = async (plan: Plan, signal: AbortSignal): Promise<Running> => {
  signal.throwIfAborted()
  const preparing = startKeeper({ ...plan, command: plan.prepare, stopSignal: 'TERM' })
  const code = await exitOf(preparing, signal)
  if (code !== 0) throw await failure(preparing, `${plan.name} could not prepare its folder (exit code ${code})`)

  // The next keeper starts before the first lets go: somebody answers for the folder at any moment.
  const serving = startKeeper({ ...plan, command: plan.serve })
  await preparing.release()
  try {
    await untilReady(plan, serving, signal)
  } catch (error) {
    await serving.end()
    throw error
  }
  return { folder: plan.folder, stop: () => serving.end() }
}

const untilReady = async (plan: Plan, keeper: Keeper, signal: AbortSignal): Promise<void> => {
  let code: number | null | undefined
  void keeper.exited.then((value) => (code = value))
  const deadline = performance.now() + READY_TIMEOUT_MS
  while (!(await keeper.log()).includes(plan.readyLine) || !(await answers(plan.port))) {
    if (code !== undefined) throw await failure(keeper, `${plan.name} ended during its start (exit code ${code})`)
    if (performance.now() > deadline)
      throw await failure(keeper, `${plan.name} was not ready after ${READY_TIMEOUT_MS / 1000} s`)
    await sleep(25, undefined, { signal })
  }
}

/** Reads the log before the folder goes. */
const failure = async (keeper: Keeper, message: string): Promise<StartFailure> => {
  const log = await keeper.log()
  await keeper.end()
  return new StartFailure(message, log)
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 1000 })
    const settle = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
    socket.once('timeout', () => settle(false))
  })

/** Runs `start` again if another process took a port between our choice and the bind; prints the log of a real failure. */
export const withFreshPorts = async <T>(
  start: () => Promise<T>,
  remedy: string,
  log: (line: string) => void,
): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start()
    } catch (error) {
      if (!(error instanceof StartFailure)) throw error
      if (attempt < 3 && error.log.includes('Address already in use')) continue
      for (const line of error.log.trimEnd().split('\n').slice(-TAIL_LINES)) log(`  | ${line}`)
      throw new OperatorError(`${error.message}; the end of its log is above`, remedy, undefined, { cause: error })
    }
  }
}
