import { InvalidArgumentError } from 'commander'
import { type Config, loadConfig } from '../config.ts'
import { createAdmin, type KafkaAdmin } from '../kafka/admin.ts'
import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { createDatabase, type Database } from '../sink/database.ts'
import { explainDatabaseError } from '../sink/explain.ts'
import { createGateStore, type GateStore } from '../sink/gate-store.ts'
import { checkSchema } from '../sink/migrate.ts'
import { createOffsetStore, type OffsetStore } from '../sink/offset-store.ts'
import { createLog } from '../telemetry/log.ts'
import type { Io } from './io.ts'

// What the `sluice offsets` commands share.

export type Connected = { config: Config; admin: KafkaAdmin; database: Database; store: OffsetStore; gate: GateStore }

export async function connected(io: Io, work: (all: Connected) => Promise<void>): Promise<void> {
  const config = loadConfig(io.env, ['kafka', 'database'])
  const admin = createAdmin(config.kafka, createLog('silent'))
  const database = createDatabase({ url: config.databaseUrl, poolSize: 2, writer: 'fast' })
  try {
    await checkSchema(database)
    await admin.connect()
    await work({
      config,
      ...{ admin, database },
      store: createOffsetStore({ ...config, database }),
      gate: createGateStore({ ...config, database }),
    })
  } catch (error) {
    throw explainDatabaseError(error, config.databaseUrl) ?? error
  } finally {
    await Promise.allSettled([admin.disconnect(), database.close()])
  }
}

export function partition(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a partition number.')
  return Number(text)
}

/** One more of `--partition 0 2 2`; a statement must not hold a row twice. */
export const partitionOption = (text: string, earlier: readonly number[] = []): number[] => [
  ...new Set([...earlier, partition(text)]),
]

export const isOffset = (text: string): boolean => /^\d{1,18}$/.test(text)

export function offset(text: string): bigint {
  if (!isOffset(text)) throw new InvalidArgumentError('an offset.')
  return BigInt(text)
}

/** A live member would go on from where it is, or be fenced at its next batch. */
export function refuseMembers(groupId: string, members: number, mend: string): void {
  if (members === 0) return
  throw new OperatorError(
    `group ${groupId} has ${members} live ${members === 1 ? 'member' : 'members'}; nothing was changed`,
    mend,
    ExitCode.usage,
  )
}

/** Kafka's commit is what its own tools show; the position in PostgreSQL has moved by now, and is what counts. */
export async function tellKafka(
  { config, admin }: Pick<Connected, 'config' | 'admin'>,
  positions: ReadonlyMap<number, bigint>,
): Promise<void> {
  await admin.commitOffsets(config.groupId, config.topic, positions).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error)
    throw new OperatorError(
      `the position has moved in PostgreSQL, which is what counts; Kafka's commit has not (${why})`,
      'do not repeat it: the next member tells Kafka when it joins; until then lag tools of Kafka show where it was',
      ExitCode.partial,
    )
  })
}

export const counted = (count: bigint | number): string =>
  `${count.toLocaleString('en-US')} ${BigInt(count) === 1n ? 'offset' : 'offsets'}`
