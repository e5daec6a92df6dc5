// PostgreSQL as the sink sees it, in memory: transactions with row locks, savepoints and a COMMIT whose answer may be lost,
// and of SQL exactly the statements that the sink sends. Its contract with the real one: test/contract/simulated-database.test.ts.
import type { Database } from '../../src/sink/database.ts'
import type { PositionStore } from '../../src/source/start-position.ts'
import type { Tx } from '../../src/sink/writer.ts'
import { createLocks } from './locks.ts'
import { type Run, statementOf } from './statements.ts'
import { clone, emptyTables, type Tables } from './tables.ts'
import type { Struck } from './kafka.ts'
import type { Owner, Scheduler } from './scheduler.ts'

export type Hooks = {
  /** After each COMMIT that was done, whether or not its answer arrives. */
  committed: (before: Tables, after: Tables, begunAt: number) => void
}
/** What becomes of a COMMIT: not done, or done without an answer. */
export type CommitFate = 'lost' | 'unanswered'
/** `struck` is told when the fault meets somebody. */
type Fault<T> = T & { readonly struck: Struck }
export type DatabaseFaults = {
  down: Fault<{ until: number }> | null
  slow: Fault<{ between: readonly [number, number] }> | null
  /** SQLSTATEs that the next statements fail with. */
  next: Fault<{ code: string }>[]
  /** Of the next COMMIT. */
  commit: Fault<{ fate: CommitFate }> | null
}

const LOCK_TIMEOUT_MS = 4_000
const IDLE_IN_TRANSACTION_MS = 5_000

export const sqlError = (code: string) => Object.assign(new Error(code), { code, severity: 'ERROR' })
const connectionLost = () => Object.assign(new Error('socket'), { code: 'ECONNRESET' })

type Transaction = {
  readonly owner: Owner | null
  readonly startedAt: number
  tables: Tables
  savepoints: Map<string, Tables>
  failed: boolean
  ended: boolean
  lastHeardAt: number
}

export type SimulatedPostgres = ReturnType<typeof createSimulatedPostgres>

