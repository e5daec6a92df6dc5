import { ExitCode, OperatorError } from '../lib/operator-error.ts'
import { FatalFault } from '../pipeline/settle.ts'
import { classifyError } from './classify.ts'
import { explainTls } from './explain-tls.ts'

type Place = { readonly host: string; readonly database: string; readonly user: string }

/** What an operator can do about a database that refuses us; null when it is none of the known cases. */
export function explainDatabaseError(error: unknown, url: string): OperatorError | null {
  if (error instanceof OperatorError) return error
  const place = placeOf(url)
  // A batch was under way: what is wrong now was right a moment ago.
  const running = error instanceof FatalFault
  const { fate, sqlstate, code } = classifyError(error)
  const known =
    (running && sqlstate !== null ? changedUnderUs(sqlstate, place) : null) ??
    (sqlstate !== null ? bySqlstate(sqlstate, place) : byCode(fate, code, place, error))
  if (known === null) return null
  const [message, remedy] = known
  if (!running) return new OperatorError(message, remedy, ExitCode.unavailable, { cause: error })
  const then = `${remedy}, then start it again; nothing of the batch was committed, and nothing is lost`
  return new OperatorError(`stopped: ${message}`, then, ExitCode.unavailable, { cause: error })
}

type Explained = readonly [message: string, remedy: string]

/** The schema of a member that was at work already. */
function changedUnderUs(sqlstate: string, { database }: Place): Explained | null {
  if (sqlstate === '42P01')
    return [
      `a table is missing in database "${database}" (42P01)`,
      'run `sluice migrate`, or give a table that was renamed its name back',
    ]
  return schemaDiffers(sqlstate, database)
}

/** Columns, functions and keys that are not those of our migrations. */
function schemaDiffers(sqlstate: string, database: string): Explained | null {
  if (!/^(42703|42883|42704|42P10|42809)$/.test(sqlstate)) return null
  return [
    `the tables in database "${database}" are not those of this version (${sqlstate})`,
    'run `sluice migrate` of this version, or undo what was changed by hand',
  ]
}

function bySqlstate(sqlstate: string, { host, database, user }: Place): Explained | null {
  switch (sqlstate) {
    case '28P01':
      return [`PostgreSQL at ${host} refuses the password of user "${user}"`, 'check the password in DATABASE_URL']
    case '28000':
      return [`PostgreSQL at ${host} does not let user "${user}" in`, 'check the user in DATABASE_URL, and pg_hba.conf']
    case '3D000':
      return [`the database "${database}" does not exist at ${host}`, createRemedy(database)]
    case '42P01':
      return [`the database "${database}" has no sluice tables yet`, 'run `sluice migrate`']
    case '42501':
      return [`user "${user}" lacks a permission in database "${database}"`, 'grant it the roles of ops/roles.sql']
    case '25006':
      return [`PostgreSQL at ${host} is read-only`, 'point DATABASE_URL at the primary']
    case '53300':
      return [`PostgreSQL at ${host} has no free connection`, 'lower DATABASE_POOL_SIZE or raise max_connections']
    default:
      if (!/^(57P0|08)/.test(sqlstate)) return schemaDiffers(sqlstate, database)
      return [`PostgreSQL at ${host} is not ready (${sqlstate})`, 'wait until it runs, then try again']
  }
}

/** A shell must not read more into the name than a name. */
const createRemedy = (database: string) =>
  /^[\w-]+$/.test(database)
    ? `create it, for example with: createdb ${database}; then run \`sluice migrate\``
    : 'create it with createdb, then run `sluice migrate`'

function byCode(fate: string, code: string, { host }: Place, error: unknown): Explained | null {
  if (code === 'TlsConnectionError') return explainTls(error, host)
  if (fate !== 'unknown') return null
  return [`PostgreSQL cannot be reached at ${host}${reason(code)}`, 'check DATABASE_URL, and that the server runs']
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  DatabaseNotReachable: 'no connection',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'host name not found',
  ETIMEDOUT: 'no answer',
  SocketTimeout: 'no answer',
  ENOENT: 'no such socket',
}
const reason = (code: string) => (REASONS[code] ? ` (${REASONS[code]})` : '')

/** Names only; the password never leaves this function. */
function placeOf(url: string): Place {
  try {
    const { hostname, port, pathname, username } = new URL(url)
    const user = decodeURIComponent(username)
    return { host: `${hostname}:${port || '5432'}`, database: decodeURIComponent(pathname.slice(1)) || user, user }
  } catch {
    return { host: 'the address in DATABASE_URL', database: '?', user: '?' }
  }
}
