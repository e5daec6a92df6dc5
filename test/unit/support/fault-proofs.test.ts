// Proofs of the fault lane and the soak must be able to fail: of a fault that did not take place, a member that ended otherwise
// than it was told to, a process that nobody looked at, a number that is none.
import { expect, test } from 'vitest'
import { asTold } from '../../fault/endings.ts'
import { positive, whole } from '../../fault/numbers.ts'
import { type Figures, proveFault } from '../../fault/play.ts'
import { type Held, proveFlat } from '../../soak/flat.ts'
import { proveStruck } from '../../soak/nemesis.ts'
import type { Member } from '../../support/member.ts'
import { notOk } from '../../support/oracle.ts'

const figures: Figures = {
  ...{ downMs: 1, againMs: 1, backlog: 0, catchUpRate: null, codes: [], evidence: [], answers: [] },
  rssMib: { before: 100, down: 100, max: 100, after: 100 },
}
const seen = { what: 'connections reset', expected: '1', found: '1', ok: true }

test('a fault that nobody met fails its scenario', () => {
  const met = 'the member met the fault: codes it retried for'
  expect(notOk(proveFault({}, figures))).toEqual([`${met}: expected any, found none`])
  expect(notOk(proveFault({}, { ...figures, codes: ['57P01'] }))).toEqual([])
  expect(notOk(proveFault({ codes: ['25P04'] }, { ...figures, codes: ['55P03'] }))).toEqual([
    `${met}: expected 25P04, found 55P03`,
  ])
  expect(notOk(proveFault({}, { ...figures, evidence: [seen] }))).toEqual([])
  expect(notOk(proveFault({}, { ...figures, evidence: [{ ...seen, found: '0', ok: false }] }))).toHaveLength(1)
  // Evidence stands beside the codes that are asked for, not in their place.
  expect(notOk(proveFault({ codes: ['25P04'] }, { ...figures, evidence: [seen] }))).toHaveLength(1)
})

test('memory that nobody looked at is not small', () => {
  const { before, after } = figures.rssMib
  const unseen = { ...figures, codes: ['57P01'], rssMib: { before, after, down: 0, max: 0 } }
  expect(notOk(proveFault({}, unseen))).toHaveLength(2)
})

test.for([
  { told: [], how: { code: 0 }, ok: false },
  { told: ['SIGTERM'], how: { code: 0 }, ok: true },
  { told: ['SIGTERM'], how: { code: 1 }, ok: false },
  { told: ['SIGTERM'], how: { code: 1 }, drained: [0, 1], ok: true },
  { told: ['SIGTERM'], how: { code: 4 }, drained: [0, 1], ok: false },
  { told: ['SIGTERM'], how: { code: 130 }, ok: false },
  { told: ['SIGTERM', 'SIGTERM'], how: { code: 130 }, ok: true },
  { told: ['SIGTERM'], how: { signal: 'SIGTERM' }, ok: true },
  { told: ['SIGTERM'], how: { signal: 'SIGTERM' }, lines: 1, ok: false },
  { told: ['SIGTERM'], how: { signal: 'SIGTERM' }, lines: 1, msg: 'resources', ok: true },
  { told: ['SIGKILL'], how: { signal: 'SIGKILL' }, lines: 1, ok: true },
  // It had ended by itself before.
  { told: ['SIGKILL'], how: { code: 4 }, ok: false },
  { told: [], how: { signal: 'SIGKILL' }, ok: false },
  { told: [], how: { signal: 'SIGKILL' }, failpoints: 1, ok: true },
  { told: ['SIGSTOP', 'SIGCONT'], how: { code: 0 }, ok: false },
] as const)('told $told.length signals, it ended with $how: as told $ok', (row) => {
  const { told, how, ok } = row
  const [said, failpoints] = ['lines' in row ? row.lines : 0, 'failpoints' in row ? row.failpoints : 0]
  const lines = (msg?: string) =>
    Array.from({ length: msg === undefined ? said : failpoints }, () => ('msg' in row ? { msg: row.msg } : {}))
  const member: Pick<Member, 'told' | 'lines'> = { told, lines }
  expect(asTold(member, { code: null, signal: null, ...how }, 'drained' in row ? row.drained : [0])).toBe(ok)
})

test('a soak demands each kind of fault; a short one any, and names those it has not seen', () => {
  const counts = new Map([['a broker killed', 2], ['a COMMIT lost', 0]]) // prettier-ignore
  expect(notOk(proveStruck(counts, 30))).toEqual(['times: a COMMIT lost: expected at least 1, found 0'])
  expect(proveStruck(counts, 3)).toMatchObject([{ what: expect.stringContaining('a COMMIT lost') as string, ok: true }])
  expect(notOk(proveStruck(new Map([['a COMMIT lost', 0]]), 3))).toHaveLength(1)
})

test('what a process holds is flat only when somebody has looked', () => {
  const held: Held = { rssMib: 200, kinds: { Timeout: 5 }, sessions: 3, looks: 5 }
  expect(notOk(proveFlat(held, held, 4))).toEqual([])
  expect(notOk(proveFlat(held, { ...held, kinds: { Timeout: 12 } }, 4))).toHaveLength(1)
  expect(notOk(proveFlat({ ...held, kinds: {}, looks: 0 }, { ...held, kinds: {}, looks: 0 }, 4))).toHaveLength(1)
  expect(notOk(proveFlat(held, { ...held, rssMib: NaN }, 4))).toHaveLength(1)
  expect(notOk(proveFlat({ ...held, rssMib: NaN }, held, 4))).toHaveLength(1)
})

test('numbers that are none are refused', () => {
  for (const text of ['foo', '', ' ', '0', '-1', 'NaN', 'Infinity']) expect(() => positive(text)).toThrow('above 0')
  for (const text of ['foo', '', '0', '1.5', '-1', 'NaN', '1e3', '99999999999999999999']) expect(() => whole(1)(text)).toThrow('whole') // prettier-ignore
  expect([positive('0.5'), whole(1)('20')]).toEqual([0.5, 20])
})
