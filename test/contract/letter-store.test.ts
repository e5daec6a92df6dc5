// Dead letters on a real PostgreSQL: found, marked, discarded, purged; by several at once, and by 200,000.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { replay, type ReplayRecord, type ReplayStore } from '../../src/dead-letters/replay.ts'
import { ALL_LETTERS, type Cursor, type LetterFilter } from '../../src/dead-letters/letter-filter.ts'
import { type DeadLetterStatus, nextStatus, STATUSES } from '../../src/dead-letters/life-cycle.ts'
import { sweep } from '../../src/dead-letters/sweep.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLetterChanges } from '../../src/sink/letter-change.ts'
import { createReplayLetters, type ReplaySelection } from '../../src/sink/letter-replay.ts'
import { createLetterStore } from '../../src/sink/letter-store.ts'
import { keyIs } from '../../src/sink/letter-where.ts'
import { GROUP, openSink, type OpenSink, openTestDatabase, type TestDatabase, TOPIC } from '../support/sink.ts'

let db: TestDatabase
let open: OpenSink
beforeAll(async () => {
  db = await openTestDatabase()
  open = openSink(db.url)
})
afterAll(async () => {
  await open.close()
  await db.close()
})
beforeEach(async () => void (await db.query('TRUNCATE dead_letter, audit_entry')))

const sha = (value: Buffer | string) => createHash('sha256').update(value).digest()
const idOf = (n: number) => sha(`letter ${n}`).toString('hex')

/** `count` letters, one a second, the last one a minute ago; `columns` are SQL over `i`. */
const fill = (count: number, columns: Record<string, string> = {}) => {
  const all: Record<string, string> = {
    id: `encode(sha256(('letter ' || i)::bytea), 'hex')`,
    ...{ group_id: `'${GROUP}'`, topic: `'${TOPIC}'`, partition: 'i % 4', record_offset: 'i', headers: `'[]'::bytea` },
    ...{ key: `('inv-' || i)::bytea`, value: `('value ' || i)::bytea`, stage: `'write'`, code: `'ROW_REJECTED'` },
    ...{ message: `'m'`, failed_at: 'now()', published_at: 'now()', status: `'open'` },
    created_at: `now() - interval '1 minute' - (${count} - i) * interval '1 second'`,
    ...columns,
  }
  const sql = `INSERT INTO dead_letter (${Object.keys(all).join(', ')})
    SELECT ${Object.values(all).join(', ')} FROM generate_series(1, ${count}) i`
  return db.query(sql)
}
const statuses = async () => {
  const rows = await db.query<{ id: string; status: DeadLetterStatus }>('SELECT id, status FROM dead_letter')
  return new Map(rows.map(({ id, status }) => [id, status]))
}
const audits = () => db.query<{ action: string; detail: Record<string, unknown> }>('SELECT action, detail FROM audit_entry ORDER BY id') // prettier-ignore
const store = (groupId = GROUP) => createLetterStore({ database: open.database, groupId })
const only = (over: Partial<LetterFilter>): LetterFilter => ({ ...ALL_LETTERS, ...over })

const numbersOf = (letters: readonly { recordOffset: bigint }[]) =>
  letters.map(({ recordOffset }) => Number(recordOffset))

