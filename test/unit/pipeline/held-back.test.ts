// Source, sink and gate are ports, so a fake may stand for each.
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createPipeline } from '../../../src/pipeline/pipeline.ts'
import type { Closure, Sink } from '../../../src/pipeline/sink.ts'
import type { Source } from '../../../src/pipeline/source.ts'
import { until } from '../../support/until.ts'

const CLOSED: Closure = { closedAt: new Date(0), code: 'PAUSED', reason: '', partition: null, offset: null }

/** Two partitions with a record each and a lane each: the first finds the gate closed, the second is still writing. */
const world = () => {
  const state = { closure: CLOSED as Closure | null, written: () => {} }
  let stop = () => {}
  const source: Source = {
    run(intake) {
      for (const partition of [0, 1]) {
        intake.assign(partition, 0n)
        const record = { partition, offset: 0n, key: null, value: null, headers: [], timestamp: 0 }
        intake.offer(partition, [record])
      }
      return new Promise((resolve) => (stop = resolve))
    },
    stop: async () => stop(),
    ...{ owns: () => true, commit: () => {}, seek: () => {}, pause: () => {} },
  }
  const sink: Sink<null> = {
    write: ({ parts }) =>
      parts[0]?.partition === 0
        ? setImmediate().then(() => Promise.reject(new Error('held')))
        : new Promise((resolve) => {
            const positions = new Map([[1, 1n]])
            const counts = { inserted: 1, duplicates: 0, deadLettered: 0, ignored: 0, failed: [] }
            state.written = () => resolve({ positions, ...counts })
          }),
    classify: (cause) => ({ fate: 'held', code: 'GATE_CLOSED', oversized: false, maxRecords: null, cause }),
    probe: async () => true,
  }
  let looks = 0
  const closure = () => Promise.resolve(looks++ === 0 ? null : state.closure)
  const clock = { now: () => performance.now(), wall: () => 0, sleep: async () => void (await setImmediate()) }
  const pipeline = createPipeline<null>({
    ...{ source, sink, gate: { closure }, clock, random: () => 0, emit: () => {}, decode: () => null },
    ...{ capacity: { records: 10, bytes: 10_000 }, lanes: 2 },
    bounds: { maxRecords: 10, maxBytes: 10_000, minAgeMs: 0, maxAgeMs: 0, targetMs: 100 },
  })
  return { pipeline, state }
}

test('what a closed gate kept from a drain was held back by it, also when it is open again before the drain has ended', async () => {
  const { pipeline, state } = world()
  const run = pipeline.run()
  await until('the gate is known to be closed', () => pipeline.gateClosed())
  expect([pipeline.busy(0), pipeline.busy(1), pipeline.heldBack()]).toEqual([true, true, false])
  pipeline.drain('SIGTERM')
  state.closure = null
  await until('it is known to be open', () => !pipeline.gateClosed())
  state.written()
  expect(await run).toBe(1)
  expect(pipeline.heldBack()).toBe(true)
})

test('what the deadline cut off was not', async () => {
  const { pipeline, state } = world()
  state.closure = null
  const run = pipeline.run()
  await until('both are under way', () => pipeline.busy(0) && pipeline.busy(1))
  pipeline.drain('SIGTERM')
  pipeline.abort()
  state.closure = CLOSED
  await until('the gate is known to be closed', () => pipeline.gateClosed())
  state.written()
  expect(await run).toBeGreaterThan(0)
  expect(pipeline.heldBack()).toBe(false)
})
