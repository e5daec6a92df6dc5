import { expect, test } from 'vitest'
import { trendOf } from '../../../src/telemetry/lag-trend.ts'
import { type Circumstances, inWords, type Look, verdictOf } from '../../../src/telemetry/lag-verdict.ts'

const well: Circumstances = { finding: null, ahead: null, gate: null, group: 'working', owner: 'm1', stillMs: 500 }

/** Two seconds apart; `[position, end, age in seconds]`. */
type Seen = readonly [position: number | null, end: number, age: number | null]
const looksOf = (seen: readonly Seen[]): Look[] =>
  seen.map(([position, end, age], i) => ({
    at: 1_000_000 + i * 2_000,
    position: position === null ? null : BigInt(position),
    end: BigInt(end),
    lag: BigInt(end - (position ?? 0)),
    ageMs: age === null ? null : age * 1_000,
  }))

type Case = readonly [what: string, looks: readonly Seen[], now: Partial<Circumstances>, verdict: string, why: RegExp]
const cases: readonly Case[] = [
  // Nothing waits.
  ['caught up', [[9, 9, 0]], {}, 'ok', /caught up/],
  ['caught up, without a member', [[9, 9, 0]], { group: 'empty', owner: null }, 'ok', /caught up/],
  ['caught up, gate closed', [[9, 9, 0]], { gate: 'closed since …' }, 'ok', /caught up/],
  ['an empty topic that was never read', [[null, 0, 0]], { group: 'empty', owner: null, stillMs: null }, 'ok', /caught up/],
  // One look cannot know what moves.
  ['one look, fresh records', [[5, 9, 1]], { stillMs: 90_000 }, 'ok', /just come/],
  ['one look, old records, moved a moment ago', [[5, 9, 100]], {}, 'behind', /one look does not tell/],
  ['one look, still for two minutes', [[5, 9, 130]], { stillMs: 120_000 }, 'stalled', /2 min/],
  ['one look, idle for a day until a record came', [[5, 6, 4]], { stillMs: 86_400_000 }, 'ok', /just come/],
  ['one look, idle for a day, waiting 30 s', [[5, 6, 30]], { stillMs: 86_400_000 }, 'behind', /30 s; it counts as stalled/],
  ['one look, age unknown, still for a day', [[5, 6, null]], { stillMs: 86_400_000 }, 'stalled', /1 d|24 h/],
  // Burrow: ok if it ever was 0; stalled if it does not move; behind if it moves and never falls.
  ['zero a moment ago', [[5, 5, 0], [5, 50, 2]], {}, 'ok', /a moment ago/],
  ['catching up', [[0, 1000, 60], [400, 1000, 50]], {}, 'ok', /catching up, about 3 s to go/],
  ['catching up, but late', [[0, 1000, 900], [400, 1000, 890]], {}, 'behind', /has waited 14 min 50 s/],
  ['moves, falls behind', [[0, 1000, 60], [100, 1300, 61]], {}, 'behind', /does not fall/],
  ['moves, holds its distance', [[0, 1000, 60], [100, 1100, 60]], {}, 'behind', /does not fall/],
  ['moves, holds a small distance', [[0, 20, 1], [100, 120, 1]], {}, 'ok', /keeps up/],
  ['still for 20 s', [[5, 9, 20], [5, 9, 22]], { stillMs: 20_000 }, 'behind', /has not moved for 20 s/],
  ['still for a minute', [[5, 9, 70], [5, 12, 72]], { stillMs: 70_000 }, 'stalled', /although a member owns/],
  ['moved at the beginning of the window only', [[5, 90, 70], [9, 90, 72]], { stillMs: 61_000 }, 'stalled', /1 min/],
  ['a member that never began', Array.from({ length: 31 }, () => [null, 9, 100] as const), { stillMs: null }, 'stalled', /1 min/],
  // Nobody works.
  ['gate closed', [[5, 9, 1]], { gate: 'closed since 12:00 (PAUSED): index' }, 'stopped', /gate is closed since 12:00/],
  ['no member', [[5, 9, 1]], { group: 'empty', owner: null }, 'stopped', /no member of the group/],
  ['no member, never begun', [[null, 9, 1]], { group: 'empty', owner: null, stillMs: null }, 'stopped', /no member/],
  ['rebalancing', [[5, 9, 1]], { group: 'rebalancing', owner: null }, 'behind', /rebalancing/],
  ['nobody owns it', [[5, 9, 1]], { owner: null }, 'stopped', /no member owns/],
  ['members refuse to begin', [[5, 5, 0]], { finding: 'the topic was made again' }, 'stopped', /refuse to begin: the topic/],
  // Back.
  ['the position went back', [[9, 9, 0], [5, 9, 3]], {}, 'rewound', /from 9 to 5/],
  ['it went back and is there again', [[9, 20, 9], [5, 20, 9], [10, 20, 3]], {}, 'ok', /keeps up/],
  ['Kafka is ahead', [[5, 9, 3]], { ahead: 9n }, 'rewound', /commit \(9\) is ahead/],
  ['it went back, and nobody runs', [[9, 9, 0], [5, 9, 3]], { group: 'empty', owner: null }, 'rewound', /from 9 to 5/],
] // prettier-ignore

test.each(cases)('%s', (_, looks, now, verdict, why) => {
  const found = verdictOf(looksOf(looks), { ...well, ...now })
  expect(found).toMatchObject({ verdict, why: expect.stringMatching(why) as string })
})

test('what is not ok says what to do, but for a position that moves', () => {
  for (const [what, looks, now] of cases) {
    const { verdict, remedy, why } = verdictOf(looksOf(looks), { ...well, ...now })
    if (verdict !== 'ok' && !why.startsWith('it moves;')) expect(remedy, what).not.toBeNull()
  }
})

test('a trend needs two looks with a position; it says when the lag is gone', () => {
  expect(trendOf(looksOf([[5, 9, 1]]))).toBeNull()
  expect(trendOf(looksOf([[null, 9, 1], [5, 9, 1]]))).toBeNull() // prettier-ignore
  const trend = trendOf(looksOf([[0, 1000, 1], [500, 1100, 1]])) // prettier-ignore
  expect(trend).toEqual({ direction: 'falling', overMs: 2_000, settledPerSecond: 250, arrivingPerSecond: 50, secondsToClear: 3 }) // prettier-ignore
})

test('spans in words', () => {
  expect([0, 59_400, 60_000, 61_000, 3_600_000, 5_400_000, 200_000_000].map(inWords)).toEqual(
    ['0 s', '59 s', '1 min', '1 min 1 s', '1 h', '1 h 30 min', '2 d 7 h'], // prettier-ignore
  )
})