describe('looking', () => {
  it('by a key is answered by an index, and none is a hash: one key may be that of all letters', async () => {
    await fill(2_000)
    await db.query('ANALYZE dead_letter')
    const plan = await db.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT FROM dead_letter d WHERE d.invoice_id IS NULL AND ${keyIs('d', "'inv-6'")}`,
    )
    expect(plan.map((row) => row['QUERY PLAN']).join()).toContain('dead_letter_key')
    const methods = await db.query<{ amname: string }>(`
      SELECT DISTINCT amname FROM pg_index x JOIN pg_class c ON c.oid = indexrelid JOIN pg_am a ON a.oid = relam
      WHERE indrelid = 'dead_letter'::regclass`)
    expect(methods).toEqual([{ amname: 'btree' }])
  })
  it('pages newest first: every letter once, those of one instant too', async () => {
    await fill(100, { created_at: `now() - (i % 7) * interval '1 minute'` })
    const seen: string[] = []
    let after: Cursor | null = null
    for (;;) {
      const page = await store().page(ALL_LETTERS, after, 9)
      seen.push(...page.map(({ id }) => id))
      after = page.at(-1) ?? null
      if (page.length < 9) break
    }
    const expected = await db.query<{ id: string }>('SELECT id FROM dead_letter ORDER BY created_at DESC, id DESC')
    expect(seen).toEqual(expected.map(({ id }) => id))
  })

  it.each<[string, Partial<LetterFilter>, number[]]>([
    ['codes', { codes: ['ROW_REJECTED', 'JSON_INVALID'] }, [12, 11, 10, 9, 6, 5, 4, 3]],
    ['stages', { stages: ['decode'] }, [12, 9, 6, 3]],
    ['statuses', { statuses: ['parked', 'discarded'] }, [12, 8, 4]],
    ['user', { userId: 'u-1' }, [11, 9, 7, 5, 3, 1]],
    ['invoice, also by the key of what could not be read', { invoiceId: 'inv-6' }, [7, 6]],
    ['topic', { topic: 'other' }, [10, 5]],
    ['since and until', { since: new Date('2026-01-05'), until: new Date('2026-01-08') }, [7, 6, 5]],
    ['all together', { codes: ['EVENT_ID_CONFLICT'], userId: 'u-1', since: new Date('2026-01-02') }, [7]],
    ['nothing', { ids: [] }, []],
  ])('filters: %s', async (_, filter, expected) => {
    await fill(12, {
      code: `CASE WHEN i % 3 = 0 THEN 'JSON_INVALID' WHEN i IN (4, 5, 10, 11) THEN 'ROW_REJECTED' ELSE 'EVENT_ID_CONFLICT' END`,
      stage: `CASE WHEN i % 3 = 0 THEN 'decode' ELSE 'write' END`,
      status: `CASE WHEN i % 4 = 0 THEN 'parked' ELSE 'open' END`,
      user_id: `CASE WHEN i % 2 = 1 THEN 'u-1' END`,
      invoice_id: `CASE WHEN i % 2 = 1 THEN 'inv-' || i - 1 END`,
      topic: `CASE WHEN i % 5 = 0 THEN 'other' ELSE '${TOPIC}' END`,
      created_at: `timestamptz '2026-01-01' + (i - 1) * interval '1 day'`,
    })
    expect(numbersOf(await store().page(only(filter), null, 100))).toEqual(expected)
    expect(await store().count(only(filter))).toBe(expected.length)
  })

  it('an id may be shortened; other groups have letters of their own', async () => {
    await fill(50)
    const id = idOf(17)
    expect(await store().idsWithPrefix(id.slice(0, 8), 5)).toEqual([id])
    expect(await store().idsWithPrefix(id, 5)).toEqual([id])
    const [first = ''] = [...(await statuses()).keys()].sort()
    expect((await store().idsWithPrefix(first.slice(0, 1), 3)).length).toBeGreaterThan(0)
    expect(await store('other').idsWithPrefix(id, 5)).toEqual([])
    expect([await store('other').get(id), await store('other').count(ALL_LETTERS)]).toEqual([null, 0])
    expect(await store().get(id)).toMatchObject({ id, value: Buffer.from('value 17'), replayClaimedUntil: null })
  })

  it('stats add up, by code and by topic', async () => {
    await fill(20, {
      code: `CASE WHEN i <= 15 THEN 'ROW_REJECTED' ELSE 'JSON_INVALID' END`,
      stage: `CASE WHEN i <= 15 THEN 'write' ELSE 'decode' END`,
      status: `(array['open', 'replayed', 'resolved', 'parked', 'discarded'])[i % 5 + 1]`,
      published_at: 'CASE WHEN i <> 3 THEN now() END',
      created_at: `now() - CASE WHEN i <= 6 THEN interval '30 minutes' WHEN i <= 10 THEN interval '90 minutes' ELSE interval '5 days' END`,
    })
    const [rows, json] = await store().stats(ALL_LETTERS, 'code')
    const each = { open: 3, replayed: 3, resolved: 3, parked: 3, discarded: 3 }
    expect(rows).toMatchObject({ code: 'ROW_REJECTED', stage: 'write', total: 15, ...each, lastHour: 6, hourBefore: 4, unpublished: 1 }) // prettier-ignore
    expect(json).toMatchObject({ code: 'JSON_INVALID', total: 5, open: 1, lastHour: 0, hourBefore: 0 })
    expect(Date.now() - (rows?.oldestOpen?.getTime() ?? 0)).toBeGreaterThan(4 * 86_400_000)
    expect(await store().stats(only({ statuses: ['open'] }), 'topic')).toMatchObject([{ topic: TOPIC, total: 4, resolved: 0 }]) // prettier-ignore
    expect(await store('other').stats(ALL_LETTERS, 'code')).toEqual([])
  })
})

const selectionOf = async (over: Partial<ReplaySelection> = {}): Promise<ReplaySelection> => ({
  ...{ filter: ALL_LETTERS, again: false, began: await store().now(), edit: null },
  ...over,
})
const letters = async (over: Partial<ReplaySelection> = {}) =>
  createReplayLetters({ database: open.database, groupId: GROUP, selection: await selectionOf(over) })
const row = async (n: number) => (await db.query('SELECT status, replay_count AS count, replay_hash AS hash, replay_sent_at AS sent, replay_claimed_until AS claim FROM dead_letter WHERE id = $1', [idOf(n)]))[0]! // prettier-ignore

const runReplay = (store: ReplayStore, wanted: number, send: (records: readonly ReplayRecord[]) => Promise<void>) =>
  replay({
    ...{ store, isTooLarge: () => false, partitions: new Map([[TOPIC, 4]]), clock: systemClock, wanted },
    ...{ signal: new AbortController().signal, rate: null, edit: null, onProgress: () => {} },
    send: (_, records) => send(records),
  })

describe('marking for replay', () => {
  it('open letters, oldest first: marked, leased, and known by their hash until they are acknowledged', async () => {
    await fill(3, { value: `CASE WHEN i <> 2 THEN ('value ' || i)::bytea END` })
    const all = await letters()
    expect(await all.count()).toEqual([{ topic: TOPIC, code: 'ROW_REJECTED', ready: 3, lost: 0 }])
    const marked = await all.mark(null, 2)
    expect(marked.map(({ id, replayCount }) => [id, replayCount])).toEqual([[idOf(1), 1], [idOf(2), 1]]) // prettier-ignore
    expect(await row(1)).toMatchObject({ status: 'replayed', count: 1, hash: sha('value 1'), sent: null })
    expect(await row(2)).toMatchObject({ hash: sha('') })
    expect(((await row(1))['claim'] as Date).getTime()).toBeGreaterThan(Date.now() + 30_000)
    await all.markSent(marked)
    expect(await row(1)).toMatchObject({ status: 'replayed', count: 1, sent: expect.any(Date) as Date, claim: null })
    expect((await all.mark(marked.at(-1) ?? null, 9)).map(({ id }) => id)).toEqual([idOf(3)])
  })

  it.each<[string, Partial<ReplaySelection>, DeadLetterStatus[]]>([
    ['by filters only open ones', {}, ['open']],
    ['by id parked ones too', { filter: only({ ids: [1, 2, 3, 4, 5].map(idOf) }) }, ['open', 'parked']],
    ['by status parked ones', { filter: only({ statuses: ['parked'] }) }, ['parked']],
    ['replayed ones only again', { again: true }, ['open', 'replayed']],
    ['by status alone not even those', { filter: only({ statuses: ['replayed'] }) }, []],
    ['never more', { again: true, filter: only({ ids: [1, 2, 3, 4, 5].map(idOf) }) }, ['open', 'replayed', 'parked']],
    ['whatever is asked for', { again: true, filter: only({ statuses: ['resolved', 'discarded'] }) }, []],
  ])('%s', async (_, selection, expected) => {
    await fill(5, {
      status: `(array['open', 'replayed', 'resolved', 'parked', 'discarded'])[i]`,
      replay_sent_at: `now() - interval '1 hour'`,
    })
    const before = await statuses()
    const marked = await (await letters(selection)).mark(null, 10)
    expect(new Set(marked.map(({ id }) => before.get(id)))).toEqual(new Set(expected))
    for (const [id, status] of await statuses()) {
      const was = before.get(id)!
      expect(status).toBe(expected.includes(was) ? nextStatus(was, 'replay') : was)
    }
  })

  it('one that was marked and never acknowledged is the same attempt, once its lease is over', async () => {
    await fill(1)
    const [first] = await (await letters()).mark(null, 1)
    expect(await (await letters()).mark(null, 1)).toEqual([])
    await db.query(`UPDATE dead_letter SET replay_claimed_until = now() - interval '1 second'`)
    const again = await letters()
    expect(await again.count()).toMatchObject([{ ready: 1 }])
    const [second] = await again.mark(null, 1)
    expect(second).toEqual({ ...first, headers: [] })
    expect(await row(1)).toMatchObject({ count: 1, status: 'replayed' })
  })

  it('a failed send gives it back at once', async () => {
    await fill(1)
    const all = await letters()
    await all.release(await all.mark(null, 1))
    expect(await (await letters()).mark(null, 1)).toHaveLength(1)
  })

  it('an edited one that was broken off is not sent unedited by a bulk replay, but by name', async () => {
    await fill(1)
    const edit = Buffer.from('{"mended": true}')
    const edited = await letters({ edit, filter: only({ ids: [idOf(1)] }) })
    await edited.release(await edited.mark(null, 1))
    expect(await row(1)).toMatchObject({ hash: sha(edit) })
    expect(await (await letters()).mark(null, 1)).toEqual([])
    expect(await (await letters({ edit, filter: only({ ids: [idOf(1)] }) })).mark(null, 1)).toMatchObject([{ replayCount: 1 }]) // prettier-ignore
  })

  it('a letter without its value is counted and passed by; an edited one stands in', async () => {
    await fill(2, { value: 'NULL', value_sha256: `CASE WHEN i = 1 THEN sha256('') END` })
    const all = await letters()
    expect(await all.count()).toMatchObject([{ ready: 1, lost: 1 }])
    expect((await all.mark(null, 5)).map(({ id }) => id)).toEqual([idOf(2)])
    const edited = await letters({ edit: Buffer.from('{}'), filter: only({ ids: [idOf(1)] }) })
    expect(await edited.mark(null, 5)).toHaveLength(1)
  })

  it('refused by the topic for its size: open again, and parked the third time', async () => {
    await fill(2, { replay_count: 'CASE WHEN i = 1 THEN 2 ELSE 0 END' })
    const all = await letters()
    await all.refuse(await all.mark(null, 2))
    expect([await row(1), await row(2)]).toMatchObject([{ status: 'parked', count: 3 }, { status: 'open', count: 1 }]) // prettier-ignore
  })

  it('an acknowledgement that comes late changes neither a resolved letter nor the next replay', async () => {
    await fill(2)
    const all = await letters()
    const marked = await all.mark(null, 2)
    await db.query(`UPDATE dead_letter SET status = 'resolved' WHERE id = $1`, [idOf(1)])
    await db.query(`UPDATE dead_letter SET replay_count = 2 WHERE id = $1`, [idOf(2)])
    await all.refuse(marked)
    await all.markSent(marked)
    expect([await row(1), await row(2)]).toMatchObject([
      { status: 'resolved', sent: expect.any(Date) as Date },
      { status: 'replayed', sent: null },
    ])
  })

  it('what fails again while we run is not sent twice by the same run, nor what came in since', async () => {
    await fill(3)
    const all = await letters()
    const marked = await all.mark(null, 2)
    await all.markSent(marked)
    await db.query(`UPDATE dead_letter SET status = 'open' WHERE status = 'replayed'`)
    await db.query(`UPDATE dead_letter SET created_at = now() + interval '1 second' WHERE id = $1`, [idOf(3)])
    expect(await all.mark(null, 9)).toEqual([])
    expect(await all.count()).toEqual([])
  })

  it('a chunk is bounded in bytes, and one large letter passes alone', async () => {
    await fill(5, { value: `decode(repeat('00', 3000000), 'hex')` })
    const all = await letters()
    const first = await all.mark(null, 5)
    expect(first.map(({ id }) => id)).toEqual([1, 2, 3].map(idOf))
    expect((await all.mark(first.at(-1) ?? null, 5)).map(({ id }) => id)).toEqual([4, 5].map(idOf))
  })

  it('two replays at once, with a relay that holds locks: each letter is sent once', async () => {
    await fill(3_000)
    const sent: string[] = []
    const other = openSink(db.url)
    try {
      const held = other.database.transaction(async (tx) => {
        await tx.$queryRawUnsafe(`SELECT id FROM dead_letter WHERE record_offset % 10 = 0 FOR UPDATE`)
        await systemClock.sleep(150)
      })
      const one = async (database: OpenSink['database']) => {
        const selection = await selectionOf()
        const both = createReplayLetters({ database, groupId: GROUP, selection })
        return runReplay(both, 3_000, async (records) => {
          for (const { value } of records) sent.push(String(value))
        })
      }
      const [a, b] = await Promise.all([one(open.database), one(other.database), held])
      expect(a.sent + b.sent).toBe(3_000)
      expect(Math.min(a.sent, b.sent)).toBeGreaterThan(0)
      expect([sent.length, new Set(sent).size]).toEqual([3_000, 3_000])
      expect(await db.query('SELECT DISTINCT status, replay_count AS count, replay_sent_at IS NULL AS unsent FROM dead_letter')).toEqual([{ status: 'replayed', count: 1, unsent: false }]) // prettier-ignore
    } finally {
      await other.close()
    }
  })

  it('is put on record', async () => {
    const all = await letters()
    await all.audit('ann', 'dlq.replay', { codes: ['ROW_REJECTED'], found: 7 })
    expect(await audits()).toEqual([{ action: 'dlq.replay', detail: { group: GROUP, codes: ['ROW_REJECTED'], found: 7 } }]) // prettier-ignore
  })
})

const changes = (batch = 100) => createLetterChanges({ database: open.database, groupId: GROUP, batch })
const sweepAll = (
  batch: (after: Cursor | null) => Promise<{ count: number; next: Cursor | null }>,
  remaining: () => Promise<number>,
) =>
  // prettier-ignore
  sweep({ batch, remaining, clock: systemClock, signal: new AbortController().signal, onProgress: () => {} })

describe('discarding', () => {
  it('takes only what the life cycle lets it, in batches, each on record with its count', async () => {
    await fill(250, { status: `(array['open', 'replayed', 'resolved', 'parked', 'discarded'])[i % 5 + 1]` })
    const before = await statuses()
    const swept = await sweepAll(
      (after) => changes().discard(ALL_LETTERS, 'not wanted', 'ann', after),
      () => changes().countToDiscard(ALL_LETTERS),
    )
    expect(swept).toEqual({ count: 150, left: 0, stopped: false })
    for (const [id, status] of await statuses())
      expect(status).toBe(nextStatus(before.get(id)!, 'discard') ?? before.get(id))
    expect(await db.query(`SELECT count(*)::int AS n FROM dead_letter WHERE discard_reason = 'not wanted'`)).toEqual([{ n: 150 }]) // prettier-ignore
    const detail = { group: GROUP, reason: 'not wanted' }
    expect(await audits()).toEqual([100, 50].map((count) => ({ action: 'dlq.discard', detail: { ...detail, count } })))
  })

  it('an audit that fails changes nothing', async () => {
    await fill(3)
    await db.query(`ALTER TABLE audit_entry ADD CONSTRAINT no_ann CHECK (actor <> 'ann')`)
    await expect(changes().discard(ALL_LETTERS, 'r', 'ann', null)).rejects.toThrow()
    await expect(changes().purge({ filter: ALL_LETTERS, unpublished: true }, 'ann', null)).rejects.toThrow()
    await db.query('ALTER TABLE audit_entry DROP CONSTRAINT no_ann')
    expect([...(await statuses()).values()]).toEqual(['open', 'open', 'open'])
  })

  it('discarding during a relay that holds a letter waits for nobody, and gets it in the next pass', async () => {
    await fill(20)
    const other = openSink(db.url)
    try {
      let locked = () => {}
      const isLocked = new Promise<void>((resolve) => (locked = resolve))
      const held = other.database.transaction(async (tx) => {
        await tx.$queryRawUnsafe('SELECT 1 FROM dead_letter WHERE id = $1 FOR UPDATE', idOf(5))
        locked()
        await systemClock.sleep(100)
      })
      await isLocked
      const swept = await sweepAll(
        (after) => changes(7).discard(ALL_LETTERS, 'r', 'ann', after),
        () => changes().countToDiscard(ALL_LETTERS),
      )
      await held
      expect(swept).toEqual({ count: 20, left: 0, stopped: false })
    } finally {
      await other.close()
    }
  })
})

describe('purging', () => {
  const columns = {
    status: `(array['open', 'replayed', 'resolved', 'parked', 'discarded'])[i % 5 + 1]`,
    user_id: `CASE WHEN i % 2 = 0 THEN 'u-1' ELSE 'u-2' END`,
    published_at: 'CASE WHEN i % 3 > 0 THEN now() END',
  }
  it('by status never what is not on the DLQ topic yet', async () => {
    await fill(60, columns)
    const selection = { filter: only({ statuses: ['resolved', 'discarded'] }), unpublished: false }
    expect(await changes().countToPurge(selection)).toBe(16)
    expect(await sweepAll((after) => changes(7).purge(selection, 'ann', after), () => changes().countToPurge(selection))).toMatchObject({ count: 16, left: 0 }) // prettier-ignore
    const left = await db.query<{ status: string; published: boolean; n: number }>(
      'SELECT status, published_at IS NOT NULL AS published, count(*)::int AS n FROM dead_letter GROUP BY 1, 2',
    )
    expect(left.filter(({ status, published }) => published && /resolved|discarded/.test(status))).toEqual([])
    expect(left.reduce((sum, { n }) => sum + n, 0)).toBe(44)
    expect((await audits()).map(({ detail }) => detail['count'])).toEqual([7, 7, 2])
  })

  it('of one person everything, and of nobody else anything', async () => {
    await fill(60, columns)
    const selection = { filter: only({ userId: 'u-1' }), unpublished: true }
    await sweepAll((after) => changes().purge(selection, 'ann', after), () => changes().countToPurge(selection)) // prettier-ignore
    expect(await db.query('SELECT user_id AS user, count(*)::int AS n FROM dead_letter GROUP BY 1')).toEqual([{ user: 'u-2', n: 30 }]) // prettier-ignore
    expect(await audits()).toMatchObject([{ action: 'dlq.purge', detail: { userId: 'u-1', count: 30 } }])
  })

  it('of another group nothing', async () => {
    await fill(5, { group_id: `'other'` })
    expect(await changes().purge({ filter: ALL_LETTERS, unpublished: true }, 'ann', null)).toEqual({ count: 0, next: null }) // prettier-ignore
    expect(await store('other').count(ALL_LETTERS)).toBe(5)
  })
})

/** Every hundredth is of the rare code. Filled once, for all that is done with so many. */
it('of 200,000 letters a rare code is found, listed to the end, discarded and purged; the others are replayed from their oldest on, each once, with flat memory', async () => {
  await fill(200_000, { created_at: `now() - interval '1 day' + (i - 1) / 50 * interval '1 millisecond'`, code: `CASE WHEN i % 100 = 0 THEN 'JSON_INVALID' ELSE 'ROW_REJECTED' END` }) // prettier-ignore
  await db.query('ANALYZE dead_letter')

  const filter = only({ codes: ['JSON_INVALID'] })
  let found = 0
  for (let after: Cursor | null = null; ;) {
    const page = await store().page(filter, after, 300)
    found += page.length
    after = page.at(-1) ?? null
    if (page.length < 300) break
  }
  expect(found).toBe(2_000)
  const swept = await sweepAll((after) => changes(300).discard(filter, 'r', 'ann', after), () => changes().countToDiscard(filter)) // prettier-ignore
  expect(swept).toMatchObject({ count: 2_000, left: 0 })
  const selection = { filter: only({ statuses: ['discarded'] }), unpublished: false }
  await sweepAll(
    (after) => changes(10_000).purge(selection, 'ann', after),
    () => changes().countToPurge(selection),
  )
  expect(await store().count(ALL_LETTERS)).toBe(198_000)

  const seen = new Uint8Array(200_001)
  const all = await letters()
  let peak = 0
  let baseline = 0
  const outcome = await runReplay(all, 49_500, async (records) => {
    for (const { value } of records) seen[Number(String(value).slice(6))]! += 1
    const now = process.memoryUsage().rss
    baseline ||= now
    peak = Math.max(peak, now)
  })
  expect(outcome).toMatchObject({ sent: 49_500, unsent: 0 })
  const wanted = (n: number) => (n >= 1 && n <= 50_000 && n % 100 !== 0 ? 1 : 0)
  expect(seen.findIndex((times, n) => times !== wanted(n))).toBe(-1)
  expect((peak - baseline) / 2 ** 20, 'MB more than at the first chunk').toBeLessThan(200)
})

it('knows every status there is', async () => {
  const [constraint] = await db.query<{ text: string }>(
    `SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint WHERE conrelid = 'dead_letter'::regclass AND conname LIKE '%status%'`,
  )
  expect([...(constraint?.text ?? '').matchAll(/'(\w+)'/g)].map(([, status]) => status).sort()).toEqual([...STATUSES].sort()) // prettier-ignore
})
