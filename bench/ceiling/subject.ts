// One contestant of bench/ceiling.ts, in a process of its own. Says `ready` when all is prepared, waits for the word, and
// says `done`.
import { once } from 'node:events'
import pg from 'pg'
import { from } from 'pg-copy-streams'
import { systemClock } from '../../src/lib/clock.ts'
import { createDatabase } from '../../src/sink/database.ts'
import { createGateStore } from '../../src/sink/gate-store.ts'
import type { MappingStore } from '../../src/sink/mapping-store.ts'
import { createOffsetStore } from '../../src/sink/offset-store.ts'
import { createSink } from '../../src/sink/transaction.ts'
import { COPY_COLUMNS, createItemIds, type Layout, preparedBatches, textOf } from './batches.ts'

export type Task = Layout & { readonly kind: 'sink' | 'copy'; readonly url: string; readonly topic: string }

const settings = (lanes: number) => ({ poolSize: lanes + 3, writer: 'fast' as const })

/** Our own transactions: as the sink of `sluice consume` writes them, with items that are known. */
async function bySink(task: Task): Promise<() => Promise<void>> {
  const owner = { groupId: 'bench', topic: task.topic }
  const database = createDatabase({ url: task.url, ...settings(task.lanes) })
  const gate = createGateStore({ database, groupId: owner.groupId })
  const itemOf = createItemIds()
  const mappings: MappingStore = {
    mapLines: async (lines) => ({
      items: lines.map((line) => ({ itemId: itemOf(line), mappingId: itemOf(line) })),
      version: 0n,
    }),
    catchUp: async () => {},
    clear: () => {},
  }
  const breaker = { maxConsecutive: 1_000, maxRatio: 0.5 }
  const sink = createSink({ ...owner, database, mappings, gate, breaker, clock: systemClock })
  const partitions = Array.from({ length: task.partitions }, (_, partition) => partition)
  const offsets = createOffsetStore({ database, ...owner })
  await offsets.insertIfAbsent(partitions.map((partition) => ({ partition, nextOffset: 0n, topicId: null })))
  const queues = preparedBatches(task)
  return async () => {
    await Promise.all(
      queues.map(async (queue) => {
        for (const batch of queue) await sink.write(batch)
      }),
    )
    await database.close()
  }
}

/** COPY of the same rows, made into text beforehand, and nothing else. */
async function byCopy(task: Task): Promise<() => Promise<void>> {
  const itemOf = createItemIds()
  const queues = preparedBatches(task).map((queue) => queue.map((batch) => textOf(batch, task.topic, itemOf)))
  const clients = await Promise.all(
    queues.map(async () => {
      const client = new pg.Client({ connectionString: task.url })
      await client.connect()
      return client
    }),
  )
  return async () => {
    await Promise.all(
      queues.map(async (queue, lane) => {
        const client = clients[lane]!
        for (const text of queue) {
          await client.query('BEGIN')
          const stream = client.query(from(`COPY ledger_entry (${COPY_COLUMNS}) FROM STDIN`))
          stream.end(text)
          await once(stream, 'finish')
          await client.query('COMMIT')
        }
        await client.end()
      }),
    )
  }
}

process.once('message', (task: Task) => {
  void (async () => {
    const write = await (task.kind === 'sink' ? bySink : byCopy)(task)
    globalThis.gc?.()
    process.send?.('ready')
    await once(process, 'message')
    await write()
    process.send?.('done')
    await once(process, 'message') // its CPU time is read meanwhile
    process.exit(0)
  })()
})
