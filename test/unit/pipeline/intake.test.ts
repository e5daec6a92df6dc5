import { expect, test } from 'vitest'
import { createSignal } from '../../../src/lib/signal.ts'
import { createBuffer } from '../../../src/pipeline/buffer.ts'
import { createIntake } from '../../../src/pipeline/intake.ts'

const world = (admitting: boolean) => {
  const buffer = createBuffer<null>({ records: 10, bytes: 10_000 })
  const intake = createIntake<null>({
    ...{ buffer, decode: () => null, freed: createSignal(), admitting: () => admitting },
    clock: { now: () => 0, wall: () => 0, sleep: async () => {} },
    wake: () => {},
    writing: () => false,
    sinkFailing: () => false,
    hurry: () => {},
  })
  intake.assign(0, 5n)
  return { buffer, intake }
}
const record = { partition: 0, offset: 5n, timestamp: 0, key: null, value: null, headers: [] }

// Found by the simulation: kafkajs passes markers by itself and tells once; the position stood still until the next record.
test('behind a closed gate no record is admitted, but offsets without one are passed', () => {
  const { buffer, intake } = world(false)
  expect(intake.offer(0, [record])).toBe(0)
  intake.advance(0, 7n)
  expect(intake.next(0)).toBe(7n)
  expect(buffer.take(0, { records: 10, bytes: 10_000 }, 'drain').parts).toEqual([{ partition: 0, from: 5n, to: 7n }])
})

test('settled follows what the sink holds, not what was delivered', () => {
  const { buffer, intake } = world(true)
  expect(intake.offer(0, [record])).toBe(1)
  expect([intake.next(0), intake.settled(0)]).toEqual([6n, 5n])
  buffer.purge(0, 6n)
  expect(intake.settled(0)).toBe(6n)
  intake.rewind(0, 3n)
  expect([intake.next(0), intake.settled(0)]).toEqual([3n, 3n])
})
