/** What a command may touch of the process it runs in; tests pass their own. */
export type Io = {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  /** The environment; read by config.ts only. */
  readonly env: NodeJS.ProcessEnv
  /** First SIGINT or SIGTERM: finish in order. */
  readonly drain: AbortSignal
}
