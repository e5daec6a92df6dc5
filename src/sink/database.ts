import { PrismaClient } from '../generated/prisma/client.ts'
import { CopyingPrismaPg } from './copy.ts'
import { type Waits, withWaits } from './connection-waits.ts'
import { createStatementNames } from './prepared.ts'
import { type Tx, withFastWriter } from './writer.ts'

export type DatabaseOptions = {
  readonly url: string
  readonly poolSize: number
  /** fast: createMany lowered to one statement (writer.ts) · stock: Prisma's own. */
  readonly writer: 'fast' | 'stock'
  readonly applicationName?: string
  readonly connectTimeoutMs?: number
  readonly statementTimeoutMs?: number
  readonly lockTimeoutMs?: number
  readonly idleInTransactionTimeoutMs?: number
  /** Prisma's own limits of an interactive transaction: for all of it, and for getting a connection. */
  readonly transactionTimeoutMs?: number
  readonly maxWaitMs?: number
  /** Told of each wait for a connection. */
  readonly waits?: Waits
  /** A connection broke while idle. The pool replaces it; worth a log line, no more. */
  readonly onConnectionError?: (error: Error) => void
}

type Client = Tx & { $transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R> }

export type Database = {
  readonly url: string
  /** The client of now; ask again after a failure, as recreate() replaces it. */
  client(): Tx
  /** Prisma's own client on the same pool, for reading. */
  prisma(): PrismaClient
  transaction<R>(work: (tx: Tx) => Promise<R>): Promise<R>
  /**
   * A fresh pool: a session may be stuck on a demoted or restarted server (25006, 57P0x, 08xxx). `failed` is the client
   * that met it; when another lane has replaced that one already, nothing happens.
   */
  recreate(failed: Tx): void
  /** Does a fresh connection work, and can it write? Never throws. */
  probe(): Promise<boolean>
  close(): Promise<void>
}

const ignore = () => {}

/**
 * TimeZone must be UTC: the adapter sends a Date without its zone. The isolation level is part of the design (a later
 * statement must see what was committed while an earlier one waited), so no server default may change it.
 */
const SESSION = '-c TimeZone=UTC -c default_transaction_isolation=read\\ committed'

export function adapterOf(options: Omit<DatabaseOptions, 'writer'>) {
  const statementTimeoutMs = options.statementTimeoutMs ?? 30_000
  const onError = options.onConnectionError ?? ignore
  const connectTimeoutMs = options.connectTimeoutMs ?? 5_000
  return new CopyingPrismaPg(
    {
      connectionString: options.url,
      max: options.poolSize,
      application_name: options.applicationName ?? 'sluice',
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: statementTimeoutMs,
      lock_timeout: options.lockTimeoutMs ?? 10_000,
      idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 30_000,
      // The server ends a slow statement; this ends the wait for a server that is gone without a word.
      query_timeout: statementTimeoutMs + connectTimeoutMs,
      keepAlive: true,
      options: SESSION,
    },
    { onPoolError: onError, onConnectionError: onError, statementNameGenerator: createStatementNames() },
  )
}

export function createDatabase(options: DatabaseOptions): Database {
  const connect = () => {
    const transactionOptions = {
      timeout: options.transactionTimeoutMs ?? 60_000,
      maxWait: options.maxWaitMs ?? 10_000,
    }
    const adapter = options.waits ? withWaits(adapterOf(options), options.waits) : adapterOf(options)
    const prisma = new PrismaClient({ adapter, transactionOptions })
    const client: Client = options.writer === 'fast' ? withFastWriter(prisma) : prisma
    return { prisma, client }
  }
  let current = connect()

  return {
    url: options.url,
    client: () => current.client,
    prisma: () => current.prisma,
    transaction: (work) => current.client.$transaction(work),
    recreate(failed) {
      if (failed !== current.client) return
      const old = current.prisma
      current = connect()
      // Not awaited: a dead connection may take its whole time-out to end.
      void old.$disconnect().catch(ignore)
    },
    probe: () => probe(options),
    close: () => current.prisma.$disconnect(),
  }
}

async function probe(options: DatabaseOptions): Promise<boolean> {
  const timeouts = { statementTimeoutMs: 5_000, connectTimeoutMs: 5_000 }
  const session = await adapterOf({ ...options, ...timeouts, poolSize: 1 }).connect()
  try {
    const { rows } = await session.queryRaw({ sql: 'SHOW transaction_read_only', args: [], argTypes: [] })
    return rows[0]?.[0] === 'off'
  } catch {
    return false
  } finally {
    await session.dispose().catch(ignore)
  }
}
