import { type Sampler, startSampler } from '../support/sampler.ts'
import type { World } from '../support/world.ts'
import type { ProofLine } from '../../src/demo/proof.ts'

/** Does it under the eyes of the sampler, whose findings are part of the proof. `work` says when its fault begins. */
export const watched = async <T extends { readonly lines: readonly ProofLine[] }>(
  world: World,
  work: (sampler: Sampler) => Promise<T>,
): Promise<T> => {
  const sampler = await startSampler(world)
  let sampled: ProofLine[] = []
  const outcome = await work(sampler).finally(async () => (sampled = await sampler.stop()))
  return { ...outcome, lines: [...outcome.lines, ...sampled] }
}
