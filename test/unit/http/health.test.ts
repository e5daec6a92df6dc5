import { expect, test } from 'vitest'
import { type Facts, judge } from '../../../src/http/health.ts'

const LIMITS = { sessionTimeoutMs: 30_000, flushMaxAgeMs: 5_000 }
const WELL: Facts = {
  ...{ member: true, joined: true, overdueMs: 0, silentMs: 500, fetchlessMs: 500, unpositioned: 0 },
  ...{ unansweredMs: 1_000, writingMs: null, failingMs: null, stalledMs: 0, stuck: null },
  ...{ draining: false, gateClosed: false },
}
const HOUR = 3_600_000
const verdict = (facts: Partial<Facts>, limits: Partial<typeof LIMITS> = {}) => {
  const { live, ready } = judge({ ...WELL, ...facts }, { ...LIMITS, ...limits })
  return `${live ? 'live' : 'wedged'}, ${ready ? 'ready' : 'not ready'}`
}

test('a member that works is live and ready, and nothing is wrong with it', () => {
  expect(judge(WELL, LIMITS)).toEqual({ live: true, ready: true, reasons: [] })
})

// Restarting everybody helps nobody when a shared thing is down. But it is not ready, and says why.
test.each<[string, Partial<Facts>, string]>([
  ['starting, brokers away', { member: false, joined: false, silentMs: null }, 'not in the group yet'],
  ['brokers away for an hour', { member: false, silentMs: HOUR }, 'not in the group any more; joining again'],
  ['no heartbeat answered', { silentMs: 30_001, fetchlessMs: HOUR }, 'Kafka has answered no heartbeat for 30 s'],
  ['no fetch answered', { fetchlessMs: HOUR }, 'Kafka has answered no fetch for 3600 s'],
  [
    'nobody says where to begin',
    { unpositioned: 2 },
    'partitions of which nothing is read, as it is not known where to begin: 2',
  ],
  ['PostgreSQL silent', { unansweredMs: HOUR, writingMs: HOUR }, 'PostgreSQL has not answered for 3600 s'],
  ['PostgreSQL answers, and takes nothing', { failingMs: HOUR }, 'PostgreSQL refuses every write for 3600 s'],
  ['paused', { gateClosed: true }, 'the gate is closed: see `sluice resume`'],
  ['draining', { draining: true }, 'draining'],
])('somebody else’s matter: %s', (_, facts, reason) => {
  expect(judge({ ...WELL, ...facts }, LIMITS)).toEqual({ live: true, ready: false, reasons: [reason] })
})

test.each<[string, Partial<Facts>, Partial<Facts>]>([
  ['a consumer that was given up, and no other', { overdueMs: 60_000 }, { overdueMs: 60_001 }],
  ['a write that does not end', { writingMs: 300_000 }, { writingMs: 300_001 }],
  ['records, a database that answers, and no write', { stalledMs: 605_000 }, { stalledMs: 605_001 }],
  [
    'a partition that has something to read, of which nothing comes',
    { stuck: { partition: 2, ms: 600_000 } },
    { stuck: { partition: 2, ms: 600_001 } },
  ],
])('wedged: %s', (_, before, after) => {
  expect(verdict(before)).toBe('live, ready')
  expect(verdict(after)).toBe('wedged, not ready')
  // A drain has a deadline of its own.
  expect(verdict({ ...after, draining: true })).toBe('live, not ready')
})

test('a trickle that waits for its age is not stalled, however long that may be', () => {
  expect(verdict({ stalledMs: 1_200_000 }, { flushMaxAgeMs: 600_000 })).toBe('live, ready')
})

test.each([
  ['a heartbeat', 'silentMs', LIMITS.sessionTimeoutMs],
  ['a fetch', 'fetchlessMs', LIMITS.sessionTimeoutMs],
  ['PostgreSQL', 'unansweredMs', 30_000],
  ['a write', 'failingMs', 30_000],
])('%s may be waited for so long', (_, fact, limit) => {
  expect(verdict({ [fact]: limit })).toBe('live, ready')
  expect(verdict({ [fact]: limit + 1 })).toBe('live, not ready')
})
