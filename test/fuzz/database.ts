// The real sink on a migrated database, without vitest: the command `npm run fuzz` uses it too.
import pg from 'pg'
import type { Decoded } from '../../src/line-items/decode.ts'
import type { Entry } from '../../src/pipeline/sink.ts'
import { createDatabase } from '../../src/sink/database.ts'
import { createGateStore } from '../../src/sink/gate-store.ts'
import { createMappingStore } from '../../src/sink/mapping-store.ts'
import { createOffsetStore } from '../../src/sink/offset-store.ts'
import { createSink } from '../../src/sink/transaction.ts'
import { NOW } from './decode-laws.ts'

export type FuzzDatabase = Awaited<ReturnType<typeof openFuzzDatabase>>

const groupId = 'fuzz'
const topic = 'fuzz.lines'

export const openFuzzDatabase = async (url: string) => {
  const database = createDatabase({ url, poolSize: 3, writer: 'fast' })
  const mappings = createMappingStore({ database })
  const clock = { wall: () => NOW, now: () => performance.now() }
  const sink = createSink({
    ...{ database, mappings, groupId, topic, clock },
    gate: createGateStore({ database, groupId }),
    breaker: { maxConsecutive: 0, maxRatio: 1 },
  })
  await createOffsetStore({ database, groupId, topic }).insertIfAbsent([
    { partition: 0, nextOffset: 0n, topicId: null },
  ])
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  return {
    mappings,
    query: async <Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> => (await pool.query<Row>(sql)).rows,
    write: (entries: readonly Entry<Decoded>[], from: bigint, to: bigint) =>
      sink.write({ entries, parts: [{ partition: 0, from, to }], reason: 'size', bytes: 0 }),
    async close() {
      await Promise.allSettled([database.close(), pool.end()])
    },
  }
}
