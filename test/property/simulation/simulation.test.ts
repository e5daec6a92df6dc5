// The simulation in CI: the pipeline, the source, the sink and kafkajs's own consumer on simulated Kafka, PostgreSQL and time
// (test/simulation/). A seed that fails: npm run simulate -- --seed N prints all that happened.
import { expect, test } from 'vitest'
import { FAULTS } from '../../simulation/nemesis.ts'
import { playSeeds, seedsFrom } from '../../simulation/run-seeds.ts'
import { simulate } from '../../simulation/simulate.ts'

/** What the members meet besides the faults themselves. Without these a law could hold because nothing ever happened. */
const SITUATIONS = ['revoked', 'gap', 'overtaken', 'rewound', 'commit-failed', 'source-crashed'] as const

test('a seed is one history, for ever', async () => {
  const [first, again] = [await simulate(7, { keepTrace: true }), await simulate(7, { keepTrace: true })]
  expect(again.trace).toEqual(first.trace)
  expect(first.trace.length).toBeGreaterThan(100)
})

test('1,000 seeds, and every fault strikes', async () => {
  const { failed, met } = await playSeeds(seedsFrom(1, 1_000))
  expect(failed).toEqual([])
  const rare = [...FAULTS, ...SITUATIONS].filter((each) => (met.get(each) ?? 0) < 15)
  expect(rare, 'that struck in too few seeds').toEqual([])
}, 300_000)
