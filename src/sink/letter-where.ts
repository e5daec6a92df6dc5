// Filters of dead letters as SQL, and the life cycle as SQL: no status is written that life-cycle.ts does not give.
import { type Cursor, type LetterFilter } from '../dead-letters/letter-filter.ts'
import { type DeadLetterStatus, type LifeCycleEvent, nextStatus, statusesThatTake } from '../dead-letters/life-cycle.ts'
import { textArray } from './array-literal.ts'

/** Parameters of a statement, numbered as they are added. */
export function createParams() {
  const values: unknown[] = []
  const add = (value: unknown, type: string): string =>
    `$${values.push(value instanceof Date ? value.toISOString() : value)}::${type}`
  return { values, add }
}
export type Params = ReturnType<typeof createParams>

/** Conditions on `dead_letter d`; the statuses of the filter are the caller's business when `withStatus` is false. */
export function whereOf(params: Params, groupId: string, filter: LetterFilter, withStatus = true): string {
  const { add } = params
  const oneOf = (column: string, values: readonly string[] | null) =>
    values && `${column} = ANY (${add(textArray(values), 'text[]')})`
  const compare = (expression: string, value: string | Date | null) =>
    value && `${expression} ${add(value, value instanceof Date ? 'timestamptz' : 'text')}`
  const conditions = [
    `d.group_id = ${add(groupId, 'text')}`,
    oneOf('d.id', filter.ids),
    oneOf('d.code', filter.codes),
    oneOf('d.stage', filter.stages),
    withStatus ? oneOf('d.status', filter.statuses) : null,
    compare('d.user_id =', filter.userId),
    compare('d.topic =', filter.topic),
    compare('d.created_at >=', filter.since),
    compare('d.created_at <', filter.until),
    filter.invoiceId === null ? null : ofInvoice(add(filter.invoiceId, 'text')),
  ]
  return conditions.filter((each) => each !== null).join(' AND ')
}

/** As the index dead_letter_key has it: keys may be long. */
export const keyIs = (table: string, id: string): string => `sha256(${table}.key) = sha256(convert_to(${id}, 'UTF8'))`

/** A record that could not be read has the invoice's id as its key. */
const ofInvoice = (id: string) => `(d.invoice_id = ${id} OR (d.invoice_id IS NULL AND ${keyIs('d', id)}))`

/** Letters behind the cursor, in the order of the index dead_letter_created. */
export const beyond = ({ add }: Params, cursor: Cursor | null, direction: '>' | '<'): string =>
  cursor === null
    ? ''
    : ` AND (d.created_at, d.id) ${direction} (${add(cursor.createdAt, 'timestamptz')}, ${add(cursor.id, 'text')})`

const literal = (status: DeadLetterStatus) => `'${status}'`
export const statusList = (statuses: readonly DeadLetterStatus[]): string =>
  `(${statuses.length === 0 ? 'NULL' : statuses.map(literal).join(', ')})`

/** The status of `dead_letter d` after the event; as it is where the event changes nothing. */
export const statusAfter = (event: LifeCycleEvent): string => {
  const cases = statusesThatTake(event).map(
    (status) => `WHEN ${literal(status)} THEN ${literal(nextStatus(status, event) ?? status)}`,
  )
  return `CASE d.status ${cases.join(' ')} ELSE d.status END`
}
