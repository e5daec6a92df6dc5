import { expect, test } from 'vitest'
import type { Life } from '../../../src/source/life.ts'
import { createLives } from '../../../src/source/lives.ts'
import { createSigns } from '../../../src/source/signs.ts'

// A life that is given up may go on: it joins, and its commits are for partitions that we do not hear of (found by simulation).
test('what ends is told of, also while we are closing: nothing more is sent through it', async () => {
  const told: string[] = []
  let closing = false
  const clock = { now: () => 0, wall: () => 0, sleep: async () => {} }
  const lives = createLives({
    ...{ topic: 't', healthyMs: 1, ended: new AbortController().signal, signs: createSigns(clock, 1), clock },
    ...{ emit: () => {}, fail: () => {}, closing: () => closing, crashed: () => void told.push('crashed') },
  })
  let giveUp = (_: unknown) => {}
  const over = new Promise((resolve) => (giveUp = resolve))
  const run = lives.run(() => ({ over }) as unknown as Life)
  closing = true
  giveUp(new Error('no sign of the group'))
  await run
  expect(told).toEqual(['crashed'])
})
