import { setImmediate } from 'node:timers/promises'
import { generateEvents, type GenerateOptions } from './generate.ts'
import type { Row } from './row.ts'

const PER_TURN = 500

/** Generated records as rows, numbered from 1. Signals and sockets get a turn between: nothing here waits by itself. */
export async function* generatedRows(options: GenerateOptions): AsyncGenerator<Row[]> {
  let rows: Row[] = []
  let line = 0
  for (const { key, value } of generateEvents(options)) {
    rows.push({ line: ++line, record: { key, value } })
    if (rows.length < PER_TURN) continue
    yield rows
    rows = []
    await setImmediate()
  }
  if (rows.length > 0) yield rows
}
