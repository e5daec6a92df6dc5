// A file of its own, so that it runs beside simulation.test.ts.
import { expect, test } from 'vitest'
import { playSeeds, seedsFrom } from '../../simulation/run-seeds.ts'

test('1,000 more seeds', async () => expect((await playSeeds(seedsFrom(1_001, 1_000))).failed).toEqual([]), 300_000)
