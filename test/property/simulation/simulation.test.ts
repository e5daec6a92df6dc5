// The simulation in CI: the pipeline, the source, the sink and kafkajs's own consumer on simulated Kafka, PostgreSQL and time
// (test/simulation/). A seed that fails: npm run simulate -- --seed N prints all that happened.
import { expect, test } from 'vitest'
import { failuresOf, seedsFrom } from '../../simulation/run-seeds.ts'
import { simulate } from '../../simulation/simulate.ts'

test('a seed is one history, for ever', async () => {
  const [first, again] = [await simulate(7, { keepTrace: true }), await simulate(7, { keepTrace: true })]
  expect(again.trace).toEqual(first.trace)
  expect(first.trace.length).toBeGreaterThan(100)
})

test('1,000 seeds', async () => expect(await failuresOf(seedsFrom(1, 1_000))).toEqual([]), 300_000)
