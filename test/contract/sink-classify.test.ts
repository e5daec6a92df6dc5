// The table of design §7 against errors that a real PostgreSQL, a real pool and Prisma produce.
import { createServer, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { causes, classifyError } from '../../src/sink/classify.ts'
import { createDatabase, type Database, type DatabaseOptions } from '../../src/sink/database.ts'
import { explainDatabaseError } from '../../src/sink/explain.ts'
import { openTestDatabase, type TestDatabase } from '../support/sink.ts'

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => {
      throw new Error('this should have failed')
    },
    (error: unknown) => error,
  )

const gate = () => {
  let go = () => {}
  const done = new Promise<void>((resolve) => (go = resolve))
  return { go, done }
}

describe('an error of the real thing', () => {
  let db: TestDatabase
  let database: Database
  const opened: Database[] = []
  const open = (options: Partial<DatabaseOptions> = {}) => {
    const made = createDatabase({ url: db.url, poolSize: 2, writer: 'fast', ...options })
    opened.push(made)
    return made
  }
  const raise = (sqlstate: string) =>
    failure(database.client().$executeRawUnsafe(`DO $$ BEGIN RAISE SQLSTATE '${sqlstate}'; END $$`))
  beforeAll(async () => {
    db = await openTestDatabase()
    database = open()
  })
  afterAll(async () => {
    await Promise.all(opened.map((made) => made.close()))
    await db.close()
  })

  it.each([
    [
      'row',
      [
        '22003',
        '22021',
        '22P02',
        '22001',
        '23502',
        '23503',
        '23514',
        '23505',
        '54000',
        '21000',
        'P0001',
        '23P01',
        '44000',
      ],
    ],
    [
      'transient',
      [
        '40001',
        '40P01',
        '55P03',
        '57014',
        '08006',
        '08003',
        '53100',
        '53200',
        '53300',
        '58030',
        '25006',
        '25P03',
        '25P04',
        '57P01',
        '57P03',
        '57P04',
        '57P05',
      ],
    ],
    ['fatal', ['42P01', '42703', '42501', '28000', '28P01', '3D000', '0A000', 'XX000', '25P02', 'ZZ001']],
  ] as const)('is %s by its SQLSTATE, in and outside a transaction', async (fate, sqlstates) => {
    for (const sqlstate of sqlstates) {
      expect(classifyError(await raise(sqlstate))).toEqual({ fate, sqlstate, code: sqlstate })
      const inside = failure(
        database.transaction((tx) => tx.$executeRawUnsafe(`DO $$ BEGIN RAISE SQLSTATE '${sqlstate}'; END $$`)),
      )
      expect(classifyError(await inside)).toEqual({ fate, sqlstate, code: sqlstate })
    }
  })

  it('is transient when a statement, a lock or an idle transaction takes too long', async () => {
    const quick = open({ statementTimeoutMs: 300, lockTimeoutMs: 100, idleInTransactionTimeoutMs: 200 })
    const sleepy = await failure(quick.client().$executeRawUnsafe('SELECT pg_sleep(5)'))
    expect(classifyError(sleepy)).toMatchObject({ fate: 'transient', sqlstate: '57014' })

    const idle = await failure(
      quick.transaction(async (tx) => {
        const [me] = await tx.$queryRawUnsafe<{ pid: number }[]>('SELECT pg_backend_pid() AS pid')
        const alive = () => db.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [me?.pid])
        await expect.poll(alive, { timeout: 5_000 }).toEqual([])
        await tx.$executeRawUnsafe('SELECT 1')
      }),
    )
    expect(['transient', 'unknown']).toContain(classifyError(idle).fate)

    await database.transaction(async (tx) => {
      await tx.$executeRawUnsafe('LOCK TABLE inventory IN ACCESS EXCLUSIVE MODE')
      const locked = await failure(quick.client().$executeRawUnsafe('SELECT 1 FROM inventory'))
      expect(classifyError(locked)).toMatchObject({ fate: 'transient', sqlstate: '55P03' })
    })
  })

  it('is a deadlock, for one of two', async () => {
    await db.query('INSERT INTO inventory VALUES (1, 0), (2, 0)')
    const step = (tx: Parameters<Parameters<Database['transaction']>[0]>[0], id: number) =>
      tx.$executeRawUnsafe(`UPDATE inventory SET quantity = 1 WHERE item_id = ${id}`)
    const ready = [gate(), gate()]
    const cross = (mine: number, yours: number) =>
      database.transaction(async (tx) => {
        await step(tx, mine)
        ready[mine - 1]!.go()
        await ready[yours - 1]!.done
        await step(tx, yours)
      })
    const results = await Promise.allSettled([cross(1, 2), cross(2, 1)])
    const errors = results.flatMap((r) => (r.status === 'rejected' ? [classifyError(r.reason)] : []))
    expect(errors).toEqual([{ fate: 'transient', sqlstate: '40P01', code: '40P01' }])
  })

  it('has an unknown outcome, or is transient, when the session is killed; a fresh pool then works', async () => {
    const mine = open({ applicationName: 'victim' })
    const victim = mine.client()
    const error = await failure(
      mine.transaction(async (tx) => {
        const [me] = await tx.$queryRawUnsafe<{ pid: number }[]>('SELECT pg_backend_pid() AS pid')
        await db.query('SELECT pg_terminate_backend($1)', [me?.pid])
        await expect.poll(() => db.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [me?.pid])).toEqual([])
        await tx.$executeRawUnsafe('SELECT 1')
      }),
    )
    expect(['transient', 'unknown']).toContain(classifyError(error).fate)
    mine.recreate(victim)
    expect(mine.client()).not.toBe(victim)
    const second = mine.client()
    mine.recreate(victim)
    expect(mine.client()).toBe(second)
    expect(await mine.client().$queryRawUnsafe('SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  it('has an unknown outcome when Prisma ends the transaction, or finds no connection in time', async () => {
    const short = open({ transactionTimeoutMs: 200, maxWaitMs: 100, poolSize: 1 })
    const slow = failure(
      short.transaction((tx) =>
        tx.$executeRawUnsafe('SELECT pg_sleep(0.5)').then(() => tx.$executeRawUnsafe('SELECT 1')),
      ),
    )
    expect(classifyError(await slow)).toEqual({ fate: 'unknown', sqlstate: null, code: 'P2028' })
    const waiting = await database.transaction(async () => {
      const holder = short.transaction((tx) => tx.$executeRawUnsafe('SELECT pg_sleep(0.4)'))
      const second = failure(short.transaction((tx) => tx.$executeRawUnsafe('SELECT 1')))
      await holder.catch(() => {})
      return second
    })
    expect(classifyError(waiting).fate).toBe('unknown')
  })

  it('is unknown when nobody listens, or nobody answers', async () => {
    const nobody = open({ url: 'postgresql://u:geheim@127.0.0.1:1/x' })
    const refused = await failure(nobody.client().$queryRawUnsafe('SELECT 1'))
    expect(classifyError(refused).fate).toBe('unknown')
    expect(classifyError(await failure(nobody.transaction((tx) => tx.$queryRawUnsafe('SELECT 1')))).fate).toBe(
      'unknown',
    )
    expect(await nobody.probe()).toBe(false)

    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const mute = open({
      url: `postgresql://u:p@127.0.0.1:${(silent.address() as AddressInfo).port}/x`,
      connectTimeoutMs: 300,
    })
    expect(classifyError(await failure(mute.client().$queryRawUnsafe('SELECT 1'))).fate).toBe('unknown')
    expect(classifyError(await failure(mute.transaction((tx) => tx.$queryRawUnsafe('SELECT 1')))).fate).toBe('unknown')
    silent.close()
  })

  it('is fatal when the call itself is wrong', async () => {
    const wrong = database.client().ledgerEntry.createMany({ data: [{}] } as never)
    expect(classifyError(await failure(wrong)).fate).toBe('fatal')
    const stock = open({ writer: 'stock' })
    const invalid = await failure(stock.client().ledgerEntry.createMany({ data: [{ colour: 1 }] } as never))
    expect(classifyError(invalid)).toEqual({ fate: 'fatal', sqlstate: null, code: 'PrismaClientValidationError' })
    expect(classifyError(new TypeError('x')).fate).toBe('fatal')
    expect(classifyError('x').fate).toBe('fatal')
  })

  it('probes a fresh connection, and says no to a read-only server', async () => {
    expect(await database.probe()).toBe(true)
    const readOnly = new URL(db.url)
    readOnly.searchParams.set('options', '-c default_transaction_read_only=on')
    const replica = open({ url: readOnly.href })
    expect(await replica.probe()).toBe(false)
    const error = await failure(replica.client().$executeRawUnsafe('DELETE FROM inventory'))
    expect(classifyError(error)).toMatchObject({ fate: 'transient', sqlstate: '25006' })
  })

  it('is explained to an operator, without the password', async () => {
    const at = (change: (url: URL) => void) => {
      const url = new URL(db.url)
      change(url)
      return url.href
    }
    const explain = async (url: string, sql = 'SELECT 1') => {
      const error = await failure(open({ url }).client().$queryRawUnsafe(sql))
      return explainDatabaseError(error, url)
    }
    const missing = await explain(at((url) => (url.pathname = '/nowhere')))
    expect(missing?.message).toMatch(/"nowhere" does not exist/)
    expect(missing?.remedy).toMatch(/createdb nowhere/)
    const tables = await explain(db.url, 'SELECT * FROM nothing')
    expect(tables).toMatchObject({ remedy: 'run `sluice migrate`' })
    await db.query("CREATE ROLE stranger LOGIN PASSWORD 'Geh3im'")
    const denied = await explain(
      at((url) => {
        url.username = 'stranger'
        url.password = 'Geh3im'
      }),
      'SELECT * FROM inventory',
    )
    expect(denied?.message).toMatch(/"stranger" lacks a permission/)
    const gone = await explain('postgresql://u:Geh3im@127.0.0.1:1/x')
    expect(gone?.message).toMatch(/cannot be reached at 127.0.0.1:1/)
    for (const said of [missing, tables, denied, gone]) expect(`${said?.message} ${said?.remedy}`).not.toMatch(/Geh3im/)
    expect(explainDatabaseError(new TypeError('x'), db.url)).toBeNull()
    await db.query('DROP ROLE stranger')
    expect([...causes(denied)].length).toBeGreaterThan(1)
  })
})