export const createSimulatedPostgres = (scheduler: Scheduler, hooks: Hooks) => {
  let tables = emptyTables()
  const open = new Set<Transaction>()
  const locks = createLocks<Transaction>(scheduler, LOCK_TIMEOUT_MS, () => sqlError('55P03'), connectionLost)
  const faults: DatabaseFaults = { down: null, slow: null, next: [], commit: null }

  let gateStruck: Struck = () => {}

  const end = (transaction: Transaction) => {
    transaction.ended = true
    open.delete(transaction)
    locks.release(transaction)
  }
  const call = <T>(work: () => T | Promise<T>): Promise<T> => {
    faults.slow?.struck()
    return scheduler.request(
      () => {
        if (faults.down && scheduler.now() < faults.down.until) {
          faults.down.struck()
          throw connectionLost()
        }
        return work()
      },
      faults.slow?.between ?? [1, 10],
    )
  }

  /** A session that says nothing with a transaction open is ended by the server. */
  const watchIdle = () => {
    for (const transaction of [...open])
      if (scheduler.now() - transaction.lastHeardAt > IDLE_IN_TRANSACTION_MS) end(transaction)
    scheduler.after(500, null, watchIdle)
  }
  scheduler.after(500, null, watchIdle)

  const statement = <T>(transaction: Transaction, run: Run<T>): Promise<T> =>
    call(async () => {
      const refuse = () => {
        if (transaction.ended) throw connectionLost()
      }
      refuse()
      transaction.lastHeardAt = scheduler.now()
      if (transaction.failed && !run.always) throw sqlError('25P02')
      try {
        const fault = faults.next.shift()
        fault?.struck()
        if (fault) throw sqlError(fault.code)
        for (const key of run.locks(transaction.tables)) {
          await locks.take(key, transaction)
          refuse()
          // READ COMMITTED: what was committed while we waited is seen.
          rebase(transaction, key)
        }
        transaction.tables.gate = tables.gate
        const result = run.play(transaction)
        transaction.lastHeardAt = scheduler.now()
        if (run.always) transaction.failed = false
        return result
      } catch (error) {
        transaction.failed = true
        throw error
      }
    })

  const rebase = (transaction: Transaction, key: string) => {
    const at = key.indexOf(' ')
    const table = key.slice(0, at) as keyof Tables
    const row = key.slice(at + 1)
    const committed = tables[table] as Map<string, unknown>
    const mine = transaction.tables[table] as Map<string, unknown>
    if (transaction.tables.written.has(key)) return
    if (committed.has(row)) mine.set(row, committed.get(row))
    else mine.delete(row)
  }

  const commit = (transaction: Transaction) => {
    if (transaction.ended) throw connectionLost()
    if (transaction.failed) {
      end(transaction)
      throw sqlError('25P02')
    }
    const { fate, struck } = faults.commit ?? { fate: 'done', struck: () => {} }
    faults.commit = null
    struck()
    if (fate === 'lost') {
      end(transaction)
      throw connectionLost()
    }
    const before = tables
    tables = clone(tables)
    for (const key of transaction.tables.written) {
      const at = key.indexOf(' ')
      const table = key.slice(0, at) as keyof Tables
      const row = key.slice(at + 1)
      const value = (transaction.tables[table] as Map<string, unknown>).get(row)
      ;(tables[table] as Map<string, unknown>).set(row, value)
    }
    tables.written = new Set()
    end(transaction)
    hooks.committed(before, tables, transaction.startedAt)
    if (fate === 'unanswered') throw connectionLost()
  }

  const txOf = (transaction: Transaction): Tx => {
    const run = (sql: string, values: readonly unknown[]) => statement(transaction, statementOf(sql, values))
    return {
      $queryRawUnsafe: (sql: string, ...values: unknown[]) => run(sql, values),
      $executeRawUnsafe: (sql: string, ...values: unknown[]) => run(sql, values),
      ledgerEntry: {
        createManyAndReturn: ({ data }: { data: readonly object[] }) => run('createMany', data),
      },
    } as unknown as Tx
  }

  const database = (): Database => {
    const client = {} as Tx
    return {
      url: 'simulated',
      client: () => client,
      prisma: () => {
        throw new Error('not simulated')
      },
      recreate: () => {},
      close: () => Promise.resolve(),
      probe: () => call(() => true).catch(() => false),
      async transaction(work) {
        const owner = scheduler.current()
        const transaction = await call((): Transaction => {
          const now = scheduler.now()
          const begun = {
            ...{ owner, startedAt: now, tables: clone(tables), savepoints: new Map() },
            ...{ failed: false, ended: false, lastHeardAt: now },
          }
          open.add(begun)
          return begun
        })
        try {
          const result = await work(txOf(transaction))
          await call(() => commit(transaction))
          return result
        } catch (error) {
          await call(() => end(transaction)).catch(() => {})
          throw error
        }
      },
    }
  }

  const offsets: PositionStore = {
    load: (partitions) =>
      call(
        () =>
          new Map(
            partitions.flatMap((partition) => {
              const row = tables.consumer_offset.get(String(partition))
              return row ? [[partition, { nextOffset: row.nextOffset, topicId: null }] as const] : []
            }),
          ),
      ),
    insertIfAbsent: (rows) =>
      call(() => {
        tables = clone(tables)
        for (const { partition, nextOffset } of rows) {
          const key = String(partition)
          if (!tables.consumer_offset.has(key))
            tables.consumer_offset.set(key, { nextOffset, inserted: 0n, duplicate: 0n, deadLettered: 0n, ignored: 0n, absent: 0n }) // prettier-ignore
        }
      }),
  }

  return {
    database,
    offsets,
    faults,
    call,
    tables: () => tables,
    /** Its connections break: the server finds out, and rolls back. */
    disconnect(owner: Owner) {
      for (const transaction of [...open]) if (transaction.owner === owner) end(transaction)
    },
    /** Every session ends, as with a restart. */
    restart(ms: number, struck: Struck) {
      if (open.size > 0) struck()
      for (const transaction of [...open]) end(transaction)
      faults.down = { until: scheduler.now() + ms, struck }
    },
    /** The standby that takes over never got the newest transactions. */
    failOver(to: Tables, ms: number) {
      this.restart(ms, () => {})
      tables = to
    },
    /** When the gate was closed; null: it is open. */
    gate(): number | null {
      if (tables.gate !== null) gateStruck()
      return tables.gate
    },
    closeGate(struck: Struck) {
      tables = { ...clone(tables), gate: scheduler.now() }
      gateStruck = struck
    },
    openGate() {
      tables = { ...clone(tables), gate: null }
    },
    /** Somebody else's session holds a row. */
    lockFor(key: string, ms: number, struck: Struck) {
      const holder = { owner: null } as Transaction
      const release = () => {
        if (locks.wasWaitedFor(holder)) struck()
        locks.release(holder)
      }
      void locks.take(key, holder).then(() => scheduler.after(ms, null, release), () => {}) // prettier-ignore
    },
    heal() {
      Object.assign(faults, { down: null, slow: null, next: [], commit: null })
    },
  }
}
