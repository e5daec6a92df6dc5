import Table from 'cli-table3'
import { Command, InvalidArgumentError } from 'commander'
import { type Config, loadConfig } from '../config.ts'
import { createAdmin, type EndOffsets, type KafkaAdmin } from '../kafka/admin.ts'
import { actor } from '../lib/actor.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { createDatabase } from '../sink/database.ts'
import { explainDatabaseError } from '../sink/explain.ts'
import { checkSchema } from '../sink/migrate.ts'
import { createOffsetStore, type OffsetStore } from '../sink/offset-store.ts'
import { createLog } from '../telemetry/log.ts'
import { createGateStore, type GateStore } from '../sink/gate-store.ts'
import { closureText } from './gate.ts'
import type { Io } from './io.ts'

type Connected = { config: Config; admin: KafkaAdmin; store: OffsetStore; gate: GateStore }

export const offsetsCommand = (io: Io, exit: (code: ExitCode) => void): Command => {
  const command = new Command('offsets').description('where the group stands: show it, or set it')
  command
    .command('show')
    .description(
      'per partition: position in PostgreSQL, commit in Kafka, end of the topic, lag, and what became of the records',
    )
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  sluice offsets show')
    .action(async ({ json }: { json?: true }) => {
      await connected(io, (all) => show(io, all, json ?? false))
      exit(ExitCode.ok)
    })
  command
    .command('reset')
    .description('set the position of every partition in PostgreSQL, with counters from zero; written to audit_entry')
    .requiredOption('--to <where>', 'earliest · latest · kafka (what the group committed there) · an offset', target)
    .option('--partition <n...>', 'only these partitions', partitionOption)
    .option('--yes', 'do it; without, only say what would be done')
    .option('--force', 'even while members of the group are alive')
    .addHelpText(
      'after',
      `
Records below a later position are skipped for good; records above an earlier one are read again, which changes nothing (they
are known as duplicates by their event id). Stop the members of the group first.

Examples:
  sluice offsets reset --to earliest --yes
  sluice offsets reset --partition 2 --to 48211 --yes      pass by a batch that cannot be read`,
    )
    .action(async (options: ResetOptions) => {
      await connected(io, (all) => reset(io, all, options))
      exit(ExitCode.ok)
    })
  return command
}

async function connected(io: Io, work: (all: Connected) => Promise<void>): Promise<void> {
  const config = loadConfig(io.env, ['kafka', 'database'])
  const admin = createAdmin(config.kafka, createLog('silent'))
  const database = createDatabase({ url: config.databaseUrl, poolSize: 2, writer: 'fast' })
  try {
    await checkSchema(database)
    await admin.connect()
    await work({
      config,
      admin,
      store: createOffsetStore({ ...config, database }),
      gate: createGateStore({ ...config, database }),
    })
  } catch (error) {
    throw explainDatabaseError(error, config.databaseUrl) ?? error
  } finally {
    await Promise.allSettled([admin.disconnect(), database.close()])
  }
}

async function show(io: Io, { config, admin, store, gate }: Connected, json: boolean): Promise<void> {
  const { groupId, topic } = config
  // Database first, Kafka second: a lag is never shown as negative.
  const closure = await gate.closure()
  const rows = new Map((await store.show()).map((row) => [row.partition, row]))
  const [ends, committed] = await Promise.all([admin.endOffsets(topic), admin.committedOffsets(groupId, topic)])
  const lines = [...ends]
    .sort(([a], [b]) => a - b)
    .map(([partition, { low, high }]) => {
      const row = rows.get(partition)
      const position = row?.nextOffset ?? null
      const { inserted = 0n, duplicate = 0n, deadLettered = 0n, ignored = 0n } = row ?? {}
      const lag = high - (position ?? low)
      return {
        partition,
        position,
        committed: committed.get(partition) ?? null,
        end: high,
        lag,
        written: inserted,
        duplicates: duplicate,
        deadLetters: deadLettered,
        ignored,
      }
    })
  if (json) {
    const number = (_: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)
    io.stdout.write(`${JSON.stringify({ groupId, topic, gate: closure, partitions: lines }, number)}\n`)
    return
  }
  const head = ['partition', 'position', 'committed', 'end', 'lag', 'written', 'duplicates', 'dead letters', 'ignored']
  const table = new Table({ head, style: { head: [], border: [], compact: true }, colAligns: head.map(() => 'right') })
  for (const line of lines) table.push(Object.values(line).map((value) => value?.toLocaleString('en-US') ?? '–'))
  io.stdout.write(`group ${groupId}, topic ${topic} (counts since the last reset)\n${table.toString()}\n`)
  if (closure) io.stdout.write(`the gate is ${closureText(closure)}\n  → mend the cause, then \`sluice resume\`\n`)
}

