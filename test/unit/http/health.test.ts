import { expect, test } from 'vitest'
import { type Facts, judge } from '../../../src/http/health.ts'

const WELL: Facts = {
  member: true,
  joined: true,
  silentMs: 500,
  writingMs: null,
  failingMs: null,
  stalledMs: 0,
  draining: false,
  gateClosed: false,
}
const verdict = (facts: Partial<Facts>, sessionTimeoutMs = 30_000) => {
  const { live, ready } = judge({ ...WELL, ...facts }, { sessionTimeoutMs })
  return `${live ? 'live' : 'wedged'}, ${ready ? 'ready' : 'not ready'}`
}

test('a member that works is live and ready, and nothing is wrong with it', () => {
  expect(judge(WELL, { sessionTimeoutMs: 30_000 })).toEqual({ live: true, ready: true, reasons: [] })
})

// Restarting everybody helps nobody when a shared thing is down.
test.each<[string, Partial<Facts>]>([
  ['starting, brokers away', { member: false, joined: false, silentMs: null }],
  ['brokers away for an hour: no member any more', { member: false, silentMs: 3_600_000 }],
  ['PostgreSQL away for an hour', { failingMs: 3_600_000, writingMs: 60_000 }],
  ['paused', { gateClosed: true }],
  ['draining', { draining: true }],
])('somebody else’s matter: %s', (what, facts) => {
  const { live, ready, reasons } = judge({ ...WELL, ...facts }, { sessionTimeoutMs: 30_000 })
  expect(live).toBe(true)
  if (what.startsWith('brokers away for')) return
  expect(ready).toBe(false)
  expect(reasons).toHaveLength(1)
})

test.each<[string, Partial<Facts>, Partial<Facts>]>([
  ['no sign of the group', { silentMs: 90_000 }, { silentMs: 90_001 }],
  ['a write that does not end', { writingMs: 300_000 }, { writingMs: 300_001 }],
  ['records, a database that answers, and no write', { stalledMs: 600_000 }, { stalledMs: 600_001 }],
])('wedged: %s', (_, before, after) => {
  expect(verdict(before)).toBe('live, ready')
  expect(verdict(after)).toBe('wedged, not ready')
})

test('a longer session waits longer', () => {
  expect(verdict({ silentMs: 120_000 }, 60_000)).toBe('live, ready')
  expect(verdict({ silentMs: 120_001 }, 60_000)).toBe('wedged, not ready')
})

test('PostgreSQL may fail for half a minute before traffic is said to be better elsewhere', () => {
  expect(verdict({ failingMs: 30_000 })).toBe('live, ready')
  expect(verdict({ failingMs: 30_001 })).toBe('live, not ready')
})
