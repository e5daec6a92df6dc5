import process from 'node:process'
import { ExitCode } from '../lib/operator-error.ts'

/** What a command may touch of the process it runs in; tests pass their own. */
export type Io = {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** The environment; read by config.ts only. */
  readonly env: NodeJS.ProcessEnv
  /** First SIGINT or SIGTERM: finish in order. `reason` is the signal's name. A second one ends the process at once. */
  readonly drain: AbortSignal
}

export function createIo(): Io {
  const draining = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (draining.signal.aborted) process.exit(ExitCode.aborted)
      draining.abort(signal)
    })
  }
  // Started with an IPC channel (`sluice demo`, tests) we end with whoever holds its other end. Nothing is lost.
  process.once('disconnect', () => process.exit(ExitCode.aborted))
  // They may have ended while we were loading: nobody tells us then. Undefined: started without a channel.
  if (process.connected === false) process.exit(ExitCode.aborted)
  // `sluice … | head` closes our output early: not an error of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return draining.abort('EPIPE')
    throw error
  })
  return { stdout: process.stdout, stderr: process.stderr, env: process.env, drain: draining.signal }
}
