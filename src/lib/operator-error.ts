/** Exit codes, the same for every command (README, "Exit codes"). */
export const ExitCode = {
  ok: 0,
  /** The command ran, but not everything succeeded (rows refused, a proof line not ok). */
  partial: 1,
  /** Wrong arguments or configuration; nothing was done. */
  usage: 2,
  /** Kafka or PostgreSQL could not be reached, or refuses us, or lacks a topic or table. */
  unavailable: 3,
  /** Stopped by a fault it does not understand; nothing was lost. */
  fatal: 4,
  /** A second signal ended the process at once; nothing was lost. */
  aborted: 130,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** A fault that a person can mend. `message` is one line that says what is wrong, `remedy` what to do. */
export class OperatorError extends Error {
  readonly remedy: string
  readonly exitCode: ExitCode
  constructor(message: string, remedy: string, exitCode: ExitCode = ExitCode.unavailable, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OperatorError'
    this.remedy = remedy
    this.exitCode = exitCode
  }
}
