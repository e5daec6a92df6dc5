import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase, type Database } from '../../src/sink/database.ts'
import { openTestDatabase, type TestDatabase } from '../support/sink.ts'
import { until } from '../support/until.ts'

let db: TestDatabase
let database: Database
let now = 0
let looks = 0
let waited: number[] = []
const waits = { now: () => ((looks += 1), now), tell: (ms: number) => void waited.push(ms) }
beforeAll(async () => {
  db = await openTestDatabase()
  database = createDatabase({ url: db.url, poolSize: 1, writer: 'fast', waits })
  await database.client().$queryRawUnsafe('SELECT 1')
})
afterAll(async () => {
  await database.close()
  await db.close()
})

/** Runs `work` while a transaction holds the only connection, for five seconds by the clock. */
const besides = async (work: () => Promise<unknown>) => {
  waited = []
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  let begun = () => {}
  const holding = new Promise<void>((resolve) => (begun = resolve))
  const first = database.transaction(async () => {
    begun()
    await released
  })
  await holding
  const before = looks
  const second = Promise.resolve().then(work) // Prisma begins when somebody waits
  await until('it to have asked for a connection', () => looks > before)
  return {
    settle: async (): Promise<readonly number[]> => {
      now += 5_000
      release()
      await Promise.allSettled([first, second])
      return waited
    },
    second,
  }
}

it.each<[string, () => Promise<unknown>]>([
  ['a statement', () => database.client().$queryRawUnsafe('SELECT 1')],
  ['a transaction', () => database.transaction((tx) => tx.$queryRawUnsafe('SELECT 1'))],
])('%s that finds no free connection tells how long it waited', async (_, work) => {
  const { settle, second } = await besides(work)
  expect(await settle()).toEqual([0, 5_000])
  await expect(second).resolves.toEqual([{ '?column?': 1 }])
})

it('one that gets none, too', async () => {
  waited = []
  const nowhere = createDatabase({ url: 'postgresql://u@127.0.0.1:1/d', poolSize: 1, writer: 'fast', waits })
  await expect(nowhere.client().$queryRawUnsafe('SELECT 1')).rejects.toThrow()
  expect(waited).toEqual([0])
  await nowhere.close()
})
