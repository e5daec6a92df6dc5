import { setImmediate } from 'node:timers/promises'
import { type GeneratedRecord, generateEvents, type GenerateOptions } from './generate.ts'
import type { OutgoingRecord, Row } from './row.ts'

const PER_TURN = 500

/**
 * Generated records as rows, numbered from 1. Signals and sockets get a turn between: nothing here waits by itself.
 * `shape` may change a record; a duplicate must become what its original became.
 */
export async function* generatedRows(
  options: GenerateOptions,
  shape: (record: GeneratedRecord) => OutgoingRecord = (record) => record,
): AsyncGenerator<Row[]> {
  let rows: Row[] = []
  let line = 0
  for (const generated of generateEvents(options)) {
    const { key, value } = shape(generated)
    rows.push({ line: ++line, record: { key, value } })
    if (rows.length < PER_TURN) continue
    yield rows
    rows = []
    await setImmediate()
  }
  if (rows.length > 0) yield rows
}
