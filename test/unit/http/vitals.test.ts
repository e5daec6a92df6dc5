// The sink is a port, so a fake may stand for it.
import { expect, test } from 'vitest'
import { endWhenWedged } from '../../../src/http/watch.ts'
import { createVitals } from '../../../src/http/vitals.ts'
import type { Batch, Failure, Sink, WriteResult } from '../../../src/pipeline/sink.ts'

const batch = { entries: [], parts: [], reason: 'age', bytes: 0 } as unknown as Batch<null>

const world = () => {
  const state = { now: 0, buffered: 0, gateClosed: false }
  const clock = { now: () => state.now, wall: () => 0, sleep: async () => void (state.now += 10_000) }
  const vitals = createVitals(clock)
  const since = { join: 0, heartbeat: 0, fetch: null, batch: null }
  vitals.attach({
    source: () => ({ member: true, lives: 1, crashesInARow: 0, since }),
    buffered: () => state.buffered,
    gateClosed: () => state.gateClosed,
    draining: () => false,
  })
  let end: (fate: Failure['fate'] | 'done') => void = () => {}
  const sink: Sink<null> = vitals.watching({
    write: () =>
      new Promise((resolve, reject) => {
        end = (fate) => (fate === 'done' ? resolve({} as WriteResult) : reject(new Error(fate)))
      }),
    classify: (error) =>
      ({ fate: (error as Error).message, code: '', oversized: false, maxRecords: null, cause: error }) as Failure,
    probe: async () => true,
  })
  const write = async (fate: Failure['fate'] | 'done') => {
    const writing = sink.write(batch).catch(() => {})
    end(fate)
    await writing
  }
  return { state, clock, vitals, sink, write, end: (fate: 'done') => end(fate) }
}

test('a write is seen while it lasts', async () => {
  const { state, vitals, sink, end } = world()
  const writing = sink.write(batch)
  state.now = 7_000
  expect(vitals.facts().writingMs).toBe(7_000)
  end('done')
  await writing
  expect(vitals.facts().writingMs).toBeNull()
})

test('failing counts from the first failure until a write is taken; a closed gate is none', async () => {
  const { state, vitals, write } = world()
  await write('held')
  expect(vitals.facts().failingMs).toBeNull()
  await write('transient')
  state.now = 40_000
  await write('unknown')
  expect(vitals.facts().failingMs).toBe(40_000)
  await write('done')
  expect(vitals.facts().failingMs).toBeNull()
})

test('failures are forgotten when nothing is tried any more', async () => {
  const { state, vitals, write } = world()
  await write('transient')
  state.now = 120_001
  expect(vitals.facts().failingMs).toBeNull()
})

test('stalled counts only while there is something to write and nothing in the way', async () => {
  const { state, vitals, write } = world()
  state.now = 3_600_000
  expect(vitals.facts().stalledMs).toBe(0)
  state.buffered = 1
  state.now += 5_000
  expect(vitals.facts().stalledMs).toBe(5_000)
  await write('done')
  expect(vitals.facts().stalledMs).toBe(0)
  state.now += 5_000
  state.gateClosed = true
  expect(vitals.facts().stalledMs).toBe(0)
})

test('a member ends when it was wedged at three looks in a row', async () => {
  const { clock } = world()
  const looks = [false, false, true, false, false, false]
  const health = () => ({ live: looks.shift() ?? true, ready: false, reasons: ['a write that has not ended'] })
  const ending = endWhenWedged(health, clock, new AbortController().signal)
  await expect(ending).rejects.toMatchObject({ message: 'wedged: a write that has not ended', exitCode: 3 })
  expect(looks).toEqual([])
})
