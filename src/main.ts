import { createIo } from './cli/io.ts'
import { run, unexpected } from './cli/program.ts'
import { ExitCode } from './lib/operator-error.ts'

// The only file that ends the process.

const io = createIo()

// Nothing is known to get here; if it does, the process must not live on in an unknown state.
process.on('unhandledRejection', (error) => {
  io.stderr.write(unexpected(error))
  process.exit(ExitCode.fatal)
})

const code = await run(process.argv.slice(2), io)
// Whoever reads us has seen enough: not a fault.
process.exit(io.drain.reason === 'EPIPE' ? ExitCode.ok : code)
