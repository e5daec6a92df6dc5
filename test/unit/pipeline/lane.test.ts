// The sink and the source are ports, so fakes may stand for them.
import { expect, test, vi } from 'vitest'
import { createSignal } from '../../../src/lib/signal.ts'
import { createWake } from '../../../src/lib/wake.ts'
import { createBuffer } from '../../../src/pipeline/buffer.ts'
import { runLane } from '../../../src/pipeline/lane.ts'
import type { Batch, Sink, WriteResult } from '../../../src/pipeline/sink.ts'

const nothing = { inserted: 0, duplicates: 0, deadLettered: 0, ignored: 0, failed: [] }

// Found by simulation: each piece of a batch that had been cut went back once more, and what had been read meanwhile was dropped.
test('a sink that was rewound is gone back to once, also by a batch that was cut', async () => {
  const buffer = createBuffer<null>({ records: 100, bytes: 100_000 })
  buffer.assign(0, 10n)
  for (let offset = 10n; offset < 14n; offset += 1n) {
    const record = { partition: 0, offset, timestamp: 0, key: null, value: null, headers: [] }
    buffer.push({ record, decoded: null, bytes: 1, arrivedAt: 0 })
  }
  const written: bigint[] = []
  const sink: Sink<null> = {
    write({ parts, entries }: Batch<null>): Promise<WriteResult> {
      if (entries.length > 2) return Promise.reject(new Error('too much'))
      for (const { from } of parts) written.push(from)
      // A standby took over that holds less.
      return Promise.resolve({ ...nothing, positions: new Map([[0, 5n]]) })
    },
    classify: (cause) => ({ fate: 'transient', code: 'X', oversized: true, maxRecords: 2, cause }),
    probe: () => Promise.resolve(true),
  }
  const sought: bigint[] = []
  const clock = { now: () => 0, wall: () => 0, sleep: async () => {} }
  await runLane<null>({
    ...{ lane: 0, buffer, clock, emit: () => {}, wake: createWake(), freed: createSignal() },
    source: { commit: () => {}, seek: (_, position) => void sought.push(position) },
    bounds: { maxRecords: 10, maxBytes: 1_000, minAgeMs: 1, maxAgeMs: 1, targetMs: 1 },
    settling: {
      ...{ sink, clock, emit: () => {}, owns: () => true, random: () => 0, abort: new AbortController().signal },
      ...{ failing: () => {}, held: async () => {} },
    },
    ...{ mode: () => 'drain', gateClosed: () => false, flushing: () => {} },
  })
  expect(written).toEqual([10n, 12n])
  expect(sought).toEqual([5n])
  expect(buffer.next(0)).toBe(5n)
  expect(buffer.held).toEqual({ records: 0, bytes: 0 })
})

test('after a flush the next batch waits for its age; when nothing was flushed for as long it does not wait', async () => {
  const buffer = createBuffer<null>({ records: 100, bytes: 100_000 })
  buffer.assign(0, 0n)
  const wake = createWake()
  const abort = new AbortController()
  vi.useFakeTimers()
  const clock = { now: () => Date.now(), wall: () => Date.now(), sleep: async () => {} }
  const taken: number[] = []
  const sink: Sink<null> = {
    write({ parts }: Batch<null>): Promise<WriteResult> {
      taken.push(clock.now())
      const positions = new Map(parts.map(({ partition, to }) => [partition, to]))
      return new Promise((resolve) => void setTimeout(() => resolve({ ...nothing, positions }), 4))
    },
    classify: (cause) => ({ fate: 'fatal', code: 'X', oversized: false, maxRecords: null, cause }),
    probe: () => Promise.resolve(true),
  }
  let offset = 0n
  const arrive = () => {
    const record = { partition: 0, offset: offset++, timestamp: 0, key: null, value: null, headers: [] }
    buffer.push({ record, decoded: null, bytes: 1, arrivedAt: clock.now() })
    wake.notify()
  }
  const running = runLane<null>({
    ...{ lane: 0, buffer, clock, emit: () => {}, wake, freed: createSignal() },
    source: { commit: () => {}, seek: () => {} },
    bounds: { maxRecords: 10, maxBytes: 1_000, minAgeMs: 50, maxAgeMs: 50, targetMs: 1_000 },
    settling: {
      ...{ sink, clock, emit: () => {}, owns: () => true, random: () => 0, abort: abort.signal },
      ...{ failing: () => {}, held: async () => {} },
    },
    ...{ mode: () => 'steady', gateClosed: () => false, flushing: () => {} },
  })
  const begun = clock.now()
  arrive()
  await vi.advanceTimersByTimeAsync(10) // written in 4
  arrive()
  await vi.advanceTimersByTimeAsync(200)
  arrive()
  await vi.advanceTimersByTimeAsync(10)
  // The second: 50 ms after the end of the first flush, not 50 ms after it came.
  expect(taken.map((at) => at - begun)).toEqual([0, 54, 210])
  abort.abort()
  wake.notify()
  await running
  vi.useRealTimers()
})
