import { expect, test, vi } from 'vitest'
import type { TelemetryEvent } from '../../../src/telemetry/events.ts'
import { createTellAll } from '../../../src/telemetry/tell-all.ts'

const event: TelemetryEvent = { type: 'gate-opened' }
const fails = () => {
  throw new Error('NaN is not a valid counter value')
}

test('who fails does not end what it was told of, nor keep the others from it; counted, and said once', () => {
  const [first, last, warn] = [vi.fn(), vi.fn(), vi.fn()]
  const { emit, faults } = createTellAll({ log: first, tally: fails, metrics: last }, { warn })
  emit(event)
  emit(event)
  expect(first).toHaveBeenCalledTimes(2)
  expect(last).toHaveBeenCalledTimes(2)
  expect(faults()).toBe(2)
  expect(warn).toHaveBeenCalledOnce()
  expect(warn.mock.calls[0]?.[0]).toMatchObject({ observer: 'tally' })
})

test('also when it is the log', () => {
  const { emit, faults } = createTellAll({ log: fails }, { warn: fails })
  expect(() => emit(event)).not.toThrow()
  expect(faults()).toBe(1)
})
