// Everything the proof reads: the topics as any consumer would, the tables as plain rows, the offsets of both sides.
import type { Config } from '../config.ts'
import type { KafkaAdmin } from '../kafka/admin.ts'
import { type ReadRecord, readTopic } from '../kafka/read-topic.ts'
import { inventoryRows, type LedgerFact, ledgerRows, type LetterFact, letterRows } from '../sink/audit.ts'
import type { Database } from '../sink/database.ts'
import { createOffsetStore, type OffsetAccount } from '../sink/offset-store.ts'
import { createLog } from '../telemetry/log.ts'

export type Evidence = {
  /** The whole topic. */
  readonly records: readonly ReadRecord[]
  readonly ledger: AsyncIterable<LedgerFact>
  /** Item id → quantity on hand. */
  readonly inventory: ReadonlyMap<string, string>
  readonly offsets: readonly OffsetAccount[]
  readonly letters: readonly LetterFact[]
  readonly endOffsets: ReadonlyMap<number, bigint>
  readonly committed: ReadonlyMap<number, bigint | null>
  /** The text of the dlq.id header of each record of the DLQ topic. */
  readonly dlqIds: readonly (string | null)[]
}

export type Place = { readonly config: Config; readonly admin: KafkaAdmin; readonly database: Database }

export async function gatherEvidence({ config, admin, database }: Place): Promise<Evidence> {
  const { topic, dlqTopic, groupId, kafka } = config
  const log = createLog('silent')
  const records = await readTopic(kafka, topic, log)
  const dlq = await readTopic(kafka, dlqTopic, log)
  const ends = await admin.endOffsets(topic)
  return {
    records,
    ledger: ledgerRows(database),
    inventory: await inventoryRows(database),
    offsets: await createOffsetStore({ groupId, topic, database }).show(),
    letters: await letterRows(database, groupId),
    endOffsets: new Map([...ends].map(([partition, { high }]) => [partition, high])),
    committed: await admin.committedOffsets(groupId, topic),
    dlqIds: dlq.map(({ headers }) => headers.find(([name]) => name === 'dlq.id')?.[1]?.toString() ?? null),
  }
}
