// 100,000 dead letters over HTTP: paged to the end, found, counted; no answer is larger than its bound, and no page reads the table.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createGroup } from '../../src/http/group.ts'
import { createReads } from '../../src/http/reads.ts'
import type { RouteDeps } from '../../src/http/route.ts'
import { addRoutes } from '../../src/http/routes.ts'
import { type HttpServer, serveHttp } from '../../src/http/server.ts'
import { ALL_LETTERS, type LetterFilter } from '../../src/dead-letters/letter-filter.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLetterStore } from '../../src/sink/letter-store.ts'
import { beyond, createParams, whereOf } from '../../src/sink/letter-where.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { GROUP, openSink, type OpenSink, openTestDatabase, type TestDatabase, TOPIC } from '../support/sink.ts'

const MANY = 100_000
/** Of 500 letters with fields as long as they get. */
const PAGE_BYTES = 2 * 1024 * 1024
/** A record of megabytes: its beginnings, and 1 MiB each of key and value as base64. */
const LETTER_BYTES = 3 * 1024 * 1024

let db: TestDatabase
let open: OpenSink
let server: HttpServer
const token = 'a-token-of-this-test'
beforeAll(async () => {
  db = await openTestDatabase()
  open = openSink(db.url)
  await fill()
  server = await serve()
}, 120_000)
afterAll(async () => {
  await server.close()
  await open.close()
  await db.close()
})

/** One a second, the newest now; of 200 pages the newest has the longest fields, and the very newest a record of megabytes. */
const fill = async () => {
  const columns: Record<string, string> = {
    id: `encode(sha256(('letter ' || i)::bytea), 'hex')`,
    ...{ group_id: `'${GROUP}'`, topic: `'${TOPIC}'`, partition: 'i % 4', record_offset: 'i', headers: `'[]'::bytea` },
    key: `CASE i WHEN 1 THEN convert_to(repeat('k', 3000000), 'UTF8') ELSE ('key ' || i)::bytea END`,
    value: `CASE i WHEN 1 THEN convert_to(repeat('"', 3000000), 'UTF8') ELSE ('value ' || i)::bytea END`,
    stage: `CASE WHEN i % 5000 = 0 THEN 'decode' ELSE 'write' END`,
    code: `CASE WHEN i % 5000 = 0 THEN 'JSON_INVALID' ELSE 'ROW_REJECTED' END`,
    message: `repeat('m', CASE WHEN i <= 500 THEN 256 ELSE 10 END)`,
    path: `repeat('p', CASE WHEN i <= 500 THEN 256 ELSE 10 END)`,
    user_id: `CASE WHEN i <= 500 THEN repeat('u', 200) ELSE 'user-' || i % 5000 END`,
    invoice_id: `CASE WHEN i % 3 = 0 THEN NULL WHEN i <= 500 THEN repeat('i', 200) ELSE 'inv-' || i / 10 END`,
    status: `CASE WHEN i % 2000 = 0 THEN 'parked' WHEN i % 10 = 0 THEN 'open' ELSE 'resolved' END`,
    ...{ failed_at: 'now()', published_at: 'now()', created_at: `now() - i * interval '1 second'` },
  }
  await db.query(`INSERT INTO dead_letter (${Object.keys(columns).join(', ')})
    SELECT ${Object.values(columns).join(', ')} FROM generate_series(1, ${MANY}) i`)
  await db.query('ANALYZE dead_letter')
}

const serve = () => {
  const reads = createReads(() => open.database, systemClock)
  const store = createLetterStore({ database: open.database, groupId: GROUP })
  const none = () => Promise.resolve([])
  const group = createGroup(
    {
      ...{ members: none, offsets: none, now: () => store.now(), letters: () => store.stats(ALL_LETTERS, 'code') },
      gate: () => Promise.resolve({ closure: null, actor: null, allowance: 0n }),
      own: () => ({ memberId: 'm', partitions: [], unansweredMs: 12 }),
    },
    systemClock,
  )
  const deps = {
    ...{ config: { groupId: GROUP, topic: TOPIC, dlqTopic: 'd' }, database: () => open.database, reads, group, token },
    ...{ clock: systemClock, memberId: 'm', ending: () => {} },
  } as unknown as RouteDeps
  const health = () => ({ live: true, ready: true, reasons: [] })
  const parts = { health, clock: systemClock, log: createLog('silent') }
  return serveHttp({ host: '127.0.0.1', port: 0 }, { ...parts, routes: (app) => addRoutes(app, deps) })
}

const ask = async <T>(path: string, bound: number): Promise<T> => {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { authorization: `Bearer ${token}` } }) // prettier-ignore
  const text = await response.text()
  expect(response.status, text.slice(0, 500)).toBe(200)
  expect(Buffer.byteLength(text), path).toBeLessThan(bound)
  return JSON.parse(text) as T
}

