import { Command, CommanderError, Help, type Option } from 'commander'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { version } from '../lib/version.ts'
import { serializeError } from '../telemetry/serialize-error.ts'
import type { Io } from './io.ts'

// Arguments → command → exit code.

const help = {
  sortSubcommands: false,
  optionDescription: (option: Option) =>
    Help.prototype.optionDescription(option) + (option.mandatory ? ' (required)' : ''),
}

type Define = (io: Io, exit: (code: ExitCode) => void) => Command
/** In the order of `--help`. Loaded when asked for: all of them take half a second, a command needs a part. */
const commands: Record<string, () => Promise<Define>> = {
  demo: async () => (await import('./demo.ts')).demoCommand,
  publish: async () => (await import('./publish.ts')).publishCommand,
  consume: async () => (await import('./consume.ts')).consumeCommand,
  lag: async () => (await import('./lag.ts')).lagCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  invoice: async () => (await import('./invoice.ts')).invoiceCommand,
  dlq: async () => (await import('./dlq.ts')).dlqCommand,
  mapping: async () => (await import('./mapping.ts')).mappingCommand,
  pause: async () => (await import('./gate.ts')).pauseCommand,
  resume: async () => (await import('./gate.ts')).resumeCommand,
  reconcile: async () => (await import('./reconcile.ts')).reconcileCommand,
  topics: async () => (await import('./topics.ts')).topicsCommand,
  migrate: async () => (await import('./migrate.ts')).migrateCommand,
  offsets: async () => (await import('./offsets.ts')).offsetsCommand,
}

/** With the command that is asked for alone, or with all. */
export async function createProgram(asked: string, io: Io, exit: (code: ExitCode) => void): Promise<Command> {
  // Commander hands such settings down to subcommands only if they come before them.
  const settled = (command: Command): Command => {
    command.commands.forEach(settled)
    return command
      .exitOverride()
      .configureHelp(help)
      .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
  }
  const program = settled(new Command('sluice'))
    .description('Invoice line items from Kafka to PostgreSQL: adaptive batches, exactly-once effect, dead letters.')
    .version(version)
    .addHelpText('after', `\nConfiguration comes from the environment (docs/configuration.md). Try it: sluice demo`)
  const needed = Object.hasOwn(commands, asked) ? [asked] : Object.keys(commands)
  for (const name of needed) {
    const define = await commands[name]?.()
    if (define) program.addCommand(settled(define(io, exit)))
  }
  return program
}

/** Not its own words: PostgreSQL, Prisma and JSON.parse quote the row. */
export const unexpected = (error: unknown): string =>
  `sluice: unexpected fault, please report it\n${JSON.stringify(serializeError(error))}\n`

/** `args`: behind `sluice`. What goes wrong is told on stderr. */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = ExitCode.ok
  try {
    const program = await createProgram(args[0] ?? '', io, (next) => (code = next))
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage
    if (!(error instanceof OperatorError)) {
      io.stderr.write(unexpected(error))
      return ExitCode.fatal
    }
    io.stderr.write(`sluice: ${error.message}\n${error.remedy ? `  → ${error.remedy}\n` : ''}`)
    return error.exitCode
  }
  return code
}
