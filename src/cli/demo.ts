import Table from 'cli-table3'
import { Argument, Command, InvalidArgumentError } from 'commander'
import pc from 'picocolors'
import { ask } from '../demo/control.ts'
import { type DemoOptions, runDemo } from '../demo/demo.ts'
import { FAULTS } from '../demo/live.ts'
import type { ProofLine } from '../demo/proof.ts'
import { systemClock } from '../lib/clock.ts'
import { ExitCode } from '../lib/operator-error.ts'
import type { Io } from './io.ts'

export const demoCommand = (io: Io, exit: (code: ExitCode) => void): Command =>
  new Command('demo')
    .description('everything at once on real services: publish, consume with two members, prove the result')
    .option('--events <n>', 'records to publish', count, 100_000)
    .option('--seed <n>', 'seed of the generator: the same seed, the same records', count, 1)
    .option('--keep', 'go on afterwards, with a stream of records and the dashboard, until Ctrl-C', false)
    .addHelpText(
      'after',
      `
Kafka and PostgreSQL come from KAFKA_BROKERS and DATABASE_URL if they are set, else from Docker, else embedded ones are
started (Java 17 and Maven; downloaded once). The demo uses topics and a database of its own and removes them at the end.
Exit code 0 only if every line of the proof is ok.

Examples:
  npm run demo -- --events 1000000 --seed 7
  npm run demo -- --keep                       then open the dashboard, and in another terminal:
  npx sluice demo fault database`,
    )
    .addCommand(faultCommand(io, exit))
    .action(async (options: DemoOptions) => {
      const { env, drain: signal, stdout: out } = io
      exit(await runDemo(options, { env, out, signal, clock: systemClock, table }))
    })

const faultCommand = (io: Io, exit: (code: ExitCode) => void): Command =>
  new Command('fault')
    .description('provokes trouble in a demo that runs with --keep, to be watched on its dashboard')
    .addArgument(new Argument('<what>', 'what to provoke').choices(Object.keys(FAULTS)))
    .addHelpText(
      'after',
      `\n${Object.entries(FAULTS)
        .map(([name, what]) => `  ${name.padEnd(9)} ${what}`)
        .join('\n')}\n\nExample:\n  sluice demo fault poison`,
    )
    .action(async (what: string) => {
      await ask(what, (line) => io.stdout.write(`${line}\n`), io.drain)
      exit(ExitCode.ok)
    })

function count(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < 1 || value > 1e8)
    throw new InvalidArgumentError('a whole number from 1 to 100000000.')
  return value
}

function table(lines: readonly ProofLine[]): string {
  const head = ['proof', 'expected', 'found', 'ok']
  const drawn = new Table({
    head,
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'left'],
  })
  for (const { what, expected, found, ok } of lines)
    drawn.push([what, expected, found, ok ? pc.green('ok') : pc.red('NOT OK')])
  const wrong = lines.filter(({ ok }) => !ok).length
  const verdict =
    wrong === 0 ? pc.green(`all ${lines.length} lines ok`) : pc.red(`${wrong} of ${lines.length} lines NOT ok`)
  return `${drawn.toString()}\n${verdict}`
}
