import { Command, CommanderError } from 'commander'
import { consumeCommand } from './cli/consume.ts'
import { demoCommand } from './cli/demo.ts'
import { dlqCommand } from './cli/dlq.ts'
import { pauseCommand, resumeCommand } from './cli/gate.ts'
import { invoiceCommand } from './cli/invoice.ts'
import { createIo } from './cli/io.ts'
import { migrateCommand } from './cli/migrate.ts'
import { offsetsCommand } from './cli/offsets.ts'
import { publishCommand } from './cli/publish.ts'
import { reconcileCommand } from './cli/reconcile.ts'
import { topicsCommand } from './cli/topics.ts'
import { ExitCode, OperatorError } from './lib/operator-error.ts'
import { version } from './lib/version.ts'

// argv → command → exit code. The only file that ends the process.

const io = createIo()
let code: ExitCode = ExitCode.ok
const exit = (next: ExitCode) => {
  code = next
}

/** Commander hands `exitOverride` down to subcommands only if it comes before them. */
function throwing(command: Command): Command {
  command.commands.forEach(throwing)
  return command.exitOverride()
}

// Nothing is known to get here; if it does, the process must not live on in an unknown state.
process.on('unhandledRejection', (error) => {
  io.stderr.write(
    `sluice: unexpected fault, please report it\n${error instanceof Error ? error.stack : String(error)}\n`,
  )
  process.exit(ExitCode.fatal)
})

const program = new Command('sluice')
  .description('Invoice line items from Kafka to PostgreSQL: adaptive batches, exactly-once effect, dead letters.')
  .version(version)
  .configureHelp({ sortSubcommands: false })
  .exitOverride()
  .addHelpText('after', `\nConfiguration comes from the environment (docs/configuration.md). Try it: sluice demo`)
const commands = [
  ...[demoCommand, publishCommand, consumeCommand],
  ...[invoiceCommand, dlqCommand, pauseCommand, resumeCommand, reconcileCommand],
  ...[topicsCommand, migrateCommand, offsetsCommand],
]
for (const command of commands) program.addCommand(throwing(command(io, exit)))

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) code = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage
  else if (error instanceof OperatorError) {
    io.stderr.write(`sluice: ${error.message}\n${error.remedy ? `  → ${error.remedy}\n` : ''}`)
    code = error.exitCode
  } else {
    io.stderr.write(
      `sluice: unexpected fault, please report it\n${error instanceof Error ? error.stack : String(error)}\n`,
    )
    code = ExitCode.fatal
  }
}
// Whoever reads us has seen enough: not a fault.
process.exit(io.drain.reason === 'EPIPE' ? ExitCode.ok : code)
