import type { EachBatchPayload } from 'kafkajs'
import { expect, test } from 'vitest'
import type { Intake } from '../../../src/pipeline/source.ts'
import { createDeliver } from '../../../src/source/deliver.ts'

const messages = Array.from({ length: 1_000 }, (_, offset) => ({
  ...{ offset: String(offset), timestamp: '0', key: null, value: null },
}))
const payload = {
  batch: { partition: 0, messages, fetchedOffset: '0', lastOffset: () => '999' },
  ...{ isRunning: () => true, isStale: () => false, heartbeat: async () => {}, resolveOffset: () => {} },
} as unknown as EachBatchPayload

/** How many records are offered without a turn of the event loop; a batch is being written from the `writesFrom`th on. */
async function stretches(writesFrom: number) {
  let next = 0n
  const sizes: number[] = []
  const intake = {
    next: () => next,
    writing: () => next >= writesFrom,
    advance: () => {},
    offer(_: number, records: readonly unknown[]) {
      sizes.push(records.length)
      next += BigInt(records.length)
      return records.length
    },
  } as unknown as Intake
  const nothing = async () => {}
  await createDeliver({ intake, emit: () => {}, accepting: () => true, seek: () => {}, refused: () => {}, doubt: nothing, sleep: nothing, turn: nothing })(payload) // prettier-ignore
  return sizes
}

test('while a batch is written its answers wait for few records only; else what was fetched together comes together', async () => {
  expect(await stretches(Infinity)).toEqual([500, 500])
  const sizes = await stretches(500)
  expect(sizes[0]).toBe(500)
  expect(Math.max(...sizes.slice(1))).toBeLessThanOrEqual(128)
  expect(sizes.reduce((sum, size) => sum + size)).toBe(1_000)
})
