import { simulate } from './simulate.ts'

/** Of these seeds: what broke, and how to see why. */
export const failuresOf = async (seeds: readonly number[]): Promise<string[]> => {
  const failed: string[] = []
  for (const seed of seeds) {
    const { failure } = await simulate(seed)
    if (failure) failed.push(`${failure.message} (npm run simulate -- --seed ${seed})`)
  }
  return failed
}

export const seedsFrom = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index)
