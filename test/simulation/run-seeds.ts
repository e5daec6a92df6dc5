import { simulate } from './simulate.ts'

/** Of these seeds: what broke, and how to see why; and in how many of them a fault struck, or a member told of something. */
export const playSeeds = async (seeds: readonly number[]) => {
  const failed: string[] = []
  const met = new Map<string, number>()
  for (const seed of seeds) {
    const { failure, faults, told } = await simulate(seed)
    if (failure) failed.push(`${failure.message} (npm run simulate -- --seed ${seed})`)
    for (const each of new Set([...faults, ...told])) met.set(each, (met.get(each) ?? 0) + 1)
  }
  return { failed, met }
}

export const seedsFrom = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index)
