import { expect, test } from 'vitest'
import { sweep, type SweepDeps } from '../../../src/dead-letters/sweep.ts'

const at = (n: number) => ({ createdAt: new Date(n), id: String(n) })
const deps = (over: Partial<SweepDeps>): SweepDeps => ({
  batch: async () => ({ count: 0, next: null }),
  remaining: async () => 0,
  clock: { sleep: async () => {} },
  signal: new AbortController().signal,
  onProgress: () => {},
  ...over,
})

test('goes on from batch to batch until none is left', async () => {
  const places: (number | null)[] = []
  const counts: number[] = []
  const batch: SweepDeps['batch'] = async (after) => {
    places.push(after?.createdAt.getTime() ?? null)
    return places.length < 3 ? { count: 10, next: at(places.length) } : { count: 5, next: null }
  }
  const swept = await sweep(deps({ batch, onProgress: (count) => counts.push(count) }))
  expect(swept).toEqual({ count: 25, left: 0, stopped: false })
  expect([places, counts]).toEqual([[null, 1, 2], [10, 20, 25]]) // prettier-ignore
})

test('what somebody else had locked is met in the next pass, and told when it stays locked', async () => {
  let left = 1
  const once = await sweep(deps({ batch: async () => ({ count: 1, next: null }), remaining: async () => left-- }))
  expect(once).toEqual({ count: 2, left: 0, stopped: false })
  const never = await sweep(deps({ remaining: async () => 7 }))
  expect(never).toEqual({ count: 0, left: 7, stopped: false })
})

test('a signal stops between batches', async () => {
  const stop = new AbortController()
  const batch = async () => (stop.abort(), { count: 10, next: at(1) })
  const swept = await sweep(deps({ batch, signal: stop.signal, remaining: async () => 90 }))
  expect(swept).toEqual({ count: 10, left: 90, stopped: true })
})
