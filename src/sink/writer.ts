// createMany and createManyAndReturn, lowered to ONE statement: INSERT … SELECT FROM unnest($1::uuid[], …), and into the ledger
// COPY where no row is expected to be there already.
// About seven times the rows a second of Prisma's own, which sends one bind parameter per value (65,535 at most) and
// splits the batch. Same rows, same errors, same transaction: test/contract/sink-writer.test.ts runs on both.
import { Prisma, type PrismaClient } from '../generated/prisma/client.ts'
import { arrayLiteral } from './array-literal.ts'
import { classifyError } from './classify.ts'
import { type AnyColumn, deadLetterColumns, elementOf, ledgerEntryColumns } from './columns.ts'
import { copyRows, copyText } from './copy.ts'

export type Statements = {
  $queryRawUnsafe<T = unknown>(sql: string, ...values: unknown[]): Promise<T>
  $executeRawUnsafe(sql: string, ...values: unknown[]): Promise<number>
}

type LedgerEntryRow = Prisma.LedgerEntryCreateManyInput
export type DeadLetterInput = Prisma.DeadLetterCreateManyInput
type CreateMany<Row> = { data: Row[]; skipDuplicates?: boolean }
export type LedgerKey = { eventId: string; userId: string }

/** The part of a Prisma client that the sink uses; the stock client and the extended one both fit. */
export type Tx = Statements & {
  readonly ledgerEntry: {
    createMany(args: CreateMany<LedgerEntryRow>): Promise<{ count: number }>
    createManyAndReturn(
      args: CreateMany<LedgerEntryRow> & { select: { eventId: true; userId: true } },
    ): Promise<LedgerKey[]>
  }
  readonly deadLetter: { createMany(args: CreateMany<DeadLetterInput>): Promise<{ count: number }> }
}

type Columns = Readonly<Record<string, AnyColumn>>
type Row = Readonly<Record<string, unknown>>
export type Insert = { sql: string; values: string[] }

/** The columns that `rows` give: without those that the database fills in. */
function columnsGiven(table: string, columns: Columns, rows: readonly Row[]): [field: string, column: AnyColumn][] {
  refuseUnknown(Object.keys(rows[0] ?? {}), columns, `${table} has no field`)
  return Object.entries(columns).filter(([field, [name, , absence]]) => {
    let absent = 0
    for (const row of rows) if (row[field] === undefined || row[field] === null) absent += 1
    if (absence === 'defaulted' && absent === rows.length) return false
    // A mistake of ours must not look like a row that the database refuses: that one would become a dead letter.
    if (absence !== 'nullable' && absent > 0) throw new TypeError(`${table}.${name}: a value is missing`)
    return true
  })
}

/** `tail` follows the SELECT: ON CONFLICT, RETURNING. */
export function insertFromUnnest(table: string, columns: Columns, rows: readonly object[], tail: string): Insert {
  const given = rows as readonly Row[]
  const names: string[] = []
  const casts: string[] = []
  const values: string[] = []
  for (const [field, [name, type]] of columnsGiven(table, columns, given)) {
    names.push(name)
    casts.push(`$${names.length}::${type}[]`)
    values.push(
      arrayLiteral(
        given.map((row) => row[field]),
        elementOf[type],
      ),
    )
  }
  const sql = `INSERT INTO ${table} (${names.join(', ')}) SELECT * FROM unnest(${casts.join(', ')})${tail}`
  return { sql, values }
}

function refuseUnknown(given: readonly string[], known: object, what: string) {
  const unknown = given.filter((name) => !(name in known))
  if (unknown.length > 0) throw new TypeError(`${what} ${unknown.join(', ')}`)
}

/** With the key as its target: a violation of any other key, added by somebody else, must be told, not skipped. */
const SKIP = {
  ledger_entry: ' ON CONFLICT (event_id, user_id) DO NOTHING',
  dead_letter: ' ON CONFLICT (id) DO NOTHING',
}

function lower(table: keyof typeof SKIP, columns: Columns, args: CreateMany<object>, returning = '') {
  refuseUnknown(Object.keys(args), { data: 0, skipDuplicates: 0, select: 0 }, 'the fast writer does not support')
  if (!Array.isArray(args.data)) throw new TypeError('the fast writer takes an array as data')
  return insertFromUnnest(table, columns, args.data, (args.skipDuplicates ? SKIP[table] : '') + returning)
}

/** In an interactive transaction `$parent` is the transaction's own client, so the statement rolls back with it. */
const clientOf = (model: unknown) => (Prisma.getExtensionContext(model) as { $parent: Statements }).$parent

