// What a member holds in memory, counted at the ports of its pipeline and not by its own counters: the records that the source
// handed over and that were neither settled nor given up since. It is never more than what is really held (what is lost while
// it is written counts no longer than that write), so a bound that is broken here is broken.
import type { Batch, Sink } from '../../src/pipeline/sink.ts'
import type { Intake, Source } from '../../src/pipeline/source.ts'
import type { SourceRecord } from '../../src/pipeline/source-record.ts'

export type Held = { readonly records: number; readonly bytes: number }
export type Holdings = ReturnType<typeof createHoldings>

/** Its own bytes, nothing for what is kept beside them. */
const sizeOf = ({ key, value, headers }: SourceRecord) =>
  headers.reduce(
    (sum, [name, text]) => sum + name.length + (text?.length ?? 0),
    (key?.length ?? 0) + (value?.length ?? 0),
  )

/** `admitted` is told after each admission what is held now. */
export const createHoldings = (admitted: (held: Held) => void) => {
  const waiting = new Set<SourceRecord>()
  const writing = new Set<SourceRecord>()
  /** Given up while they are written. */
  const lost = new Set<SourceRecord>()

  const held = (): Held => {
    let bytes = 0
    for (const records of [waiting, writing]) for (const record of records) bytes += sizeOf(record)
    return { records: waiting.size + writing.size, bytes }
  }
  const giveUp = (partition: number, below: bigint | null = null) => {
    const gone = (record: SourceRecord) => record.partition === partition && (below === null || record.offset < below)
    for (const record of waiting) if (gone(record)) waiting.delete(record)
    for (const record of writing) if (gone(record)) lost.add(record)
  }
  const watchedIntake = (intake: Intake): Intake => ({
    ...intake,
    assign(partition, position) {
      giveUp(partition)
      intake.assign(partition, position)
    },
    revoke(partition) {
      giveUp(partition)
      intake.revoke(partition)
    },
    rewind(partition, position) {
      giveUp(partition)
      intake.rewind(partition, position)
    },
    offer(partition, records) {
      const count = intake.offer(partition, records)
      for (const record of records.slice(0, count)) waiting.add(record)
      if (count > 0) admitted(held())
      return count
    },
  })
  const begin = ({ entries }: Batch<unknown>) => {
    for (const { record } of entries) {
      // Given up before, in a batch that was cut.
      if (!waiting.delete(record)) lost.add(record)
      writing.add(record)
    }
  }
  const end = ({ entries }: Batch<unknown>, settled: boolean) => {
    for (const { record } of entries) {
      writing.delete(record)
      const isLost = lost.delete(record)
      if (!settled && !isLost) waiting.add(record)
    }
  }

  return {
    held,
    source: (source: Source): Source => ({
      ...source,
      run: (intake) => source.run(watchedIntake(intake)),
      // Of the pipeline: the sink was rewound, and what is buffered is dropped.
      seek(partition, position) {
        giveUp(partition)
        source.seek(partition, position)
      },
    }),
    sink: <D>(sink: Sink<D>): Sink<D> => ({
      ...sink,
      async write(batch) {
        begin(batch)
        try {
          const result = await sink.write(batch)
          end(batch, true)
          for (const [partition, position] of result.positions) giveUp(partition, position)
          return result
        } catch (error) {
          end(batch, false)
          throw error
        }
      },
    }),
  }
}
