// How long the pool lets one wait for a connection. Neither Prisma nor pg says: pg's pool is asked through one method, for
// transactions (a promise) and for single statements (a callback).
import type { PrismaPg } from '@prisma/adapter-pg'
import type pg from 'pg'

export type Waits = { readonly now: () => number; readonly tell: (ms: number) => void }

/** The same adapter; each pool that it opens tells. */
export function withWaits<A extends PrismaPg>(adapters: A, waits: Waits): A {
  const open = adapters.connect.bind(adapters)
  adapters.connect = async () => {
    const adapter = await open()
    watch(adapter.underlyingDriver(), waits)
    return adapter
  }
  return adapters
}

type Callback = Parameters<pg.Pool['connect']>[0]
type Connect = { (): Promise<pg.PoolClient>; (callback: Callback): void }

function watch(pool: { connect: Connect }, { now, tell }: Waits) {
  const connect = pool.connect.bind<Connect>(pool)
  function timed(): Promise<pg.PoolClient>
  function timed(callback: Callback): void
  function timed(callback?: Callback): Promise<pg.PoolClient> | void {
    const asked = now()
    if (!callback) return connect().finally(() => tell(now() - asked))
    connect((...answer) => {
      tell(now() - asked)
      callback(...answer)
    })
  }
  pool.connect = timed
}
