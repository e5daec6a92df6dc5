import { expect, test } from 'vitest'
import { createGroup } from '../../../src/http/group.ts'
import type { LetterStats } from '../../../src/sink/letter-store.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const NOW = new Date('2026-11-27T21:30:00.000Z')

const open = () => {
  const { clock, run } = virtualClock()
  const seen = { counts: 0, takes: 0, fails: false }
  const letters = async (): Promise<LetterStats[]> => {
    seen.counts += 1
    await clock.sleep(seen.takes)
    if (seen.fails) throw new Error('canceled')
    return []
  }
  const gate = async () => ({ closure: null, actor: null, allowance: 0n })
  const group = createGroup(
    {
      ...{ members: async () => [], offsets: async () => [], gate, letters, now: async () => NOW },
      own: () => ({ memberId: 'm', partitions: [], unansweredMs: 12 }),
    },
    clock,
  )
  /** What comes of it within the time that a request may take. */
  const within = async <T>(work: Promise<T>): Promise<T> => {
    await run(4_000)
    return work
  }
  return { seen, run, group, within }
}

test('letters that cannot be counted in time: the state is of now all the same, and says that it has no count', async () => {
  const { seen, group, within } = open()
  seen.takes = 20_000
  expect(await within(group.state())).toMatchObject({ error: null, now: NOW, deadLetters: null })
})

test('a count that fails is not begun anew at every ask', async () => {
  const { seen, group, within } = open()
  seen.fails = true
  expect(await within(group.state())).toMatchObject({ error: null, deadLetters: null })
  await within(group.state())
  await within(group.deadLetters())
  expect(seen.counts).toBe(1)
})

test('figures of long ago are unknown to Prometheus, and dated in the state', async () => {
  const { seen, run, group, within } = open()
  expect(await within(group.deadLetters())).toMatchObject({ asOf: NOW })
  seen.fails = true
  await run(200_000)
  expect(await within(group.deadLetters())).toMatchObject({ asOf: NOW })
  await run(100_000)
  expect(await within(group.deadLetters())).toBeNull()
  expect((await within(group.state())).deadLetters).toMatchObject({ asOf: NOW })
})
