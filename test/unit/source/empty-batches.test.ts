import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { createSignal } from '../../../src/lib/signal.ts'
import { createBuffer } from '../../../src/pipeline/buffer.ts'
import { createIntake } from '../../../src/pipeline/intake.ts'
import { createEmptyBatches } from '../../../src/source/empty-batches.ts'
import type { TelemetryEvent } from '../../../src/telemetry/events.ts'

const world = () => {
  const buffer = createBuffer<null>({ records: 10, bytes: 1_000 })
  const intake = createIntake<null>({
    ...{ buffer, clock: systemClock, freed: createSignal(), decode: () => null },
    wake: () => {},
    admitting: () => true,
    writing: () => false,
    sinkFailing: () => false,
    hurry: () => {},
  })
  const seeks: [number, bigint][] = []
  const events: TelemetryEvent[] = []
  const empty = createEmptyBatches({
    intake,
    emit: (event) => void events.push(event),
    seek: (partition, position) => void seeks.push([partition, position]),
  })
  intake.assign(0, 10n)
  const pass = (firstOffset: string | null, lastOffset: string, { partition = 0, batchSize = 0 } = {}) =>
    empty.pass({ partition, batchSize, firstOffset, lastOffset })
  return { intake, empty, seeks, events, pass, next: () => intake.next(0) }
}

describe('a batch without a visible record', () => {
  test.each([
    ['begins at our position', '10', '14', 15n],
    ['begins below it', '8', '14', 15n],
    ['holds nothing from there on (compacted)', null, '10', 11n],
    ['lies below it', '5', '9', 10n],
  ])('%s', (_, first, last, next) => {
    const { pass, seeks, next: position } = world()
    pass(first, last)
    expect(position()).toBe(next)
    expect(seeks).toEqual([])
  })

  test('moves nothing when it is not empty, or of a partition that is not ours', () => {
    const { pass, next, intake, seeks } = world()
    pass('10', '14', { batchSize: 5 })
    pass('10', '14', { partition: 1 })
    expect(next()).toBe(10n)
    expect(intake.next(1)).toBeNull()
    expect(seeks).toEqual([])
  })
})

describe('a batch beyond our position', () => {
  test.each([
    ['12', '14'],
    [null, '12'],
  ])('(%s to %s) is a gap: sought back once', (first, last) => {
    const { pass, next, seeks, events } = world()
    pass(first, last)
    expect(next()).toBe(10n)
    expect(seeks).toEqual([[0, 10n]])
    expect(events).toEqual([{ type: 'gap', partition: 0, expected: 10n, fetched: 12n }])
  })

  test('again after the seek: the offsets between do not exist', () => {
    const { pass, next, seeks } = world()
    pass('12', '14')
    pass('12', '14')
    expect(next()).toBe(15n)
    expect(seeks).toHaveLength(1)
  })

  test('again after a join: kafkajs forgot the seek', () => {
    const { pass, next, seeks, empty } = world()
    pass('12', '14')
    empty.joined()
    pass('12', '14')
    expect(next()).toBe(10n)
    expect(seeks).toHaveLength(2)
  })
})
