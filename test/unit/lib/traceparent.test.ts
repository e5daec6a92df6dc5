import { expect, test } from 'vitest'
import { traceIdOf } from '../../../src/lib/traceparent.ts'

const ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const of = (...values: (string | null)[]) =>
  traceIdOf(values.map((value) => ['traceparent', value === null ? null : Buffer.from(value)] as const))

test('the trace id of a valid header, under any case of its name', () => {
  expect(of(`00-${ID}-${PARENT}-01`)).toBe(ID)
  expect(of(`cc-${ID}-${PARENT}-01-what-will-come`)).toBe(ID)
  expect(traceIdOf([['TraceParent', Buffer.from(`00-${ID}-${PARENT}-00`)]])).toBe(ID)
})

test.each([
  ['none'],
  ['null', null],
  ['empty', ''],
  ['two of them', `00-${ID}-${PARENT}-01`, `00-${ID}-${PARENT}-01`],
  ['version ff', `ff-${ID}-${PARENT}-01`],
  ['no trace', `00-${'0'.repeat(32)}-${PARENT}-01`],
  ['no parent', `00-${ID}-${'0'.repeat(16)}-01`],
  ['upper case', `00-${ID.toUpperCase()}-${PARENT}-01`],
  ['something behind it', `00-${ID}-${PARENT}-01-x`],
  ['a line of its own', `00-${ID}-${PARENT}-01\n`],
  ['too long', `cc-${ID}-${PARENT}-01-${'x'.repeat(600)}`],
])('no trace id: %s', (_, ...values) => expect(of(...values)).toBeNull())
