import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isolate } from '../../../src/pipeline/isolate.ts'

const run = async (size: number, bad: ReadonlySet<number>) => {
  let attempts = 0
  const result = await isolate(
    Array.from({ length: size }, (_, i) => i),
    async (items) => {
      attempts += 1
      const faulty = items.find((item) => bad.has(item))
      return faulty === undefined ? { ok: true, stored: [...items] } : { ok: false, fault: `fault ${faulty}` }
    },
  )
  return { attempts, stored: result.stored.flat(), refused: result.refused }
}

describe('isolation by halving', () => {
  it('stores all that is good, in order, and names all that is bad with its fault', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(300), fc.uniqueArray(fc.nat(299), { maxLength: 12 }), async (size, indices) => {
        const bad = new Set(indices.filter((index) => index < size))
        const { stored, refused } = await run(size, bad)
        expect(stored).toEqual(Array.from({ length: size }, (_, i) => i).filter((i) => !bad.has(i)))
        expect(refused).toEqual([...bad].sort((a, b) => a - b).map((item) => ({ item, fault: `fault ${item}` })))
      }),
    )
  })

  it('of k bad records in n costs at most 2k·log2(n/k) + 2k + 2 attempts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5_000 }),
        fc.uniqueArray(fc.nat(4_999), { minLength: 1, maxLength: 60 }),
        async (size, indices) => {
          const bad = new Set(indices.filter((index) => index < size))
          const { attempts } = await run(size, bad)
          const k = bad.size
          const bound = k === 0 ? 1 : 2 * k * Math.log2(size / k) + 2 * k + 2
          expect(attempts).toBeLessThanOrEqual(bound)
        },
      ),
    )
    expect((await run(1024, new Set([0]))).attempts).toBe(21)
    // What is refused, but not in its first half, need not be asked about again as a whole.
    expect((await run(1024, new Set([1023]))).attempts).toBe(12)
  })

  it('of items that are refused in company only ends with all of them stored', async () => {
    let attempts = 0
    const result = await isolate([1, 2, 3, 4, 5, 6, 7, 8], async (items) => {
      attempts += 1
      return items.includes(2) && items.includes(7) ? { ok: false, fault: 'both' } : { ok: true, stored: items }
    })
    expect(result.stored.flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(result.refused).toEqual([])
    expect(attempts).toBeLessThanOrEqual(8)
  })

  it('of nothing costs nothing', async () => {
    expect(await run(0, new Set())).toEqual({ attempts: 0, stored: [], refused: [] })
  })
})
