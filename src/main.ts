import { Command, CommanderError, Help, type Option } from 'commander'
import { createIo, type Io } from './cli/io.ts'
import { ExitCode, OperatorError } from './lib/operator-error.ts'
import { version } from './lib/version.ts'
import { serializeError } from './telemetry/serialize-error.ts'

// argv → command → exit code. The only file that ends the process.

const io = createIo()
let code: ExitCode = ExitCode.ok
const exit = (next: ExitCode) => {
  code = next
}

const help = {
  sortSubcommands: false,
  optionDescription: (option: Option) =>
    Help.prototype.optionDescription(option) + (option.mandatory ? ' (required)' : ''),
}

/** Commander hands such settings down to subcommands only if they come before them. */
function settled(command: Command): Command {
  command.commands.forEach(settled)
  return command.exitOverride().configureHelp(help)
}

/** Not its own words: PostgreSQL, Prisma and JSON.parse quote the row. */
const unexpected = (error: unknown) =>
  `sluice: unexpected fault, please report it\n${JSON.stringify(serializeError(error))}\n`

// Nothing is known to get here; if it does, the process must not live on in an unknown state.
process.on('unhandledRejection', (error) => {
  io.stderr.write(unexpected(error))
  process.exit(ExitCode.fatal)
})

const program = settled(new Command('sluice'))
  .description('Invoice line items from Kafka to PostgreSQL: adaptive batches, exactly-once effect, dead letters.')
  .version(version)
  .addHelpText('after', `\nConfiguration comes from the environment (docs/configuration.md). Try it: sluice demo`)

type Define = (io: Io, exit: (code: ExitCode) => void) => Command
/** In the order of `--help`. Loaded when asked for: all of them take half a second, a command needs a part. */
const commands: Record<string, () => Promise<Define>> = {
  demo: async () => (await import('./cli/demo.ts')).demoCommand,
  publish: async () => (await import('./cli/publish.ts')).publishCommand,
  consume: async () => (await import('./cli/consume.ts')).consumeCommand,
  lag: async () => (await import('./cli/lag.ts')).lagCommand,
  doctor: async () => (await import('./cli/doctor.ts')).doctorCommand,
  invoice: async () => (await import('./cli/invoice.ts')).invoiceCommand,
  dlq: async () => (await import('./cli/dlq.ts')).dlqCommand,
  mapping: async () => (await import('./cli/mapping.ts')).mappingCommand,
  pause: async () => (await import('./cli/gate.ts')).pauseCommand,
  resume: async () => (await import('./cli/gate.ts')).resumeCommand,
  reconcile: async () => (await import('./cli/reconcile.ts')).reconcileCommand,
  topics: async () => (await import('./cli/topics.ts')).topicsCommand,
  migrate: async () => (await import('./cli/migrate.ts')).migrateCommand,
  offsets: async () => (await import('./cli/offsets.ts')).offsetsCommand,
}

try {
  const asked = process.argv[2] ?? ''
  const needed = Object.hasOwn(commands, asked) ? [asked] : Object.keys(commands)
  for (const name of needed) {
    const define = await commands[name]?.()
    if (define) program.addCommand(settled(define(io, exit)))
  }
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) code = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage
  else if (error instanceof OperatorError) {
    io.stderr.write(`sluice: ${error.message}\n${error.remedy ? `  → ${error.remedy}\n` : ''}`)
    code = error.exitCode
  } else {
    io.stderr.write(unexpected(error))
    code = ExitCode.fatal
  }
}
// Whoever reads us has seen enough: not a fault.
process.exit(io.drain.reason === 'EPIPE' ? ExitCode.ok : code)
