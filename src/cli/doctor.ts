import process from 'node:process'
import { Command } from 'commander'
import pc from 'picocolors'
import { loadConfig, type Need } from '../config.ts'
import { type Checked, fail, type Status } from '../doctor/check.ts'
import { examine, type Read } from '../doctor/doctor.ts'
import { createAdmin } from '../kafka/admin.ts'
import { systemClock } from '../lib/clock.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { printableLines } from '../lib/printable.ts'
import { createDatabase } from '../sink/database.ts'
import { createLog } from '../telemetry/log.ts'
import type { Io } from './io.ts'

export const doctorCommand = (io: Io, exit: (code: ExitCode) => void): Command =>
  new Command('doctor')
    .description('checks all that sluice relies on, one by one, and says what mends what is wrong')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Run it with the environment of a member, where members run. It changes nothing. What cannot be looked at is skipped, the rest
is looked at all the same.

Exit code 0: nothing fails (there may be warnings). 1: something does.

Examples:
  sluice doctor
  sluice doctor --json | jq '.checks[] | select(.status == "fail")'`,
    )
    .action(async ({ json }: { json?: true }) => {
      const read = {
        whole: readConfig(io, ['kafka', 'database']),
        kafka: readConfig(io, ['kafka']),
        database: readConfig(io, ['database']),
      }
      const checks = await examine(read, {
        clock: systemClock,
        nodeVersion: process.versions.node,
        openAdmin: ({ kafka }) => createAdmin(kafka, createLog('silent')),
        openDatabase: ({ databaseUrl: url }) => createDatabase({ url, poolSize: 2, writer: 'fast', applicationName: 'sluice-doctor' }), // prettier-ignore
      })
      const fails = checks.some(({ status }) => status === 'fail')
      io.stdout.write(json ? `${JSON.stringify({ ok: !fails, checks })}\n` : `${doctorText(checks)}\n`)
      exit(fails ? ExitCode.partial : ExitCode.ok)
    })

function readConfig(io: Io, needs: readonly Need[]): Read {
  try {
    return { config: loadConfig(io.env, needs) }
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    return { fault: fail(error.message, error.remedy) }
  }
}

const MARK: Record<Status, string> = {
  ok: pc.green('ok  '),
  warn: pc.yellow('warn'),
  fail: pc.red('FAIL'),
  skip: pc.dim('skip'),
}

export function doctorText(checks: readonly Checked[]): string {
  const width = Math.max(...checks.map(({ check }) => check.length))
  const lines = checks.flatMap(({ area, check, status, found, remedy }, i) => [
    ...(checks[i - 1]?.area === area ? [] : [area]),
    `  ${MARK[status]}  ${check.padEnd(width)}  ${printableLines(found).replaceAll('\n', `\n${' '.repeat(width + 10)}`)}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(width + 10)}→ ${remedy}`]),
  ])
  const count = (status: Status) => checks.filter((each) => each.status === status).length
  const skips = count('skip') > 0 ? `, ${count('skip')} not looked at` : ''
  return [...lines, `${count('ok')} ok, ${count('warn')} to think about, ${count('fail')} failed${skips}`].join('\n')
}
