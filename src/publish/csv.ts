import { CsvError, parse, type Parser } from 'csv-parse'
import { printable } from '../lib/printable.ts'
import type { Check } from './check.ts'
import { resolveColumns, type Field } from './csv-columns.ts'
import { createCsvRow } from './csv-row.ts'
import { createReadDate, type DateOptions } from './dates.ts'
import type { Defaults } from './invoice.ts'
import { FileFault, MAX_VALUE_BYTES, type Row } from './row.ts'

export type CsvOptions = {
  readonly check: Check
  readonly defaults: Defaults
  readonly columns: ReadonlyMap<Field, string>
  readonly date: DateOptions
  readonly delimiter: string
  readonly encoding: BufferEncoding
  readonly decimalComma: boolean
}

type Cells = readonly string[]

/**
 * A quote inside a field without quotes is text (5" NAIL). A quote that never closes swallows what follows, so it ends
 * the file; the limit finds it before it has eaten all of it.
 */
const createParser = ({ delimiter, encoding }: CsvOptions): Parser => {
  const options = {
    bom: true,
    delimiter,
    encoding,
    relax_column_count: true,
    relax_quotes: true,
    max_record_size: MAX_VALUE_BYTES,
    // Above the records of one chunk: a full stream would hold back the callback of write().
    readableHighWaterMark: 1_000_000,
  }
  return parse(options)
}

const taken = (parser: Parser): Cells[] => {
  const records: Cells[] = []
  for (let record = parser.read() as Cells | null; record !== null; record = parser.read() as Cells | null)
    records.push(record)
  return records
}

/** Feeds the parser by hand: piping would throw away the records before an error along with it. */
async function* recordsOf(
  chunks: AsyncIterable<Buffer>,
  options: CsvOptions,
): AsyncGenerator<Cells[], Error | undefined> {
  const parser = createParser(options)
  const broken: { error?: Error } = {}
  parser.on('error', (error: Error) => (broken.error = error))
  for await (const chunk of chunks) {
    await new Promise<void>((resolve) => parser.write(chunk, () => resolve()))
    yield taken(parser)
    if (broken.error !== undefined) return broken.error
  }
  const ended = new Promise<void>((resolve) => parser.once('close', resolve).once('end', resolve))
  parser.end()
  await new Promise<void>((resolve) => setImmediate(resolve))
  yield taken(parser)
  parser.resume()
  await ended
  return broken.error
}

const newlines = (cells: Cells): number => {
  let count = 0
  for (const cell of cells) if (cell.includes('\n')) count += cell.split('\n').length - 1
  return count
}

const fileFault = (error: Error, line: number): FileFault =>
  new FileFault(
    error instanceof CsvError && (error.code === 'CSV_QUOTE_NOT_CLOSED' || error.code === 'CSV_MAX_RECORD_SIZE')
      ? 'a quote that opens in this row is never closed'
      : `not CSV: ${printable(error.message)}`,
    line,
    { cause: error },
  )

/** Rows of a CSV file whose first line is the header. `line` is where a record begins. */
export async function* csvRows(chunks: AsyncIterable<Buffer>, options: CsvOptions): AsyncGenerator<Row[]> {
  const readDate = createReadDate(options.date)
  const fixed = new Set<Field>(
    (['userId', 'currency'] as const).filter((field) => options.defaults[field] !== undefined),
  )
  let rowOf: ReturnType<typeof createCsvRow> | undefined
  let line = 1
  const records = recordsOf(chunks, options)
  try {
    for (let next = await records.next(); ; next = await records.next()) {
      if (next.done === true) {
        if (next.value !== undefined) throw fileFault(next.value, line)
        if (rowOf === undefined) throw new FileFault('the file has no header line', 1)
        return
      }
      const rows: Row[] = []
      for (const cells of next.value) {
        const start = line
        line += 1 + newlines(cells)
        if (cells.length === 1 && cells[0] === '') continue
        if (rowOf === undefined)
          rowOf = createCsvRow({
            ...options,
            columns: resolveColumns(cells, options.columns, fixed),
            width: cells.length,
            readDate,
          })
        else rows.push(rowOf(start, cells))
      }
      if (rows.length > 0) yield rows
    }
  } finally {
    await records.return(undefined)
  }
}
