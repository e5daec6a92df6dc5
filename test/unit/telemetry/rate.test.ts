import { expect, test } from 'vitest'
import { createRate } from '../../../src/telemetry/rate.ts'

const partition = (position: number, end = position) => ({
  ...{ partition: 0, position: BigInt(position), end: BigInt(end), committed: null },
  ...{ lagRecords: end - position, lagSeconds: 0, unread: false },
})

test('what is settled in a second, over the last minute', () => {
  const rates = createRate()
  rates.saw(0, [partition(0, 1_000)])
  expect(rates.saw(10_000, [partition(600, 1_100)])).toEqual({ settledPerSecond: 60, arrivedPerSecond: 10, clearSeconds: 10 }) // prettier-ignore
})

test('what another member settled of a partition that was lost and is here again is not ours', () => {
  const rates = createRate()
  rates.saw(0, [partition(0)])
  rates.saw(5_000, [])
  expect(rates.saw(10_000, [partition(1_000_000)])).toMatchObject({ settledPerSecond: null, arrivedPerSecond: null })
  expect(rates.saw(20_000, [partition(1_000_100)])).toMatchObject({ settledPerSecond: 10, arrivedPerSecond: 10 })
})