async function createManyOn(client: Statements, table: keyof typeof SKIP, columns: Columns, args: CreateMany<object>) {
  const { sql, values } = lower(table, columns, args)
  return { count: args.data.length === 0 ? 0 : await client.$executeRawUnsafe(sql, ...values) }
}

/** Fewer rows are not worth the savepoint. */
const MIN_COPIED = 64
/** Batches without COPY after one that met a duplicate: 1, 2, 4, … An undone COPY leaves its rows as dead tuples. */
const MAX_PAUSE = 64

type Copying = ReturnType<typeof createCopying>

/** Takes rows at about twice the rate of unnest, all or none of them: the first that is there already undoes it. */
function createCopying() {
  let pause = 0
  let nextPause = 1
  let possible = true

  async function all(client: Statements, rows: readonly Row[]): Promise<boolean> {
    const columns = columnsGiven('ledger_entry', ledgerEntryColumns, rows)
    const names = columns.map(([, [name]]) => name).join(', ')
    const text = copyText(columns, rows)
    const undo = () => client.$executeRawUnsafe('ROLLBACK TO SAVEPOINT copied')
    try {
      const sql = `SAVEPOINT copied; COPY ledger_entry (${names}) FROM STDIN`
      if ((await copyRows(client, sql, text)) === rows.length) return true
      await undo() // a trigger passed over some of them, and only RETURNING says which
    } catch (error) {
      const { fate, sqlstate } = classifyError(error)
      const duplicate = sqlstate === '23505'
      if (!duplicate && (fate !== 'fatal' || sqlstate === null)) throw error
      await undo()
      // Not for this table, or not for this user (row-level security): what INSERT says of it counts.
      if (!duplicate) possible = false
    }
    return false
  }

  return {
    /** False: nothing of it is left, and the rows are to be inserted otherwise. Throws what says something about a row or the server. */
    async copy(client: Statements, rows: readonly Row[]): Promise<boolean> {
      if (!possible || rows.length < MIN_COPIED) return false
      if (pause > 0) {
        pause -= 1
        return false
      }
      const done = await all(client, rows)
      pause = done ? 0 : nextPause
      nextPause = done ? 1 : Math.min(nextPause * 2, MAX_PAUSE)
      return done
    },
  }
}

async function createLedgerEntries(
  client: Statements,
  copying: Copying,
  args: Parameters<Tx['ledgerEntry']['createManyAndReturn']>[0],
) {
  const { select } = args
  if (!select || Object.keys(select).sort().join() !== 'eventId,userId' || !select.eventId || !select.userId) {
    throw new TypeError('the fast writer returns eventId and userId only: select both')
  }
  if (args.data.length === 0) return []
  const keys = () => args.data.map(({ eventId, userId }) => ({ eventId, userId }))
  if (args.skipDuplicates && (await copying.copy(client, args.data))) return keys()
  const insert = lower('ledger_entry', ledgerEntryColumns, args, ' RETURNING event_id, user_id')
  // The keys come back as one value, and only if some row was skipped: Prisma takes 4 µs to read a row of a result.
  const sql = `
    WITH inserted AS (${insert.sql})
    SELECT count(*)::integer AS count,
      CASE WHEN count(*) < cardinality($1) THEN json_agg(json_build_array(event_id, user_id))::text END AS keys
    FROM inserted`
  const [row] = await client.$queryRawUnsafe<{ count: number; keys: string | null }[]>(sql, ...insert.values)
  if (row?.count === args.data.length) return keys()
  const inserted = JSON.parse(row?.keys ?? '[]') as [string, string][]
  return inserted.map(([eventId, userId]) => ({ eventId, userId }))
}

export function withFastWriter(client: PrismaClient) {
  const copying = createCopying()
  return client.$extends({
    name: 'fast-writer',
    model: {
      ledgerEntry: {
        async createMany(this: unknown, args: CreateMany<LedgerEntryRow>) {
          return createManyOn(clientOf(this), 'ledger_entry', ledgerEntryColumns, args)
        },
        async createManyAndReturn(this: unknown, args: Parameters<Tx['ledgerEntry']['createManyAndReturn']>[0]) {
          return createLedgerEntries(clientOf(this), copying, args)
        },
      },
      deadLetter: {
        async createMany(this: unknown, args: CreateMany<DeadLetterInput>) {
          return createManyOn(clientOf(this), 'dead_letter', deadLetterColumns, args)
        },
      },
    },
  })
}
