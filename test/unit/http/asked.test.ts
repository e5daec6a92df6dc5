import { expect, test } from 'vitest'
import { discardBody, history, letterList, replayBody } from '../../../src/http/asked.ts'

test.each([{ code: [], status: [] }, {}, { stage: [] }])('a filter that says nothing is refused: %j', (filter) => {
  expect(replayBody.safeParse({ filter }).success).toBe(false)
  expect(discardBody.safeParse({ filter, reason: 'why' }).success).toBe(false)
})

test('an empty list is as good as none beside what is said', () => {
  const { filter } = replayBody.parse({ filter: { code: [], status: ['open'] } })
  expect(filter).toEqual({ status: ['open'] })
  expect(letterList.parse({ status: 'open' })).toMatchObject({ status: ['open'] })
})

test.each([
  [{}, { minutes: 60, points: 240 }],
  [
    { minutes: '1', points: '2' },
    { minutes: 15, points: 60 },
  ],
  [
    { minutes: '61', points: '241' },
    { minutes: 120, points: 720 },
  ],
])('history is of a few sizes: %j', (given, found) => expect(history.parse(given)).toEqual(found))
