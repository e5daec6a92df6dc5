import { expect, test } from 'vitest'
import { createStandstill } from '../../../src/http/standstill.ts'
import type { LagView, PartitionLag } from '../../../src/telemetry/lag.ts'

const NONE = new Map<number, number>()
const MINUTE = 60_000

type Looked = { waited?: typeof NONE; excused?: boolean; asked?: number | null; read?: number[] }

/** Looks as the lag watch makes them; each of them says where the partitions are. */
const watched = () => {
  const watch = createStandstill()
  let now = 0
  const pass = (ms: number, positions: Record<number, number | null>, options: Looked = {}) => {
    now += ms
    const { waited = NONE, excused = false, asked = now, read = [] } = options
    const partitions = Object.entries(positions).map(([partition, position]) => {
      const unread = !read.includes(Number(partition))
      return { partition: Number(partition), position: position === null ? null : BigInt(position), unread }
    }) as unknown as PartitionLag[]
    return watch.look(now, { asOf: now, asked, partitions } satisfies LagView, excused, waited)
  }
  return { pass }
}

test('a partition that has something to read and does not move is told, with how long; one that moves is not', () => {
  const { pass } = watched()
  expect(pass(0, { 0: 5, 1: 5 })).toBeNull()
  expect(pass(MINUTE, { 0: 6, 1: 5 })).toEqual({ partition: 1, ms: MINUTE })
  expect(pass(MINUTE, { 0: 7, 1: 5 })).toEqual({ partition: 1, ms: 2 * MINUTE })
  expect(pass(MINUTE, { 0: 8, 1: 6 })).toBeNull()
})

test('any record of it counts, however slow', () => {
  const { pass } = watched()
  for (let position = 0; position < 20; position++) expect(pass(9 * MINUTE, { 0: position })).toBeNull()
})

test('nobody said where to begin: that is no progress either', () => {
  const { pass } = watched()
  pass(0, { 0: null })
  expect(pass(MINUTE, { 0: null })).toEqual({ partition: 0, ms: MINUTE })
})

test.each<[string, Looked]>([
  ['something else is in the way of all', { excused: true }],
  ['Kafka has not answered for long', { asked: -1e9 }],
  ['Kafka has never answered', { asked: null }],
  ['a lane has records of it, or all is read', { read: [0] }],
  ['a fetch found nothing, or what it found waits for room', { waited: new Map([[0, 1_000]]) }],
])('%s: it begins anew', (_, excuse) => {
  const { pass } = watched()
  pass(0, { 0: 5 })
  expect(pass(9 * MINUTE, { 0: 5 })).toEqual({ partition: 0, ms: 9 * MINUTE })
  expect(pass(MINUTE, { 0: 5 }, excuse)).toBeNull()
  pass(1, { 0: 5 })
  expect(pass(MINUTE, { 0: 5 })?.ms ?? 0).toBeLessThanOrEqual(MINUTE + 1)
})

test('what waited long ago, and a partition that was somebody else’s meanwhile', () => {
  const { pass } = watched()
  pass(0, { 0: 5, 1: 5 }, { waited: new Map([[0, 5 * MINUTE]]) })
  expect(pass(MINUTE, { 0: 5 }, { waited: new Map([[0, 6 * MINUTE]]) })).toEqual({ partition: 0, ms: MINUTE })
  expect(pass(0, { 1: 5 })).toBeNull()
})
