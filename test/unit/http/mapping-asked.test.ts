import { expect, test } from 'vitest'
import { mappingList } from '../../../src/http/asked.ts'
import { cursorText, parseCursor } from '../../../src/line-items/mapping-filter.ts'

test.each([
  ['17', { id: 17n, score: null }],
  ['0.94:17', { id: 17n, score: 0.94 }],
  ['1:1', { id: 1n, score: 1 }],
])('the end of a page is told and read: %s', (text, cursor) => {
  expect(cursorText(cursor)).toBe(text)
  expect(parseCursor(text)).toEqual(cursor)
})

test.each([
  [{ after: '17' }, true],
  [{ after: '0.94:17', scoreBelow: '0.95' }, true],
  [{ scoreBelow: '0.95' }, true],
  // Of the other order: it would begin in another place, and leave some out.
  [{ after: '17', scoreBelow: '0.95' }, false],
  [{ after: '0.94:17' }, false],
  [{ after: 'x:17', scoreBelow: '0.95' }, false],
])('GET /api/mappings with %j: %s', (query, isTaken) => {
  expect(mappingList.safeParse(query).success).toBe(isTaken)
})
