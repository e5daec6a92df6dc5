// Counts what goes over the wire, from outside: every query of every pg client of this process, Prisma's too.
import pg from 'pg'

export type Counts = {
  /** Calls of query(): each waits for an answer of the server. */
  roundTrips: number
  /** Statements that try to insert into the ledger. */
  inserts: number
  savepoints: number
  rollbacks: number
  commits: number
}

let counts: Counts | null = null

/** Connections that are inside BEGIN … COMMIT. */
const inTransaction = new WeakSet<object>()

const textOf = (query: unknown): string =>
  typeof query === 'string' ? query : String((query as { text?: string } | null)?.text ?? '')

const occurrences = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0

type Query = (this: object, query: unknown, ...rest: unknown[]) => unknown
const prototype = pg.Client.prototype as unknown as { query: Query }
const original = prototype.query

prototype.query = function (query, ...rest) {
  const text = textOf(query)
  const now = counts
  if (now) {
    now.roundTrips += 1
    now.inserts += occurrences(text, /INSERT INTO ("public"\.)?"?ledger_entry"?/g)
    now.savepoints += occurrences(text, /(?<!TO |RELEASE )SAVEPOINT \w/g)
    now.rollbacks += occurrences(text, /ROLLBACK TO/g)
  }
  if (/^\s*BEGIN/i.test(text)) inTransaction.add(this)
  const ends = /^\s*(COMMIT|ROLLBACK(?! TO))/i.test(text)
  const autocommit = !inTransaction.has(this)
  if (ends) inTransaction.delete(this)
  const answer = original.call(this, query, ...rest)
  const committed = () => void (now && (autocommit || /^\s*COMMIT/i.test(text)) && (now.commits += 1))
  if (answer instanceof Promise) answer.then(committed, () => {})
  else committed()
  return answer
}

/** What `work` sends, and how long it takes. */
export async function counted(work: () => Promise<void>): Promise<Counts & { ms: number }> {
  const mine: Counts = { roundTrips: 0, inserts: 0, savepoints: 0, rollbacks: 0, commits: 0 }
  const began = performance.now()
  counts = mine
  try {
    await work()
  } finally {
    counts = null
  }
  const ms = performance.now() - began
  await Promise.resolve()
  return { ...mine, ms }
}
