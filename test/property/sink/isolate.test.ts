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

  it('of one bad record in N costs at most 2·⌈log2 N⌉ + 1 attempts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5_000 }), fc.nat(), async (size, index) => {
        const { attempts } = await run(size, new Set([index % size]))
        expect(attempts).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(size)) + 1)
      }),
    )
    expect((await run(1024, new Set([700]))).attempts).toBe(21)
  })

  it('of nothing costs nothing', async () => {
    expect(await run(0, new Set())).toEqual({ attempts: 0, stored: [], refused: [] })
  })
})
