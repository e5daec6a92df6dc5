import { expect, test } from 'vitest'
import { EVENT_NAMESPACE, eventId } from '../../../src/publish/event-id.ts'

test('event ids are a contract: they never change between releases', () => {
  expect(EVENT_NAMESPACE).toBe('3d2c4711-16c4-5bc5-afee-d6fffeefddef')
  expect(eventId('u-1', '536365', 1)).toBe('d54cd53a-85a3-5024-9349-16a63fa6cf1f')
})

test('where one part ends and the next begins is part of the id', () => {
  expect(eventId('a', 'b,1', 1)).not.toBe(eventId('a,b', '1', 1))
  expect(eventId('a","b', 'c', 1)).not.toBe(eventId('a', 'b","c', 1))
})
