// A file of its own, so that it runs beside simulation.test.ts.
import { expect, test } from 'vitest'
import { failuresOf, seedsFrom } from '../../simulation/run-seeds.ts'

test('1,000 more seeds', async () => expect(await failuresOf(seedsFrom(1_001, 1_000))).toEqual([]), 300_000)
