import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import type { Check } from './check.ts'
import type { Field } from './csv-columns.ts'
import { csvRows } from './csv.ts'
import type { GenerateOptions } from './generate.ts'
import { generatedRows } from './generated-rows.ts'
import { formatOf, openInput, type Format, type Input } from './input.ts'
import type { Defaults } from './invoice.ts'
import { jsonRows, ndjsonRows, rawRows } from './ndjson.ts'
import type { Rows } from './row.ts'

export type FileOptions = {
  readonly file: string
  readonly format?: string | undefined
  readonly raw: boolean
  readonly defaults: Defaults
  readonly columns: ReadonlyMap<Field, string>
  readonly dateFormat?: string | undefined
  readonly timeZone: string
  readonly delimiter?: string | undefined
  readonly encoding: string
  readonly decimalComma: boolean
}

export type PublishSource = {
  readonly rows: Rows
  /** What row numbers count. */
  readonly unit: 'line' | 'document' | 'record'
  /** Bytes of the file or records of the generator; null for a pipe. */
  readonly total: number | null
  /** How much of total has been read; null: as much as was published. */
  readonly done: (() => number) | null
}

export type SourceDeps = { readonly check: Check; readonly stdin: NodeJS.ReadableStream; readonly signal: AbortSignal }

export const generatedSource = (options: GenerateOptions): PublishSource => ({
  rows: generatedRows(options),
  unit: 'record',
  total: options.count,
  done: null,
})

const encodingOf = (name: string): BufferEncoding => {
  if (name === 'utf8' || name === 'latin1') return name
  throw new OperatorError(`--encoding ${name}: no such encoding`, 'give utf8 or latin1', ExitCode.usage)
}

const rowsOf = (format: Format, input: Input, options: FileOptions, check: Check): Rows => {
  const { defaults, columns, decimalComma, dateFormat, timeZone, delimiter, file } = options
  switch (format) {
    case 'ndjson':
      return ndjsonRows(input.chunks, { check, defaults })
    case 'json':
      return jsonRows(input.chunks, { check, defaults })
    case 'csv':
      return csvRows(input.chunks, {
        check,
        defaults,
        columns,
        decimalComma,
        date: dateFormat === undefined ? { timeZone } : { timeZone, format: dateFormat },
        delimiter:
          delimiter === undefined ? (/\.tsv(\.gz)?$/i.test(file) ? '\t' : ',') : delimiter.replace('\\t', '\t'),
        encoding: encodingOf(options.encoding),
      })
  }
}

/** The rows of a file or a pipe. Faults of the command line throw here or before the first row, so nothing is sent. */
export const openSource = async (
  options: FileOptions,
  { check, stdin, signal }: SourceDeps,
): Promise<PublishSource> => {
  const { file, raw } = options
  const format = raw && options.format === undefined ? 'ndjson' : formatOf(file, options.format)
  if (raw && format !== 'ndjson')
    throw new OperatorError(`--raw publishes lines, not ${format}`, 'leave --raw or --format out', ExitCode.usage)
  const input = await openInput({ file, stdin, signal })
  return {
    rows: raw ? rawRows(input.chunks) : rowsOf(format, input, options, check),
    unit: format === 'json' ? 'document' : 'line',
    total: input.size,
    done: input.bytesRead,
  }
}