type Page = { letters: { id: string; offset: number; createdAt: string }[]; next: string | null }
const page = (query: string) => ask<Page>(`/api/dead-letters?${query}`, PAGE_BYTES)
const offsetsTo = async (query: string) => {
  const [offsets, sizes]: [number[], number[]] = [[], []]
  for (let next: string | null = ''; next !== null;) {
    const found: Page = await page(next === '' ? query : `${query}&after=${next}`)
    offsets.push(...found.letters.map(({ offset }) => offset))
    sizes.push(found.letters.length)
    expect(found.next).toBe(sizes.length * 500 < MANY && found.letters.length === 500 ? found.letters.at(-1)?.id : null)
    next = found.next
  }
  return { offsets, sizes }
}

it('pages of 500, the newest first: each letter once, and the last page has no next', async () => {
  const { offsets, sizes } = await offsetsTo('limit=500')
  expect(sizes).toEqual(Array.from({ length: MANY / 500 }, () => 500))
  expect(offsets).toEqual(Array.from({ length: MANY }, (_, at) => at + 1))
}, 120_000)

it.each([
  ['code=JSON_INVALID', 20],
  ['status=parked', 50],
  ['stage=decode', 20],
  ['user=user-777', 20],
  ['invoice=inv-500', 7],
  ['code=QUANTITY_ZERO', 0],
  ['status=parked&user=user-777', 0],
  ['status=parked&user=user-2000', 10],
])('%s: %i letters, no next', async (query, count) => {
  const { letters, next } = await page(`limit=500&${query}`)
  expect({ count: letters.length, next }).toEqual({ count, next: null })
})

it('counts are of all of them', async () => {
  type Stats = { rows: { code?: string; total: number }[]; total: Record<string, number> }
  for (const query of ['', '?status=open&status=parked&status=resolved']) {
    const { rows, total } = await ask<Stats>(`/api/dead-letters/stats${query}`, 10_000)
    expect(rows.map(({ code, total: count }) => [code, count])).toEqual([['ROW_REJECTED', MANY - 20], ['JSON_INVALID', 20]]) // prettier-ignore
    expect(total).toMatchObject({ total: MANY, parked: 50, open: 9_950, resolved: 90_000, unpublished: 0 })
  }
  const { deadLetters } = await ask<{ deadLetters: object }>('/api/state', 10_000)
  expect(deadLetters).toMatchObject({ unresolved: 10_000, lastHour: expect.any(Number) as number })
})

it('one letter: a record of megabytes is shown in part', async () => {
  const { letters } = await page('limit=1')
  type Letter = { record: { cut: boolean; value: { bytes: number } } }
  const { record } = await ask<Letter>(`/api/dead-letters/${letters[0]!.id}`, LETTER_BYTES)
  expect(record).toMatchObject({ cut: true, value: { bytes: 3_000_000 } })
})

/** What PostgreSQL read for it, in rows and index entries that were looked at. */
const planOf = async (filter: Partial<LetterFilter>, offset: number | null) => {
  const params = createParams()
  const [cursor = null] = offset === null ? [] : await db.query<{ createdAt: Date; id: string }>(`SELECT created_at AS "createdAt", id FROM dead_letter WHERE record_offset = ${offset}`) // prettier-ignore
  const where = whereOf(params, GROUP, { ...ALL_LETTERS, ...filter }) + beyond(params, cursor, '<')
  const sql = `EXPLAIN (ANALYZE, BUFFERS) SELECT d.id FROM dead_letter d WHERE ${where} ORDER BY d.created_at DESC, d.id DESC LIMIT 51`
  const lines = (await db.query<{ 'QUERY PLAN': string }>(sql, params.values)).map((row) => row['QUERY PLAN'])
  return { text: lines.join('\n'), buffers: Number(/shared hit=(\d+)/.exec(lines.join('\n'))?.[1] ?? 0) }
}

/** Pages of 8 KiB; the table has thousands. For an invoice of whatever user the index of users is read, for all else a few. */
const MOST_BUFFERS = 700

it.each<[string, Partial<LetterFilter>, number | null]>([
  ['all', {}, null],
  ['all, in the middle', {}, 50_000],
  ['all, near the end', {}, 99_900],
  ['a rare code', { codes: ['JSON_INVALID'] }, null],
  ['a common code, in the middle', { codes: ['ROW_REJECTED'] }, 50_000],
  ['a rare status', { statuses: ['parked'] }, null],
  ['a user', { userId: 'user-777' }, null],
  ['an invoice', { invoiceId: 'inv-500' }, null],
  ['an invoice of a user', { userId: 'user-777', invoiceId: 'inv-500' }, null],
])('a page of %s is found by an index', async (_, filter, offset) => {
  const { text, buffers } = await planOf(filter, offset)
  expect(text).not.toContain('Seq Scan')
  expect(buffers, text).toBeLessThan(MOST_BUFFERS)
})
