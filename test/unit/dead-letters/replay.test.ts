import { expect, test } from 'vitest'
import type { DeadLetterRow } from '../../../src/dead-letters/dead-letter.ts'
import type { Cursor } from '../../../src/dead-letters/letter-filter.ts'
import { replay, type ReplayDeps, type ReplayRecord, replayRecord } from '../../../src/dead-letters/replay.ts'

const letter = (n: number, over: Partial<DeadLetterRow> = {}): DeadLetterRow => ({
  ...{ id: String(n).padStart(64, '0'), groupId: 'g', topic: 't', partition: n % 4, recordOffset: BigInt(n) },
  ...{ recordTimestamp: new Date(0), key: Buffer.from('k'), value: Buffer.from(`v${n}`), headers: [] },
  ...{ stage: 'write', code: 'ROW_REJECTED', sqlstate: '23514', path: null, message: 'm', attempts: 1, seenCount: 1 },
  ...{ replayCount: 1, userId: null, invoiceId: null, lineNumber: null, status: 'replayed', failedAt: new Date(0) },
  ...{ publishedAt: null, claimedUntil: null, createdAt: new Date(n), valueSha256: null, replayHash: null },
  ...{ replaySentAt: null, resolvedAt: null, discardReason: null },
  ...over,
})

/** A table of `count` letters, and what was done to them. */
const setUp = (count: number, over: Partial<ReplayDeps> = {}) => {
  const marked = new Set<number>()
  const done = { sent: 0, released: 0, refused: 0 }
  const sends: { topic: string; records: readonly ReplayRecord[]; at: number }[] = []
  const stop = new AbortController()
  let now = 0
  const deps: ReplayDeps = {
    store: {
      mark: async (after: Cursor | null, limit: number) => {
        const from = after === null ? 0 : after.createdAt.getTime() + 1
        const next = Array.from({ length: count }, (_, n) => n).filter((n) => n >= from && !marked.has(n))
        return next.slice(0, limit).map((n) => (marked.add(n), letter(n)))
      },
      markSent: async (letters) => void (done.sent += letters.length),
      release: async (letters) => void (done.released += letters.length),
      refuse: async (letters) => void (done.refused += letters.length),
    },
    send: async (topic, records) => void sends.push({ topic, records, at: now }),
    isTooLarge: (error) => error === 'too large',
    partitions: new Map([['t', 4]]),
    clock: { now: () => now, wall: () => now, sleep: async (ms) => void (now += ms) },
    signal: stop.signal,
    ...{ wanted: count, rate: null, edit: null, onProgress: () => {} },
    ...over,
  }
  return { deps, done, sends, stop, now: () => now, sentAll: () => sends.flatMap(({ records }) => records) }
}

test('sends every letter once, a chunk at a time', async () => {
  const { deps, done, sends, sentAll } = setUp(1_234)
  expect(await replay(deps)).toEqual({ sent: 1_234, tooLarge: 0, unsent: 0, ending: { kind: 'done' } })
  expect(new Set(sentAll().map(({ value }) => String(value))).size).toBe(1_234)
  expect(Math.max(...sends.map(({ records }) => records.length))).toBeLessThanOrEqual(500)
  expect(done).toEqual({ sent: 1_234, released: 0, refused: 0 })
})

test('the record is the original one, and then says which letter it is', () => {
  const headers = [['h', Buffer.from('1')], ['dlq.replay.id', Buffer.from('forged')], ['h', null]] as const // prettier-ignore
  const original = letter(6, { headers, replayCount: 2 })
  const record = replayRecord(original, { partitions: new Map([['t', 4]]), edit: null })
  expect(record).toEqual({
    key: original.key,
    value: original.value,
    partition: 2,
    headers: [...headers, ['dlq.replay.id', Buffer.from(original.id)], ['dlq.replay.count', Buffer.from('2')]],
  })
})

test('a partition that the topic has no more is left to the key', () => {
  const record = replayRecord(letter(3), { partitions: new Map([['t', 3]]), edit: Buffer.from('{}') })
  expect(record).not.toHaveProperty('partition')
  expect(record.value).toEqual(Buffer.from('{}'))
})

test('no more than wanted, though there are more', async () => {
  const { deps, sentAll } = setUp(2_000, { wanted: 700 })
  expect(await replay(deps)).toMatchObject({ sent: 700, ending: { kind: 'done' } })
  expect(sentAll()).toHaveLength(700)
})

test('a letter that somebody else held is met in the next pass', async () => {
  const { deps, sentAll } = setUp(3)
  let held = true
  const store = {
    ...deps.store,
    mark: async (after: Cursor | null, limit: number) => {
      if (after !== null || !held) return deps.store.mark(after, limit)
      held = false
      return deps.store.mark({ createdAt: new Date(0), id: '' }, limit)
    },
  }
  expect(await replay({ ...deps, store })).toMatchObject({ sent: 3 })
  expect(sentAll().map(({ value }) => String(value))).toEqual(['v1', 'v2', 'v0'])
})

test('a rate is kept from the first letter to the last', async () => {
  const { deps, sends, now } = setUp(100, { rate: 20 })
  await replay(deps)
  expect(now()).toBeGreaterThanOrEqual(4_500)
  for (const [index, { at }] of sends.entries()) expect(at).toBeGreaterThanOrEqual(index * 250)
})

test('a signal stops between chunks: what was marked was sent', async () => {
  const { deps, done, stop } = setUp(5_000)
  const send = async () => stop.abort()
  expect(await replay({ ...deps, send })).toEqual({ sent: 500, tooLarge: 0, unsent: 0, ending: { kind: 'stopped' } })
  expect(done).toEqual({ sent: 500, released: 0, refused: 0 })
})

test('a send that fails gives back what is not acknowledged', async () => {
  const { deps, done } = setUp(1_000)
  let sends = 0
  const send = async () => {
    if (++sends === 2) throw new Error('brokers away')
  }
  expect(await replay({ ...deps, send })).toMatchObject({ sent: 500, unsent: 500, ending: { kind: 'send-failed' } })
  expect(done).toEqual({ sent: 500, released: 500, refused: 0 })
})

test('letters of two topics: the one that is down does not take the acknowledged one back', async () => {
  const { deps, done } = setUp(4)
  const store = {
    ...deps.store,
    mark: async (after: Cursor | null) => (after ? [] : [0, 1, 2, 3].map((n) => letter(n, { topic: n < 2 ? 'up' : 'down' }))), // prettier-ignore
  }
  const send = async (topic: string) => {
    if (topic === 'down') throw new Error('down')
  }
  expect(await replay({ ...deps, store, send })).toMatchObject({ sent: 2, unsent: 2 })
  expect(done).toEqual({ sent: 2, released: 2, refused: 0 })
})

test('one that the topic does not take by its size holds nobody up', async () => {
  const { deps, done } = setUp(10)
  const send = async (_: string, records: readonly ReplayRecord[]) => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- known to isTooLarge above
    if (records.some(({ value }) => String(value) === 'v4')) throw 'too large'
  }
  expect(await replay({ ...deps, send })).toEqual({ sent: 9, tooLarge: 1, unsent: 0, ending: { kind: 'done' } })
  expect(done).toEqual({ sent: 9, released: 0, refused: 1 })
})
