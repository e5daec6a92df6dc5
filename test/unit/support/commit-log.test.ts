import { expect, test } from 'vitest'
import { type Commit, commitsThatWentBack } from '../../support/commit-log.ts'

const commits = (...positions: (number | null)[]): Commit[] =>
  positions.map((position, at) => ({ partition: 0, position: position === null ? null : BigInt(position), at }))
const back = (all: Commit[], rewinds: number[] = []) =>
  commitsThatWentBack(all, rewinds).map(({ position }) => position)

test('what grows, stays, or begins anew after its removal has not gone back', () => {
  expect(back(commits(5, 5, 9, null, 0, 3))).toEqual([])
})

test('each commit below the one before it, of the same partition', () => {
  expect(back(commits(5, 4, 9, 8, 8))).toEqual([4n, 8n])
  expect(back([...commits(5), { partition: 1, position: 2n, at: 1 }])).toEqual([])
})

test('after a rewind each partition may go back once, and not before it', () => {
  expect(back(commits(5, 3, 4, 2), [1])).toEqual([2n])
  expect(back(commits(5, 3, 4, 2), [2])).toEqual([3n])
  expect(back(commits(5, 3, 4, 2), [1, 2])).toEqual([])
})
