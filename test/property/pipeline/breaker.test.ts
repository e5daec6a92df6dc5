import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BreakerMemory, observe, SAMPLE } from '../../../src/pipeline/breaker.ts'

const FRESH: BreakerMemory = { run: 0, records: 0, deadLettered: 0 }
const NEVER = { maxConsecutive: 0, maxRatio: 1 }
/** true: a dead letter. */
const seenOf = (fates: readonly boolean[]) => ({
  records: fates.length,
  dead: fates.flatMap((dead, place) => (dead ? [place] : [])),
})
const longestRun = (fates: readonly boolean[]) =>
  Math.max(0, ...fates.map((_, end) => end + 1 - (fates.slice(0, end + 1).lastIndexOf(false) + 1)))
const fates = fc.array(fc.boolean(), { maxLength: 60 })

describe('dead letters in a row', () => {
  test('trip it exactly when there are more than the limit, however the records are cut into batches', () => {
    fc.assert(
      fc.property(fc.array(fates, { maxLength: 6 }), fc.integer({ min: 1, max: 12 }), (batches, maxConsecutive) => {
        let memory = FRESH
        let tripped = false
        for (const batch of batches) {
          const result = observe(memory, seenOf(batch), { ...NEVER, maxConsecutive })
          memory = result.memory
          tripped ||= result.trip !== null
        }
        expect(tripped).toBe(longestRun(batches.flat()) > maxConsecutive)
      }),
    )
  })
  test('are forgotten with the first record that is written, and stay over a batch without records', () => {
    const bad = observe(FRESH, seenOf([true, true]), NEVER).memory
    expect(observe(bad, seenOf([]), NEVER).memory.run).toBe(2)
    expect(observe(bad, seenOf([true]), NEVER).memory.run).toBe(3)
    expect(observe(bad, seenOf([true, false]), NEVER).memory.run).toBe(0)
    expect(observe(bad, seenOf([false, true]), NEVER).memory.run).toBe(1)
  })
  test('name the rule, what was found and the limit', () => {
    expect(observe(FRESH, seenOf([true, true, true]), { ...NEVER, maxConsecutive: 2 }).trip).toEqual({
      rule: 'consecutive',
      found: 3,
      limit: 2,
    })
  })
})

describe('the share of dead letters', () => {
  const mixed = (records: number, every: number) => Array.from({ length: records }, (_, i) => i % every === 0)
  const half = { maxConsecutive: 0, maxRatio: 0.5 }

  test('says nothing about fewer records than the sample', () => {
    expect(observe(FRESH, seenOf(mixed(SAMPLE - 1, 1)), half).trip).toBeNull()
    expect(observe(FRESH, seenOf(mixed(SAMPLE, 1)), half).trip).toMatchObject({ rule: 'ratio', found: 1 })
  })
  test('adds up over batches, and slides: old records weigh less and less', () => {
    const third = mixed(250, 3)
    let memory = FRESH
    for (let i = 0; i < 40; i++) {
      const { memory: next, trip } = observe(memory, seenOf(third), half)
      expect(trip).toBeNull()
      memory = next
      expect(memory.records).toBeLessThanOrEqual(2 * SAMPLE)
    }
    let batches = 0
    while (observe(memory, seenOf(mixed(100, 1)), half).trip === null && batches < 100) {
      memory = observe(memory, seenOf(mixed(100, 1)), half).memory
      batches += 1
    }
    expect(batches).toBeLessThan(10)
  })
  test('forgets, however small the batches are: one bad record in twenty never looks like more', () => {
    for (const size of [1, 3, 10, 700]) {
      const fates = mixed(60_000, 20)
      let memory = FRESH
      let trips = 0
      for (let at = 0; at < fates.length; at += size) {
        const result = observe(memory, seenOf(fates.slice(at, at + size)), { maxConsecutive: 0, maxRatio: 0.1 })
        if (result.trip) trips += 1
        memory = result.memory
      }
      expect([size, trips]).toEqual([size, 0])
    }
  })
  test('does not trip on a batch that is all well, whatever was before', () => {
    expect(observe({ run: 0, records: 2_000, deadLettered: 1_900 }, seenOf(mixed(10, 20)), half).trip).not.toBeNull()
    expect(observe({ run: 0, records: 2_000, deadLettered: 1_900 }, seenOf([false]), half).trip).toBeNull()
  })
  test('of 1 is never exceeded', () => {
    expect(observe(FRESH, seenOf(mixed(5_000, 1)), NEVER).trip).toBeNull()
  })
})
