import pg from 'pg'
import { systemClock } from '../../src/lib/clock.ts'
import type { Decoded } from '../../src/line-items/decode.ts'
import { cut } from '../../src/pipeline/cut.ts'
import { settle } from '../../src/pipeline/settle.ts'
import type { Batch } from '../../src/pipeline/sink.ts'
import { createDatabase } from '../../src/sink/database.ts'
import { createGateStore } from '../../src/sink/gate-store.ts'
import { createMappingStore } from '../../src/sink/mapping-store.ts'
import { createOffsetStore } from '../../src/sink/offset-store.ts'
import { createSink } from '../../src/sink/transaction.ts'
import { linear, type LedgerRow, oneByOne } from './fallbacks.ts'
import { BAD_PRICE, batchOf, type BenchLine, rowsOf, TOPIC } from './lines.ts'

export type Contestant = {
  readonly name: string
  /** Runs with so many bad lines only: it takes long, and with others it would take as long. */
  readonly only?: number
  /** Empty tables, known items: not measured. */
  prepare(lines: readonly BenchLine[]): Promise<void>
  write(): Promise<void>
  /** Throws unless exactly the good lines are in the ledger. */
  check(good: number, bad: number): Promise<void>
}

export async function openContestants(url: string, { sameWork }: { sameWork: boolean }) {
  const owner = { groupId: 'bench', topic: TOPIC }
  const database = createDatabase({ url, poolSize: 2, writer: 'fast' })
  const mappings = createMappingStore({ database })
  const gate = createGateStore({ database, groupId: owner.groupId })
  const offsets = createOffsetStore({ database, ...owner })
  const sink = createSink({ ...owner, database, mappings, gate, breaker: { maxConsecutive: 0, maxRatio: 1 }, clock: systemClock }) // prettier-ignore
  // As the sink's own sessions (sink/database.ts).
  const options = '-c TimeZone=UTC -c default_transaction_isolation=read\\ committed'
  const client = new pg.Client({ connectionString: url, options, statement_timeout: 30_000, keepAlive: true })
  await client.connect()
  await client.query(`ALTER TABLE ledger_entry ADD CONSTRAINT bench CHECK (unit_price <> ${BAD_PRICE})`)

  let batch: Batch<Decoded>
  let rows: LedgerRow[] = []
  const prepare = async (lines: readonly BenchLine[]) => {
    await client.query('TRUNCATE ledger_entry, dead_letter, inventory, consumer_offset')
    await offsets.insertIfAbsent([{ partition: 0, nextOffset: 0n, topicId: null }])
    batch = batchOf(lines)
    const items = batch.entries.flatMap(({ decoded }) => (decoded.kind === 'line-item' ? [decoded.lineItem] : []))
    // The policy is to create: no line is left to a person.
    rows = rowsOf(
      lines,
      (await mappings.mapLines(items)).items.flatMap((item) => item?.itemId ?? []),
    )
    await client.query('CHECKPOINT')
  }
  const inLedger = async (good: number) => {
    const { rows: found } = await client.query<{ good: string; bad: string }>(
      'SELECT count(*) AS good, (SELECT count(*) FROM dead_letter) AS bad FROM ledger_entry',
    )
    if (Number(found[0]?.good) !== good) throw new Error(`the ledger has ${found[0]?.good} rows, not ${good}`)
    return Number(found[0]?.bad)
  }
  const fallback = (name: string, work: typeof oneByOne): Contestant => {
    let refused = 0
    return {
      ...{ name, prepare },
      write: async () => void (refused = await work(client, rows)),
      check: async (good, bad) => {
        await inLedger(good)
        if (refused !== bad) throw new Error(`${name} refused ${refused} rows, not ${bad}`)
      },
    }
  }
  const ours = (name: string, piecesOf: () => readonly Batch<Decoded>[]): Contestant => ({
    ...{ name, prepare },
    write: () => settleAll(sink, piecesOf()),
    check: async (good, bad) => {
      const letters = await inLedger(good)
      if (letters !== bad) throw new Error(`there are ${letters} dead letters, not ${bad}`)
    },
  })
  const contestants: Contestant[] = [
    ours('sluice', () => [batch]),
    fallback('one by one', oneByOne),
    fallback('savepoint each', linear),
    ...(sameWork ? [{ ...ours('our work, one by one', () => cut(batch, 1)), only: 1 }] : []),
  ]
  const { rows: versions } = await client.query<{ version: string }>(`SELECT 'PostgreSQL ' || current_setting('server_version') AS version`) // prettier-ignore
  const close = async () => void (await Promise.all([client.end(), database.close()]))
  return { contestants, version: versions[0]?.version ?? 'PostgreSQL', close }
}

/** As the pipeline does it: what is given back is cut, and its pieces are settled one after another. */
async function settleAll(
  sink: Parameters<typeof settle<Decoded>>[1]['sink'],
  batches: readonly Batch<Decoded>[],
): Promise<void> {
  const deps = {
    ...{ sink, owns: () => true, clock: systemClock, random: Math.random, abort: new AbortController().signal },
    ...{ emit: () => {}, failing: () => {}, held: async () => {} },
  }
  const waiting = [...batches]
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { result, rest } = await settle(next, deps)
    if (!result) throw new Error('a batch was not settled')
    waiting.unshift(...rest)
  }
}
