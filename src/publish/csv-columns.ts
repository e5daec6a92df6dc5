import { ExitCode, OperatorError } from '../lib/operator-error.ts'

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
  const field = FIELDS.find((name) => name === text.slice(0, equals))
  if (equals < 1 || field === undefined)
    throw usage(`--column ${text}: not of the form FIELD=COLUMN`, `FIELD is one of ${FIELDS.join(', ')}`)
  return new Map(earlier).set(field, text.slice(equals + 1))
}

const normal = (name: string): string => name.trim().toLowerCase()

/** Where each field is. A field that no `--column` names has the column of its own name, if there is one. */
export const resolveColumns = (
  header: readonly string[],
  wanted: ReadonlyMap<Field, string>,
  fixed: ReadonlySet<Field>,
): Columns => {
  const names = header.map(normal)
  const columns: Partial<Record<Field, number>> = {}
  for (const field of FIELDS) {
    const name = wanted.get(field)
    const index = names.indexOf(normal(name ?? field))
    if (index !== -1) columns[field] = index
    else if (name !== undefined)
      throw usage(`--column ${field}=${name}: the file has no column ${name}`, `its columns: ${header.join(', ')}`)
  }
  const has = (field: Field): boolean => columns[field] !== undefined || fixed.has(field)
  const missing: string[] = (
    ['userId', 'invoiceId', 'quantity', 'unitPrice', 'currency', 'occurredAt'] as const
  ).filter((field) => !has(field))
  if (!has('sku') && !has('description')) missing.push('sku or description')
  if (missing.length === 0) return columns
  const hint = 'map each with --column FIELD=COLUMN (--user and --currency fix theirs)'
  throw usage(`no column for ${missing.join(', ')}`, `${hint}; the file's columns: ${header.join(', ')}`)
}
