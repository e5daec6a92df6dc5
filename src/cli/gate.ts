import { Command, InvalidArgumentError } from 'commander'
import { loadConfig } from '../config.ts'
import { actor } from '../lib/actor.ts'
import { ExitCode } from '../lib/operator-error.ts'
import type { Closure } from '../pipeline/sink.ts'
import { createGateStore, type GateStore } from '../sink/gate-store.ts'
import type { Io } from './io.ts'
import { withDatabase } from './with-database.ts'

type Exit = (code: ExitCode) => void

const withGate = (io: Io, work: (gate: GateStore, groupId: string) => Promise<string>): Promise<void> =>
  withDatabase(io, {}, async (database) => {
    const { groupId } = loadConfig(io.env, ['database'])
    io.stdout.write(`${await work(createGateStore({ database, groupId }), groupId)}\n`)
  })

/** `closed since …: why`, for people. */
export const closureText = ({ closedAt, code, reason }: Closure): string =>
  `closed since ${closedAt.toISOString()} (${code}): ${reason}`

export const pauseCommand = (io: Io, exit: Exit): Command =>
  new Command('pause')
    .description('close the gate of the group: its members stay in it, but write nothing until `sluice resume`')
    .requiredOption('--reason <text>', 'why, for whoever finds it closed; written to audit_entry')
    .addHelpText(
      'after',
      `
Holds for all members, also after a restart. Nothing is lost: records wait in Kafka, offsets stand still.

Example:
  sluice pause --reason "index rebuild until 14:00, ask Mia"`,
    )
    .action(async ({ reason }: { reason: string }) => {
      await withGate(io, async (gate, groupId) => {
        if (await gate.pause(reason, actor())) return `the gate of group ${groupId} is closed`
        const closure = await gate.closure()
        return `the gate of group ${groupId} was closed before${closure ? `; it is ${closureText(closure)}` : ''}`
      })
      exit(ExitCode.ok)
    })

export const resumeCommand = (io: Io, exit: Exit): Command =>
  new Command('resume')
    .description('open the gate of the group, after the breaker or `sluice pause` closed it')
    .option('--allow <n>', 'let so many dead letters pass although the breaker would close the gate again', allow)
    .addHelpText(
      'after',
      `
Mend the cause first: the log line "the gate is closed" and \`sluice offsets show\` name the leading code and a record. When it
is not mended, the same records close the gate again before a dead letter is written. When they are really bad, let them
become dead letters with --allow. Members go on within a second or two; written to audit_entry.

Examples:
  sluice resume
  sluice resume --allow 5000`,
    )
    .action(async ({ allow: allowance = 0n }: { allow?: bigint }) => {
      await withGate(io, async (gate, groupId) => {
        const closure = await gate.resume(allowance, actor())
        const allowed = allowance > 0n ? `; ${allowance.toLocaleString('en')} dead letters may pass the breaker` : ''
        return closure
          ? `the gate of group ${groupId} is open${allowed}; it was ${closureText(closure)}`
          : `the gate of group ${groupId} was open${allowed}`
      })
      exit(ExitCode.ok)
    })

function allow(text: string): bigint {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('a whole number from 1 to 999999999.')
  return BigInt(text)
}
