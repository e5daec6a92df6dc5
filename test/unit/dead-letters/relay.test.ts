import { expect, test } from 'vitest'
import { createRelay, type Lease, type Outbox } from '../../../src/dead-letters/relay.ts'
import type { DeadLetterRow } from '../../../src/dead-letters/dead-letter.ts'
import type { TelemetryEvent } from '../../../src/telemetry/events.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const letter = (id: string): DeadLetterRow => ({
  ...{ id, groupId: 'g', topic: 't', partition: 0, recordOffset: 0n, recordTimestamp: null },
  ...{ key: null, value: null, headers: [], stage: 'decode', code: 'JSON_INVALID', sqlstate: null, path: null },
  ...{ message: 'm', attempts: 1, seenCount: 1, userId: null, invoiceId: null, lineNumber: null },
  ...{ status: 'open', failedAt: new Date(0), publishedAt: null, claimedUntil: null, createdAt: new Date(0) },
  ...{ valueSha256: null, replayHash: null, replaySentAt: null, replayCount: 0, resolvedAt: null, discardReason: null },
})

test('publishing took as long as the topic did, not PostgreSQL; what failed is not told as published', async () => {
  const { clock, run } = virtualClock()
  const leases: Lease[] = [
    { letters: [letter('a'), letter('b')], until: new Date(0) },
    { letters: [letter('d'), letter('e'), letter('f')], until: new Date(0) },
    { letters: [letter('c')], until: new Date(0) },
  ]
  const outbox: Outbox = {
    claim: () => Promise.resolve(leases.shift() ?? null),
    renew: (_, until) => Promise.resolve(until),
    markPublished: () => clock.sleep(3_000),
    release: () => Promise.resolve(),
    defer: () => Promise.resolve(),
    waiting: () => Promise.resolve({ count: 0, oldestAgeMs: 0 }),
  }
  const events: TelemetryEvent[] = []
  const relay = createRelay({
    ...{ outbox, clock, appVersion: '1', headerCompat: 'none', leaseMs: 60_000 },
    emit: (event) => void events.push(event),
    async send(records) {
      await clock.sleep(700)
      return records.map((_, at) => (records.length === 1 || at === 2 ? { cause: new Error('down') } : null))
    },
  })
  void relay.run()
  await run(10_000)
  expect(events).toEqual([
    { type: 'dead-letters-published', count: 2, codes: { JSON_INVALID: 2 }, durationMs: 700 },
    { type: 'dead-letters-published', count: 2, codes: { JSON_INVALID: 2 }, durationMs: null },
    expect.objectContaining({ type: 'dead-letters-waiting', failed: 'topic', cause: new Error('down') }),
  ])
  const ended = relay.end(0)
  await run(1)
  await ended
})

test('for want of PostgreSQL nothing is relayed either: told, but not as a fault of the topic', async () => {
  const { clock, run } = virtualClock()
  const away = () => Promise.reject(new Error('away'))
  const outbox: Outbox = { claim: away, renew: away, markPublished: away, release: away, defer: away, waiting: away }
  const events: TelemetryEvent[] = []
  const relay = createRelay({
    ...{ outbox, clock, appVersion: '1', headerCompat: 'none' as const },
    emit: (event) => void events.push(event),
    send: () => Promise.resolve([]),
  })
  void relay.run()
  await run(3_000)
  expect(events[0]).toMatchObject({ type: 'dead-letters-waiting', failed: 'outbox', cause: new Error('away') })
  const ended = relay.end(0)
  await run(1)
  await ended
})
