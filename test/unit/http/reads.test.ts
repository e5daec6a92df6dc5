import { expect, test } from 'vitest'
import { createReads } from '../../../src/http/reads.ts'
import type { Database } from '../../../src/sink/database.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const open = () => {
  const { clock, run } = virtualClock()
  const said: string[] = []
  const tx = { $executeRawUnsafe: async (sql: string) => said.push(sql) }
  const database = { transaction: (work: (on: typeof tx) => Promise<unknown>) => work(tx) } as unknown as Database
  const reads = createReads(() => database, clock)
  const running = { now: 0, most: 0, done: 0 }
  const read = (ms: number) =>
    reads(async () => {
      running.now += 1
      running.most = Math.max(running.most, running.now)
      await clock.sleep(ms)
      running.now -= 1
      running.done += 1
      return 'read'
    }).catch((error: unknown) => (error as { code?: string }).code ?? 'failed')
  return { clock, run, reads, read, running, said }
}

test('one at a time, in turn; whoever has waited too long is told so, and reads nothing', async () => {
  const { run, read, running, said } = open()
  const answers = Promise.all([1_000, 4_000, 100, 100].map(read))
  await run(10_000)
  expect(await answers).toEqual(['read', 'read', 'BUSY', 'BUSY'])
  expect(running).toEqual({ now: 0, most: 1, done: 2 })
  const later = read(100)
  await run(100)
  expect(await later).toBe('read')
  expect(new Set(said)).toEqual(new Set(['SET LOCAL statement_timeout = 5000']))
})

test('a read that fails lets the next one in; one that PostgreSQL ended for its time is told as such', async () => {
  const { reads, read, run } = open()
  const canceled = () => Promise.reject(Object.assign(new Error('canceling'), { code: '57014', severity: 'ERROR' }))
  const slow = reads(canceled)
  await expect(slow).rejects.toMatchObject({ statusCode: 503, code: 'SLOW', remedy: 'ask for less of it' })
  await expect(reads(canceled, 20_000, 'count it elsewhere')).rejects.toMatchObject({
    remedy: 'count it elsewhere',
    message: expect.stringContaining('20 s') as string,
  })
  await expect(reads(() => Promise.reject(new Error('other')))).rejects.toThrow('other')
  const next = read(100)
  await run(100)
  expect(await next).toBe('read')
})
