import { expect, test } from 'vitest'
import { formatAge, parseDuration, parseMoment } from '../../../src/dead-letters/duration.ts'

const NOW = Date.UTC(2026, 10, 25, 12)
const HOUR = 3_600_000

test.each([
  ['30s', 30_000],
  ['5m', 300_000],
  ['2h', 2 * HOUR],
  ['90d', 90 * 24 * HOUR],
  ['6w', 42 * 24 * HOUR],
  ['0d', 0],
])('%s is a duration', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each(['', '2', 'h', '2 h', '-2h', '2.5h', '2H', '1e3s', '2hours', '999999999w', '٢h'])(
  '%j is no duration',
  (text) => {
    expect(parseDuration(text)).toBeNull()
  },
)

test.each([
  ['2h', '2026-11-25T10:00:00.000Z'],
  ['7d', '2026-11-18T12:00:00.000Z'],
  ['2026-01-31', '2026-01-31T00:00:00.000Z'],
  ['2026-01-31T08:00Z', '2026-01-31T08:00:00.000Z'],
  ['2026-01-31T08:00:01.5Z', '2026-01-31T08:00:01.500Z'],
  ['2026-01-31T08:00:01+02:00', '2026-01-31T06:00:01.000Z'],
  ['2024-02-29', '2024-02-29T00:00:00.000Z'],
])('%s is a moment', (text, moment) => {
  expect(parseMoment(text, NOW)?.toISOString()).toBe(moment)
})

test.each([
  '2026-02-30',
  '2026-02-30T08:00Z',
  '2026-13-01',
  '2026-01-31T25:00Z',
  '2026-01-31T08:00',
  '2026-01-31 08:00Z',
  '31.01.2026',
  'yesterday',
  '',
])('%j is no moment', (text) => {
  expect(parseMoment(text, NOW)).toBeNull()
})

test.each([
  [-5, '0s'],
  [0, '0s'],
  [999, '0s'],
  [61_000, '1m 1s'],
  [60_000, '1m'],
  [26 * HOUR, '1d 2h'],
  [24 * HOUR + 59_000, '1d'],
  [400 * 24 * HOUR, '400d'],
])('an age of %s ms reads %s', (ms, text) => {
  expect(formatAge(ms)).toBe(text)
})
