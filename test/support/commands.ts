// The command line in this process: which commands there are, by the program itself, and what one says.
import type { Command } from 'commander'
import { createProgram, run } from '../../src/cli/program.ts'
import type { Io } from '../../src/cli/io.ts'

const ioOf = (env: NodeJS.ProcessEnv) => {
  const said: string[] = []
  const stream = { write: (text: string | Uint8Array) => said.push(String(text)) > 0, isTTY: false, columns: 200 }
  const out = stream as unknown as NodeJS.WriteStream
  const io: Io = { stdout: out, stderr: out, env, drain: new AbortController().signal }
  return { io, said: () => said.join('') }
}

/** As `sluice <args>`, with all that it says on both its streams. */
export const inProcess = async (args: readonly string[], env: NodeJS.ProcessEnv) => {
  const { io, said } = ioOf(env)
  return { exitCode: await run(args, io), output: said() }
}

const namesOf = (command: Command, path: readonly string[]): string[][] =>
  command.commands.flatMap((each) => [[...path, each.name()], ...namesOf(each, [...path, each.name()])])

/** Of all commands and their subcommands, as `dlq list`. */
export const commandNames = async (): Promise<string[]> => {
  const program = await createProgram('', ioOf({}).io, () => {})
  return namesOf(program, []).map((path) => path.join(' '))
}