type Target = 'earliest' | 'latest' | 'kafka' | bigint
type ResetOptions = { to: Target; partition?: number[]; yes?: true; force?: true }

function target(text: string): Target {
  if (text === 'earliest' || text === 'latest' || text === 'kafka') return text
  if (/^\d{1,18}$/.test(text)) return BigInt(text)
  throw new InvalidArgumentError('earliest, latest, kafka, or an offset.')
}

/** One more of `--partition 0 2 2`; a statement must not hold a row twice. */
export function partitionOption(text: string, earlier: readonly number[] = []): number[] {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a partition number.')
  return [...new Set([...earlier, Number(text)])]
}

/** A commit outside the log belongs to an older topic of that name. */
function positionAt(to: Target, { low, high }: EndOffsets, committed: bigint | null): bigint {
  if (to === 'earliest') return low
  if (to === 'latest') return high
  if (to === 'kafka') return committed !== null && committed >= low && committed <= high ? committed : low
  if (to >= low && to <= high) return to
  throw new OperatorError(`offset ${to} is not in the topic`, `it holds ${low} to ${high}`, ExitCode.usage)
}

async function reset(io: Io, { config, admin, store }: Connected, options: ResetOptions): Promise<void> {
  const { groupId, topic } = config
  const [ends, committed, topicId] = await Promise.all([
    admin.endOffsets(topic),
    admin.committedOffsets(groupId, topic),
    admin.topicId(topic),
  ])
  const before = new Map((await store.show()).map(({ partition, nextOffset }) => [partition, nextOffset]))
  if (typeof options.to === 'bigint' && options.partition?.length !== 1)
    throw new OperatorError('an offset is of one partition', 'add --partition <n>', ExitCode.usage)
  const rows = chosen(options.partition, [...ends.keys()]).map((partition) => {
    const bounds = ends.get(partition) ?? { low: 0n, high: 0n }
    return { partition, nextOffset: positionAt(options.to, bounds, committed.get(partition) ?? null), topicId }
  })
  for (const { partition, nextOffset } of rows)
    io.stdout.write(`partition ${partition}: ${before.get(partition) ?? '–'} → ${nextOffset}\n`)
  if (!options.yes) {
    io.stdout.write('nothing was changed; add --yes to do it\n')
    return
  }
  const members = await admin.groupMembers(groupId)
  if (members > 0 && !options.force)
    throw new OperatorError(
      `group ${groupId} has ${members} live ${members === 1 ? 'member' : 'members'}; nothing was changed`,
      'stop them first (one that was killed counts until its session time-out), or add --force: they move at their next batch',
      ExitCode.usage,
    )
  await store.reset(rows, actor())
  // Members fetch from Kafka's commit before they know better: a batch below the position that cannot be read would stop them.
  const positions = new Map(rows.map(({ partition, nextOffset }) => [partition, nextOffset]))
  if (members === 0) await admin.commitOffsets(groupId, topic, positions)
  io.stdout.write(`group ${groupId} begins there now\n`)
}

function chosen(wanted: number[] | undefined, all: number[]): number[] {
  if (!wanted) return all.sort((a, b) => a - b)
  const unknown = wanted.filter((partition) => !all.includes(partition))
  if (unknown.length === 0) return wanted
  throw new OperatorError(
    `the topic has no partition ${unknown.join(', ')}`,
    `it has 0 to ${all.length - 1}`,
    ExitCode.usage,
  )
}
