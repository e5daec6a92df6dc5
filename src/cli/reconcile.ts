import Table from 'cli-table3'
import { Command, InvalidArgumentError } from 'commander'
import pc from 'picocolors'
import { systemClock } from '../lib/clock.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { isOversized, classifyError } from '../sink/classify.ts'
import { type Check, reconcile, type Reconciliation } from '../sink/reconcile.ts'
import { printable } from '../lib/printable.ts'
import type { Io } from './io.ts'
import { withDatabase } from './with-database.ts'
import { toJson } from '../lib/json.ts'

type Options = { json?: true; timeout: number }

export const reconcileCommand = (io: Io, exit: (code: ExitCode) => void): Command =>
  new Command('reconcile')
    .description('do the tables agree? inventory = Σ ledger, ledger ⊂ items, counters = rows; while members write')
    .option('--json', 'one JSON object')
    .option('--timeout <seconds>', 'give up after so long', seconds, 600)
    .addHelpText(
      'after',
      `
All is read in one snapshot, in one transaction that can write nothing: members may go on, and a finding is never one half of
a flush. The snapshot keeps dead rows from being removed while it is held, so do not run it all the time on a large ledger
(2,000,000 entries: about 2 s). Ctrl-C ends it on the server too.

Exit code 0: everything agrees. 1: something does not; the first examples are listed by id. 3: PostgreSQL could not be read.

Example:
  DATABASE_URL=postgres://sluice:secret@localhost/sluice sluice reconcile --json`,
    )
    .action(async (options: Options) => {
      const found = await read(io, options.timeout * 1_000)
      const wrong = found.checks.filter((check) => check.wrong > 0n)
      io.stdout.write(`${options.json ? json(found) : text(found, wrong)}\n`)
      exit(wrong.length === 0 ? ExitCode.ok : ExitCode.partial)
    })

function seconds(value: string): number {
  if (/^\d{1,6}$/.test(value) && Number(value) > 0) return Number(value)
  throw new InvalidArgumentError('a whole number of seconds, from 1 to 999999.')
}

async function read(io: Io, timeoutMs: number): Promise<Reconciliation> {
  const timeouts = { statementTimeoutMs: timeoutMs, lockTimeoutMs: timeoutMs, transactionTimeoutMs: timeoutMs }
  try {
    return await withDatabase(io, { applicationName: 'sluice-reconcile', ...timeouts }, (database) =>
      reconcile({ database, clock: systemClock, signal: io.drain }),
    )
  } catch (error) {
    if (io.drain.aborted)
      throw new OperatorError('interrupted; nothing was found out', '', ExitCode.aborted, { cause: error })
    const verdict = classifyError(error)
    if (!isOversized(verdict) && verdict.sqlstate !== '55P03') throw error
    throw new OperatorError(
      `the tables could not be read within ${timeoutMs / 1_000} s; nothing was found out`,
      'give it more time with --timeout, and look for a lock on a table that somebody holds',
      ExitCode.unavailable,
      { cause: error },
    )
  }
}

function json({ at, heldMs, checks }: Reconciliation): string {
  return toJson({ ok: checks.every(({ wrong }) => wrong === 0n), at, heldMs, checks })
}

const count = (value: bigint) => value.toLocaleString('en-US')

function text({ at, heldMs, checks }: Reconciliation, wrong: readonly Check[]): string {
  const table = new Table({
    head: ['check', 'compared', 'wrong', 'ok'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'left'],
  })
  for (const check of checks)
    table.push([check.what, count(check.compared), count(check.wrong), check.wrong === 0n ? pc.green('ok') : pc.red('NOT OK')]) // prettier-ignore
  const verdict =
    wrong.length === 0
      ? pc.green(`all ${checks.length} checks ok`)
      : pc.red(`${wrong.length} of ${checks.length} checks NOT ok`)
  const examples = wrong.flatMap((check) => [`${check.name}:`, ...check.examples.map((each) => `  ${printable(each)}`)])
  const held = `one snapshot, of ${at.toISOString()}, held for ${heldMs.toLocaleString('en-US')} ms`
  return [table.toString(), ...examples, held, verdict].join('\n')
}
