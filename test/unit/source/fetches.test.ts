import { expect, test } from 'vitest'
import { createFetches } from '../../../src/source/fetches.ts'

const world = () => {
  const state = { now: 0, next: 10n as bigint | null }
  const fetches = createFetches({ now: () => state.now, wall: () => 0, sleep: async () => {} })
  const answered = (records: number, from = 10n) => fetches.answered([{ partition: 0, from, records }], () => state.next)
  return { state, fetches, answered, waited: () => fetches.waited().get(0) ?? null }
} // prettier-ignore

test('a fetch at our position that finds nothing: it waits for what is not ours', () => {
  const { state, answered, waited } = world()
  expect(waited()).toBeNull()
  answered(0)
  state.now = 5_000
  expect(waited()).toBe(5_000)
})

test('one that asked ahead of our position, or for what is not ours, says nothing', () => {
  const { state, answered, waited } = world()
  answered(0, 11n)
  state.next = null
  answered(0)
  expect(waited()).toBeNull()
})

test('what was fetched waits while there is no room, until it is delivered', () => {
  const { state, fetches, answered, waited } = world()
  fetches.refused()
  expect(waited()).toBeNull()
  answered(3)
  expect(waited()).toBeNull()
  state.now = 1_000
  fetches.refused()
  expect(waited()).toBe(0)
  fetches.delivered(0)
  state.now = 3_000
  fetches.refused()
  expect(waited()).toBe(2_000)
})
