// What went wrong, decided by SQLSTATE and never by an error's text or by Prisma's own codes, which lie (design §7).

export type Fate = 'row' | 'transient' | 'unknown' | 'held' | 'fatal'
export type Verdict = { readonly fate: Fate; readonly sqlstate: string | null; readonly code: string }

/** Errors of our own that know their fate. */
export class SinkError extends Error {
  readonly fate: Fate
  readonly code: string
  constructor(fate: Fate, code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SinkError'
    this.fate = fate
    this.code = code
  }
}

/** The batch is to be cut into batches of at most `maxRecords`, and each tried again. */
export class BatchTooLarge extends SinkError {
  readonly maxRecords: number
  constructor(code: string, maxRecords: number) {
    super('transient', code, `more than the sink takes at once: at most ${maxRecords} records`)
    this.maxRecords = maxRecords
  }
}

// Also what triggers raise by themselves (P0001) and every other integrity constraint (23P01: an exclusion). A trigger that
// refuses everything closes the gate (breaker), it does not empty the topic into the DLQ.
const ROW = /^(22...|23...|P0001|44000|54000|21000)$/
// 57P05, 25P03, 25P04: the server ended a session or a transaction by a time-out of its own (idle_session_timeout,
// idle_in_transaction_session_timeout, transaction_timeout). 57P04: what the next session meets decides.
const TRANSIENT = /^(40001|40P01|55P03|57014|08...|57P0[1-5]|53...|58...|25006|25P0[34])$/
const STALE_SESSION = /^(25006|25P0[34]|57P0.|08...)$/
const SOCKET = /^(ECONN[A-Z]+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|EHOSTDOWN|ENET[A-Z]+)$/
// Prisma: transaction API (closed, timed out, no connection in time), pool time-out, connection closed, unreachable.
const PRISMA_UNKNOWN = new Set(['P2028', 'P2024', 'P1001', 'P1002', 'P1008', 'P1017'])
// The adapter's words for sockets and pools: these errors carry no code of any kind.
const ADAPTER_KINDS = new Set(['DatabaseNotReachable', 'ConnectionClosed', 'SocketTimeout', 'TlsConnectionError'])
const DRIVER_MESSAGE =
  /^(Client has encountered a connection error|Connection terminated|Query read timeout|timeout exc?eeded when trying to connect|Client was closed|Cannot use a pool after|Connection ended|connection is closed|timeout expired)/i

export function classifyError(error: unknown): Verdict {
  const chain = [...causes(error)]
  const own = chain.map((link): unknown => link).find((link) => link instanceof SinkError)
  if (own) return { fate: own.fate, sqlstate: sqlstateIn(chain), code: own.code }
  const sqlstate = sqlstateIn(chain)
  if (sqlstate !== null) return { fate: fateOf(sqlstate), sqlstate, code: sqlstate }
  const code = connectionCodeIn(chain)
  if (code !== null) return { fate: 'unknown', sqlstate: null, code }
  return { fate: 'fatal', sqlstate: null, code: nameOf(error) }
}

export const sqlstateOf = (error: unknown): string | null => sqlstateIn([...causes(error)])

/** What PostgreSQL itself said. */
export const databaseMessage = (error: unknown): string =>
  [...causes(error)].map((link) => link['originalMessage']).find((message) => typeof message === 'string') ?? 'no word'

/** Must the pool be made anew? Six tries in a row met the same demoted session. */
export function wantsFreshPool({ fate, sqlstate }: Verdict): boolean {
  return fate === 'unknown' || (sqlstate !== null && STALE_SESSION.test(sqlstate))
}

export const maxRecordsOf = (error: unknown): number | null =>
  error instanceof BatchTooLarge ? error.maxRecords : null

/** A smaller batch may succeed: the statement's or the transaction's time ran out, or the memory. */
export const isOversized = ({ code }: Verdict): boolean => ['57014', '53200', '25P04', 'P2028'].includes(code)

function fateOf(sqlstate: string): Fate {
  if (ROW.test(sqlstate)) return 'row'
  return TRANSIENT.test(sqlstate) ? 'transient' : 'fatal'
}

type Link = Readonly<Record<string, unknown>>

/** The error, and everything it names as its cause: Error.cause, Prisma's driver adapter error, aggregated errors. */
export function* causes(error: unknown, depth = 0): Generator<Link> {
  if (typeof error !== 'object' || error === null || depth > 8) return
  const link = error as Link
  yield link
  yield* causes(link['cause'], depth + 1)
  const meta = link['meta'] as Link | undefined
  yield* causes(meta?.['driverAdapterError'], depth + 1)
  if (Array.isArray(link['errors'])) for (const inner of link['errors']) yield* causes(inner, depth + 1)
}

function sqlstateIn(chain: readonly Link[]): string | null {
  for (const link of chain) {
    if (isSqlstate(link['originalCode'])) return link['originalCode']
    // pg's own DatabaseError: `severity` tells its code from a socket's or from Prisma's P2034.
    if (isSqlstate(link['code']) && typeof link['severity'] === 'string') return link['code']
  }
  return null
}

const isSqlstate = (code: unknown): code is string => typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)

function connectionCodeIn(chain: readonly Link[]): string | null {
  for (const { code, kind, message, syscall } of chain) {
    // A missing Unix socket.
    if (code === 'ENOENT' && syscall === 'connect') return code
    if (typeof code === 'string' && (SOCKET.test(code) || PRISMA_UNKNOWN.has(code))) return code
    if (typeof kind === 'string' && ADAPTER_KINDS.has(kind)) return kind
    if (typeof message === 'string' && DRIVER_MESSAGE.test(message)) return 'CONNECTION'
  }
  return null
}

function nameOf(error: unknown): string {
  const { code, name } = (typeof error === 'object' && error !== null ? error : {}) as Link
  if (typeof code === 'string') return code
  return typeof name === 'string' ? name : 'UNKNOWN'
}
