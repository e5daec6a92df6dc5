import { expect, test } from 'vitest'
import { kept } from '../../../src/http/kept.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const open = (tookMs: number) => {
  const { clock, run } = virtualClock()
  const seen = { reads: 0, fails: false }
  const read = async () => {
    seen.reads += 1
    const { fails } = seen
    await clock.sleep(tookMs)
    if (fails) throw new Error('no')
    return seen.reads
  }
  return { seen, run, source: kept(read, { ms: 1_000, share: 10 }, clock) }
}

test('one read for all who ask, kept for ten times as long as it took', async () => {
  const { seen, run, source } = open(500)
  const both = Promise.all([source.get(), source.get()])
  await run(500)
  expect(await both).toEqual([1, 1])
  await run(4_900)
  expect(await source.get()).toBe(1)
  await run(200)
  const again = source.get()
  await run(500)
  expect(await again).toBe(2)
  expect(seen.reads).toBe(2)
})

test('what fails is not read again at every ask; what was read before is still known, as long as it is not too old', async () => {
  const { seen, run, source } = open(500)
  const first = source.get()
  await run(500)
  await first
  await run(5_000)
  seen.fails = true
  const failing = source.get().catch(() => 'failed')
  await run(500)
  expect(await failing).toBe('failed')
  for (let ask = 0; ask < 20; ask += 1) await expect(source.get()).rejects.toThrow('no')
  expect(seen.reads).toBe(2)
  expect(source.last()).toBe(1)
  expect(source.last(5_500)).toBe(1)
  expect(source.last(5_400)).toBeNull()
  seen.fails = false
  await run(5_000)
  const well = source.get()
  await run(500)
  expect(await well).toBe(3)
})
