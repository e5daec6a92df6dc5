import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { isPlainText, shortList } from './plain-text.ts'

export const FIELDS = [
  'eventId',
  'userId',
  'invoiceId',
  'lineNumber',
  'sku',
  'description',
  'quantity',
  'unitPrice',
  'currency',
  'occurredAt',
] as const
export type Field = (typeof FIELDS)[number]

/** Field → index of its column. */
export type Columns = { readonly [field in Field]?: number }

const usage = (message: string, remedy: string): OperatorError => new OperatorError(message, remedy, ExitCode.usage)

/** `invoiceId=InvoiceNo` → a mapping; a field or an equals sign that is missing is a fault of the command line. */
export const parseColumnOption = (text: string, earlier?: ReadonlyMap<Field, string>): Map<Field, string> => {
  const equals = text.indexOf('=')
  const known = `fields are ${FIELDS.join(', ')}`
  if (equals < 1 || equals === text.length - 1)
    throw usage(`--column ${text}: not of the form FIELD=COLUMN`, `such as --column invoiceId=InvoiceNo; ${known}`)
  const name = text.slice(0, equals)
  const field = FIELDS.find((each) => each === name)
  if (field === undefined) throw usage(`--column ${text}: unknown field ${name}`, known)
  return new Map(earlier).set(field, text.slice(equals + 1))
}

const normal = (name: string): string => name.trim().toLowerCase()

const REQUIRED = ['userId', 'invoiceId', 'quantity', 'unitPrice', 'currency', 'occurredAt'] as const
const DELIMITERS = [';', ',', '\t', '|']

/** One column that holds another usual delimiter: the file is fine, the option is not. */
const delimiterHint = (header: readonly string[]): string | null => {
  const [only = '', ...more] = header
  const found = more.length > 0 ? undefined : DELIMITERS.find((delimiter) => only.includes(delimiter))
  return found === undefined ? null : `try --delimiter '${found === '\t' ? '\\t' : found}'`
}

/** Where each field is. A field that no `--column` names has the column of its own name, if there is one. */
export const resolveColumns = (
  header: readonly string[],
  wanted: ReadonlyMap<Field, string>,
  fixed: ReadonlySet<Field>,
): Columns => {
  if (!isPlainText(header.join('')))
    throw usage('the first line is not text', 'publish reads CSV, NDJSON and JSON files')
  if (header.join('').includes('\ufffd')) throw usage('the first line is not UTF-8', 'try --encoding latin1')
  const names = header.map(normal)
  const columns: Partial<Record<Field, number>> = {}
  const wrong: string[] = []
  for (const field of FIELDS) {
    const name = wanted.get(field)
    const index = names.indexOf(normal(name ?? field))
    if (index !== -1) columns[field] = index
    else if (name !== undefined) wrong.push(`${name} (--column ${field}=${name})`)
  }
  const has = (field: Field): boolean => columns[field] !== undefined || fixed.has(field) || wanted.has(field)
  const missing: string[] = REQUIRED.filter((field) => !has(field))
  if (!has('sku') && !has('description')) missing.push('sku or description')
  if (wrong.length + missing.length === 0) return columns
  const faults = [
    ...(wrong.length > 0 ? [`the file has no column ${wrong.join(', ')}`] : []),
    ...(missing.length > 0 ? [`no column for ${missing.join(', ')}`] : []),
  ]
  const hint = delimiterHint(header) ?? 'map each with --column FIELD=COLUMN (--user and --currency fix theirs)'
  throw usage(faults.join('; '), `${hint}; the file's columns: ${shortList(header)}`)
}
