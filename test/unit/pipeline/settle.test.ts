// How often a fault that nobody understands is tried again. The sink is a port, so a fake may stand for it.
import { expect, test } from 'vitest'
import { settle } from '../../../src/pipeline/settle.ts'
import type { Batch, Failure, Sink, WriteResult } from '../../../src/pipeline/sink.ts'

const batch: Batch<null> = { entries: [], parts: [{ partition: 0, from: 0n, to: 1n }], reason: 'age', bytes: 0 }

type Try = Failure['fate'] | 'unwell'

/** Fails once for each of `tries`, then takes the batch. `unwell`: unknown, on a sink that says it is not well. */
const settleAfter = (tries: readonly Try[]) => {
  const left = [...tries]
  let now: Try | undefined
  const sink: Sink<null> = {
    async write() {
      now = left.shift()
      if (now) throw new Error(now)
      return { positions: new Map() } as unknown as WriteResult
    },
    classify: (cause) => {
      const fate = now === 'unwell' ? 'unknown' : (now ?? 'fatal')
      return { fate, code: 'X', oversized: false, maxRecords: null, cause }
    },
    probe: async () => now !== 'unwell',
  }
  const clock = { now: () => 0, wall: () => 0, sleep: async () => {} }
  const rest = { owns: () => true, random: () => 0, emit: () => {}, failing: () => {}, held: async () => {} }
  return settle(batch, { ...rest, sink, clock, abort: new AbortController().signal })
}

const times = (count: number, what: Try): Try[] => Array.from({ length: count }, () => what)

test('a fault of unknown outcome on a sink that is well is tried again ten times, then it is fatal', async () => {
  expect((await settleAfter(times(10, 'unknown'))).attempts).toBe(11)
  await expect(settleAfter(times(11, 'unknown'))).rejects.toMatchObject({ name: 'FatalFault' })
})

test('they are counted in a row: a fault that is explained, or a sink that is not well, begins anew', async () => {
  for (const between of ['transient', 'unwell'] as const) {
    const tries = [...times(10, 'unknown'), between, ...times(10, 'unknown')]
    expect((await settleAfter(tries)).attempts).toBe(22)
  }
})

test('transient faults, and faults of a sink that is not well, are tried again for as long as it takes', async () => {
  expect((await settleAfter(times(500, 'transient'))).attempts).toBe(501)
  expect((await settleAfter(times(500, 'unwell'))).attempts).toBe(501)
})
